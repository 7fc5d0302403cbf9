"""Certificates that this machine does not trust: whose turn it is, and what to do."""

import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from tests.authority import DAY, Issued, ec_key, issue, write_pair
from tests.commands.checkup.servers import answering
from vaultrelay.commands.checkup import tls, trust
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.commands.checkup.tls_endpoint import device_context
from vaultrelay.wire.relay_url import RelayUrl

ROOT = issue([], subject="Home Root", authority=True)
MIDDLE = issue([], subject="Home Middle", authority=True, issuer=ROOT)
LEAF = issue(["localhost"], subject="relay", issuer=MIDDLE)
UNDER_ROOT = issue(["localhost"], subject="relay", issuer=ROOT)
SELF_SIGNED = issue(["localhost"], subject="relay")
ALIEN = issue([], subject="\x1bAlien", authority=True)
PUBLIC = issue(
    ["localhost"],
    subject="relay",
    issuer=MIDDLE,
    more=[
        x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.CA_ISSUERS,
                    x509.UniformResourceIdentifier("http://ca.example/middle.der"),
                )
            ]
        )
    ],
)
TRUST_ROOT = "SSL_CERT_FILE=/path/to/root.pem vault-relay check"
ALONE = "certificate without that of its issuer"
ABSENT = "but not that of its issuer, 'Home Middle': serve the certificate with its chain"
COMPLETE = "The relay serves its chain, but this machine does not trust its root, 'Home Root'."


async def look(folder: Path, *chain: Issued) -> StepResult:
    """What the step of TLS finds of a server with this chain."""
    from twisted.internet import reactor

    certificate, key = write_pair(folder, *chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    with answering(b"", context) as port:
        return await tls.check_tls(reactor, RelayUrl.read(f"wss://localhost:{port}"))


async def failure(folder: Path, *chain: Issued) -> str:
    with pytest.raises(CheckFailed) as failed:
        await look(folder, *chain)
    return str(failed.value)


@pytest.mark.parametrize(
    ("chain", "said", "unsaid"),
    [
        ([LEAF, MIDDLE], COMPLETE, "fullchain.pem"),
        ([LEAF, MIDDLE, ROOT], COMPLETE, "fullchain.pem"),
        ([LEAF, ALIEN, MIDDLE], COMPLETE, "fullchain.pem"),
        ([UNDER_ROOT, ROOT], COMPLETE, "fullchain.pem"),
        (
            [UNDER_ROOT],
            "certificate without that of its issuer, 'Home Root'. If that is the root",
            "xxx",
        ),
        ([PUBLIC], f"{ALONE}, 'Home Middle': serve the certificate with", TRUST_ROOT),
        ([LEAF, ALIEN], ABSENT, TRUST_ROOT),
        ([LEAF, ROOT], ABSENT, TRUST_ROOT),
        ([SELF_SIGNED], "or trust this one: SSL_CERT_FILE=/path/to/it.pem", "fullchain.pem"),
    ],
    ids=["complete", "with_root", "unordered", "small", "alone", "public", "alien", "gap", "self"],
)
@pytest_twisted.ensureDeferred
async def test_a_missing_certificate_is_told_from_a_root_that_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: Sequence[Issued], said: str, unsaid: str
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    told = await failure(tmp_path, *chain)
    assert said in told
    assert unsaid not in told
    assert told.isprintable()


@pytest_twisted.ensureDeferred
async def test_a_trusted_authority_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert (await look(tmp_path, LEAF, MIDDLE)).warnings == ()


@pytest_twisted.ensureDeferred
async def test_a_store_that_names_nothing_is_told_with_the_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    told = await failure(tmp_path, LEAF, MIDDLE)
    assert "none.pem, which cannot be read (no such file or directory): it was ignored." in told


@pytest_twisted.ensureDeferred
async def test_a_store_that_names_nothing_is_a_warning_where_another_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    found = await look(tmp_path, LEAF, MIDDLE)
    assert [warning.slug for warning in found.warnings] == ["trust_ignored"]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (None, "which cannot be read (no such file or directory): it was ignored."),
        (b"", "which contains no PEM certificate: it was ignored."),
        (LEAF.key_pem, "which contains no PEM certificate: it was ignored."),
        (ROOT.der, "which contains no PEM certificate: it was ignored."),
        (ROOT.pem, "which contains other roots."),
    ],
)
def test_a_file_of_roots_is_told_by_what_it_is(
    tmp_path: Path, write: bytes | None, said: str
) -> None:
    file = tmp_path / "root.pem"
    if write is not None:
        file.write_bytes(write)
    (told,) = trust.store_faults({"SSL_CERT_FILE": str(file)})
    assert told == f"SSL_CERT_FILE names {file}, {said}"


def test_a_folder_of_roots_is_told_by_what_it_is(tmp_path: Path) -> None:
    (told,) = trust.store_faults({"SSL_CERT_FILE": str(tmp_path)})
    assert "is a folder (for a folder, use SSL_CERT_DIR): it was ignored." in told
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    for folders in (str(tmp_path), str(tmp_path / "none"), f"{tmp_path}{os.pathsep}/none"):
        (told,) = trust.store_faults({"SSL_CERT_DIR": folders})
        assert "(openssl rehash FOLDER): it was ignored." in told
    (tmp_path / "0123abcd.0").write_bytes(ROOT.pem)
    assert trust.store_faults({"SSL_CERT_DIR": str(tmp_path)}) == []


def test_a_machine_without_authorities_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: Any = ssl.get_default_verify_paths()
    paths = paths._replace(cafile=None, capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert trust.store_faults({}) == [
        "This machine has no list of authorities: install ca-certificates."
    ]


def test_a_chain_that_cannot_be_seen_gets_both_cures() -> None:
    told = trust.explain_distrust([], {"SSL_CERT_DIR": "/etc/ssl/certs"})
    assert "fullchain.pem" in told
    assert TRUST_ROOT in told


def without_key_identifier() -> Issued:
    """A certificate of the root as `openssl x509 -req` of many guides makes it."""
    key = ec_key()
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    assert isinstance(ROOT.key, EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(ROOT.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 30 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ROOT.key, hashes.SHA256())
    )
    return Issued(certificate, key)


@pytest.mark.parametrize("is_strict", [False, True], ids=["python_3_11", "python_3_13"])
@pytest_twisted.ensureDeferred
async def test_an_authority_without_key_identifiers_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_strict: bool
) -> None:
    from twisted.internet import reactor

    root = tmp_path / "root.pem"
    root.write_bytes(ROOT.pem)
    leaf, key = write_pair(tmp_path, without_key_identifier())
    monkeypatch.setenv("SSL_CERT_FILE", str(root))

    def context(*protocols: str) -> ssl.SSLContext:
        made = device_context(*protocols)
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if is_strict:
            # As ssl.create_default_context() does since Python 3.13.
            made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    monkeypatch.setattr(tls, "device_context", context)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.set_alpn_protocols(["http/1.1"])
    server.load_cert_chain(leaf, key)
    with answering(b"", server) as port:
        url = RelayUrl.read(f"wss://localhost:{port}")
        if is_strict:
            with pytest.raises(CheckFailed) as failed:
                await tls.check_tls(reactor, url)
            told = str(failed.value)
        else:
            found = await tls.check_tls(reactor, url)
            assert [warning.slug for warning in found.warnings] == ["not_rfc_5280"]
            told = found.warnings[0].text
    assert told.startswith("Missing Authority Key Identifier. Python 3.13 and later, and other")
