"""Certificates: which pairs are taken, and what is said of those that are not."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.certificates import (
    DAY,
    NAME,
    Issued,
    Key,
    ec_key,
    ed25519_key,
    issue,
    rsa_key,
    write_pair,
)
from vaultrelay.transport.certificate import BadCertificate, load_pair, utc_now

NOON = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
"""What `openssl ecparam -genkey` writes in front of a key."""


def refusal_of(certificate: Path, key: Path) -> tuple[str, bool]:
    """Why a pair is refused, and whether the key file is meant."""
    with pytest.raises(BadCertificate) as caught:
        load_pair(certificate, key)
    return str(caught.value), caught.value.about_key


@pytest.mark.parametrize("make_key", [ec_key, rsa_key, ed25519_key])
def test_a_pair_of_any_usual_key_is_taken(tmp_path: Path, make_key: type[Key]) -> None:
    issued = issue(key=make_key())
    pair = load_pair(*write_pair(tmp_path, issued))
    assert pair.chain == (issued.certificate,)
    assert pair.key.public_key() == issued.key.public_key()
    assert pair.names == [NAME]


def test_a_chain_is_kept_in_its_order(tmp_path: Path) -> None:
    root = issue((), subject="root", authority=True)
    middle = issue((), subject="middle", issuer=root, authority=True)
    own = issue(issuer=middle)
    pair = load_pair(*write_pair(tmp_path, own, middle, root))
    assert pair.chain == (own.certificate, middle.certificate, root.certificate)


def test_a_chain_that_begins_with_the_issuer_is_refused(tmp_path: Path) -> None:
    root = issue((), subject="root", authority=True)
    own = issue(issuer=root)
    certificate, key = write_pair(tmp_path, own)
    certificate.write_bytes(root.pem + own.pem)
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("is not the key of the certificate. ")
    assert "the relay's own certificate before those of its issuers" in said
    assert about_key


@pytest.mark.parametrize("key_first", [False, True])
def test_certificate_and_key_may_share_one_file(tmp_path: Path, key_first: bool) -> None:
    issued = issue()
    both = tmp_path / "both.pem"
    parts = [b"Bag Attributes\n    friendlyName: relay\n", issued.pem, issued.key_pem]
    both.write_bytes(b"".join(reversed(parts) if key_first else parts))
    assert load_pair(both, both).names == [NAME]


def test_an_old_style_key_with_its_parameters_is_taken(tmp_path: Path) -> None:
    issued = issue()
    certificate, key = write_pair(tmp_path, issued)
    key.write_bytes(PARAMETERS + issued.old_style_key_pem)
    assert load_pair(certificate, key).names == [NAME]


def test_names_are_wildcards_a_labels_and_addresses(tmp_path: Path) -> None:
    names = [NAME, "*.example.org", "bücher.example", "192.0.2.1", "2001:db8::0:1"]
    pair = load_pair(*write_pair(tmp_path, issue(names)))
    assert pair.names == [
        NAME,
        "*.example.org",
        "xn--bcher-kva.example",
        "192.0.2.1",
        "2001:db8::1",
    ]


def test_a_certificate_may_be_for_no_name(tmp_path: Path) -> None:
    assert load_pair(*write_pair(tmp_path, issue(()))).names == []


@pytest.mark.parametrize("about_key", [False, True])
@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("missing.pem", "cannot be read: no such file or directory"),
        (".", "cannot be read: is a directory"),
        ("fullchain.pem/x", "cannot be read: not a directory"),
        ("x" * 300, "cannot be read: file name too long"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_its_cause(
    tmp_path: Path, path: str, cause: str, about_key: bool
) -> None:
    certificate, key = write_pair(tmp_path, issue())
    bad = tmp_path / path
    assert refusal_of(*((certificate, bad) if about_key else (bad, key))) == (cause, about_key)


@pytest.mark.parametrize("about_key", [False, True])
def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path, about_key: bool) -> None:
    certificate, key = write_pair(tmp_path, issue())
    bad = Path("nul\0byte")
    assert refusal_of(*((certificate, bad) if about_key else (bad, key)))[1] is about_key


@pytest.mark.parametrize("about_key", [False, True])
def test_a_file_that_the_relay_may_not_read_says_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about_key: bool
) -> None:
    certificate, key = write_pair(tmp_path, issue())
    barred = key if about_key else certificate
    read = Path.read_bytes

    def read_what_one_may(path: Path) -> bytes:
        if path == barred:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_what_one_may)
    assert refusal_of(certificate, key) == (
        "cannot be read: permission denied. Its owner and mode must let the relay's user read it",
        about_key,
    )


def test_an_error_without_a_name_is_still_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, issue())

    def fail(path: Path) -> bytes:
        raise OSError

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert refusal_of(certificate, key) == ("cannot be read: unreadable", False)


NO_CERTIFICATE = "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----"
NO_KEY = "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----"
ISSUED = issue()
"""One pair for tests that only need some bytes of it."""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff\x00\xfe",
        ISSUED.der,
        ISSUED.key_pem,
        ISSUED.pem[: len(ISSUED.pem) // 2],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ISSUED.pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=["empty", "text", "bytes", "DER", "key", "half", "PEM of garbage", "garbage behind"],
)
def test_a_file_without_a_certificate_is_told_the_form(tmp_path: Path, content: bytes) -> None:
    certificate, key = write_pair(tmp_path, ISSUED)
    certificate.write_bytes(content)
    assert refusal_of(certificate, key) == (NO_CERTIFICATE, False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff\x00\xfe",
        ISSUED.pem,
        ISSUED.key_pem[: len(ISSUED.key_pem) // 2],
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
    ids=["empty", "text", "bytes", "certificate", "half", "PEM of garbage"],
)
def test_a_file_without_a_key_is_told_the_form(tmp_path: Path, content: bytes) -> None:
    certificate, key = write_pair(tmp_path, ISSUED)
    key.write_bytes(content)
    assert refusal_of(certificate, key) == (NO_KEY, True)


def test_the_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, issue())
    key.write_bytes(issue().key_pem)
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("is not the key of the certificate. Give the key that ")
    assert about_key


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_told_to_be_decrypted(tmp_path: Path, form: PrivateFormat) -> None:
    issued = issue()
    certificate, key = write_pair(tmp_path, issued)
    key.write_bytes(issued.encrypted_key_pem(b"secret", form))
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("is encrypted. ")
    assert "unencrypted key that only its user may read" in said
    assert about_key


def test_a_damaged_certificate_is_refused_or_still_readable(tmp_path: Path) -> None:
    """Every other byte is damaged in turn; whatever is taken must serve the rest of the relay."""
    certificate, key = write_pair(tmp_path, ISSUED)
    raised = set()
    for place in range(0, len(ISSUED.der), 2):
        damaged = bytearray(ISSUED.der)
        damaged[place] ^= 0x05
        certificate.write_bytes(pem_of(bytes(damaged)))
        try:
            pair = load_pair(certificate, key)
            assert isinstance(pair.names, list)
            pair.trouble(NOON)
        except BadCertificate:
            pass
        except Exception as error:
            raised.add(type(error).__name__)
    assert not raised


@pytest.mark.parametrize(
    ("days_from", "days_to", "said"),
    [
        (-30, -1, "the certificate expired on 2026-05-31"),
        (1, 30, "the certificate is not valid before 2026-06-02 12:30 UTC"),
        (-1, 1, None),
        (0, 1, None),
        (-1, 0, None),
    ],
)
def test_dates_are_judged_by_the_given_time(
    tmp_path: Path, days_from: int, days_to: int, said: str | None
) -> None:
    issued = issue(starts=NOON + days_from * DAY, ends=NOON + days_to * DAY)
    assert load_pair(*write_pair(tmp_path, issued)).trouble(NOON) == said


def test_only_the_own_certificate_of_a_chain_is_judged(tmp_path: Path) -> None:
    root = issue((), subject="root", authority=True, starts=NOON - 9 * DAY, ends=NOON - DAY)
    own = issue(issuer=root, starts=NOON - DAY, ends=NOON + DAY)
    assert load_pair(*write_pair(tmp_path, own, root)).trouble(NOON) is None


def test_now_is_the_wall_clock_in_utc() -> None:
    before = datetime.now(UTC)
    now = utc_now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_pair_does_not_show_its_key(tmp_path: Path) -> None:
    issued: Issued = issue()
    shown = repr(load_pair(*write_pair(tmp_path, issued)))
    assert "PRIVATE KEY" not in shown


def pem_of(der: bytes) -> bytes:
    """DER bytes in the clothes of a certificate file."""
    return (
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    )


def test_a_key_that_tls_does_not_know_is_refused(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, issue())
    key.write_bytes(
        X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(BadCertificate, match="of a kind that TLS does not take"):
        load_pair(certificate, key)
