"""Certificates: which pairs are taken, and what is said of those that are not."""

import base64
import ssl
import tempfile
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.dsa import generate_private_key as generate_dsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP192R1,
    SECP224R1,
    SECP256K1,
    SECP384R1,
    SECP521R1,
    BrainpoolP256R1,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.authority import (
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
from tests.transport.tls_client import lenient_context, shake
from vaultrelay.certificates import certificate_files
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.folder import load_folder
from vaultrelay.certificates.regular_file import read_file
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate, utc_now
from vaultrelay.transport.server_tls import ServerTls

NOON = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
"""What `openssl ecparam -genkey` writes in front of a key."""


def refusal_of(certificate: Path, key: Path) -> tuple[str, bool]:
    """Why a pair is refused, and whether the key file is meant."""
    with pytest.raises(BadCertificate) as caught:
        load_certificate(certificate, key)
    return str(caught.value), caught.value.about_key


def served(pair: ServerCertificate) -> bytes | None:
    """The certificate that a client gets."""
    return shake(ServerTls([pair]), lenient_context()).getpeercert(binary_form=True)


def first_flight(pair: ServerCertificate) -> bytes:
    """What a server answers to a hello of TLS 1.2, where certificates are readable."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = lenient_context(ssl.TLSVersion.TLSv1_2).wrap_bio(to_client, to_server)
    server = pair.context.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server):
        with pytest.raises(ssl.SSLWantReadError):
            end.do_handshake()
    return to_client.read()


def is_trusted(pair: ServerCertificate, root: Issued, name: str = NAME) -> bool:
    """Whether a client trusts what is served that knows the root alone."""
    try:
        shake(ServerTls([pair]), ssl.create_default_context(cadata=root.pem.decode()), name)
    except ssl.SSLCertVerificationError:
        return False
    return True


@pytest.mark.parametrize(
    "make_key",
    [
        ec_key,
        rsa_key,
        ed25519_key,
        lambda: generate_ec(SECP384R1()),
        lambda: generate_ec(SECP521R1()),
        Ed448PrivateKey.generate,
    ],
    ids=["P-256", "RSA", "Ed25519", "P-384", "P-521", "Ed448"],
)
def test_a_pair_of_any_usual_key_is_taken(tmp_path: Path, make_key: type[Key]) -> None:
    issued = issue(key=make_key())
    pair = load_certificate(*write_pair(tmp_path, issued))
    assert served(pair) == issued.der
    assert pair.names == (NAME,)
    assert pair.starts == issued.certificate.not_valid_before_utc
    assert pair.ends == issued.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ([(NameOID.ORGANIZATION_NAME, "Let's Encrypt"), (NameOID.COMMON_NAME, "R12")], "R12"),
        ([(NameOID.COUNTRY_NAME, "US"), (NameOID.ORGANIZATION_NAME, "An Org")], "An Org"),
        ([(NameOID.COMMON_NAME, "Bücher")], "Bücher"),
        ([(NameOID.COUNTRY_NAME, "US")], ""),
        ([], ""),
    ],
)
def test_an_issuer_has_one_name(
    tmp_path: Path, attributes: list[tuple[x509.ObjectIdentifier, str]], name: str
) -> None:
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])
    own = issue(issuer=issue((), subject=subject, authority=True))
    assert load_certificate(*write_pair(tmp_path, own)).issuer == name


ROOT = issue((), subject="root", authority=True)
MIDDLE = issue((), subject="middle", issuer=ROOT, authority=True)
LOWER = issue((), subject="lower", issuer=MIDDLE, authority=True)


def test_a_chain_is_served(tmp_path: Path) -> None:
    own = issue(issuer=LOWER)
    assert is_trusted(load_certificate(*write_pair(tmp_path, own, LOWER, MIDDLE)), ROOT)
    assert is_trusted(load_certificate(*write_pair(tmp_path, own, LOWER, MIDDLE, ROOT)), ROOT)
    assert not is_trusted(load_certificate(*write_pair(tmp_path, own, LOWER)), ROOT)
    assert not is_trusted(
        load_certificate(*write_pair(tmp_path, own, LOWER, MIDDLE)), ROOT, "a.example"
    )


@pytest.mark.parametrize("issuers", [[LOWER, MIDDLE], [MIDDLE, LOWER], [ROOT, MIDDLE, LOWER]])
def test_issuers_may_be_in_a_file_of_their_own(tmp_path: Path, issuers: list[Issued]) -> None:
    own = issue(issuer=LOWER)
    file = tmp_path / "issuers.pem"
    file.write_bytes(b"".join(each.pem for each in issuers))
    pair = load_certificate(*write_pair(tmp_path, own), file)
    assert served(pair) == own.der
    assert is_trusted(pair, ROOT)
    assert not is_trusted(load_certificate(*write_pair(tmp_path, own)), ROOT)


def test_issuers_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "issuers.pem"
    file.write_text("garbage")
    certificate, key = write_pair(tmp_path, issue())
    with pytest.raises(BadCertificate, match="no readable certificate"):
        load_certificate(certificate, key, file)
    with pytest.raises(BadCertificate, match="no such file"):
        load_certificate(certificate, key, tmp_path / "missing.pem")


@pytest.mark.parametrize("order", ["root own", "middle own", "root middle own", "middle root own"])
def test_of_a_chain_that_begins_with_an_issuer_the_key_is_not_blamed(
    tmp_path: Path, order: str
) -> None:
    root = issue((), subject="root", authority=True)
    middle = issue((), subject="middle", issuer=root, authority=True, key=rsa_key(2048))
    own = issue(issuer=middle if "middle" in order else root)
    certificate, key = write_pair(tmp_path, own)
    pems = {"root": root.pem, "middle": middle.pem, "own": own.pem}
    certificate.write_bytes(b"".join(pems[name] for name in order.split()))
    cure = "starts with the certificate of an issuer. Put the relay's own before it"
    assert refusal_of(certificate, key) == (cure, False)


def test_a_chain_that_begins_with_a_stranger_does_not_fit_the_key(tmp_path: Path) -> None:
    own, stranger = issue(), issue((), subject="stranger", authority=True)
    certificate, key = write_pair(tmp_path, own)
    certificate.write_bytes(stranger.pem + own.pem)
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("does not match the certificate. ")
    assert "the relay's own certificate before those of its issuers" in said
    assert about_key


@pytest.mark.parametrize("key_first", [False, True])
def test_certificate_and_key_may_share_one_file(tmp_path: Path, key_first: bool) -> None:
    issued = issue()
    both = tmp_path / "both.pem"
    parts = [b"Bag Attributes\n    friendlyName: relay\n", issued.pem, issued.key_pem]
    both.write_bytes(b"".join(reversed(parts) if key_first else parts))
    assert load_certificate(both, both).names == (NAME,)


def test_an_old_style_key_with_its_parameters_is_taken(tmp_path: Path) -> None:
    issued = issue()
    certificate, key = write_pair(tmp_path, issued)
    key.write_bytes(PARAMETERS + issued.old_style_key_pem)
    assert load_certificate(certificate, key).names == (NAME,)


def test_names_are_wildcards_a_labels_and_addresses(tmp_path: Path) -> None:
    names = [NAME, "*.example.org", "bücher.example", "192.0.2.1", "2001:db8::0:1"]
    pair = load_certificate(*write_pair(tmp_path, issue(names)))
    assert pair.names == (
        NAME,
        "*.example.org",
        "xn--bcher-kva.example",
        "192.0.2.1",
        "2001:db8::1",
    )


def test_names_of_people_and_pages_are_no_names_of_hosts(tmp_path: Path) -> None:
    others = [
        x509.RFC822Name("admin@example.org"),
        x509.UniformResourceIdentifier("https://example.org/"),
        x509.DirectoryName(issue().certificate.subject),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
        x509.OtherName(x509.ObjectIdentifier("1.2.3.5"), b"\x05\x00"),
        x509.DNSName(NAME),
        x509.IPAddress(ip_address("2001:db8::1")),
    ]
    pair = load_certificate(*write_pair(tmp_path, issue(alternatives=others)))
    assert pair.names == (NAME, "2001:db8::1")


def test_a_certificate_may_be_for_no_name(tmp_path: Path) -> None:
    assert load_certificate(*write_pair(tmp_path, issue(()))).names == ()


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
    read = read_file

    def read_what_one_may(path: Path) -> bytes:
        if path == barred:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(certificate_files, "read_file", read_what_one_may)
    said, is_key = refusal_of(certificate, key)
    assert said.startswith("cannot be read: permission denied. Let the u")
    assert said.endswith(" read it, by its owner and mode")
    assert is_key == about_key


def test_an_error_without_a_name_is_still_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, issue())

    def fail(path: Path) -> bytes:
        raise OSError

    monkeypatch.setattr(certificate_files, "read_file", fail)
    assert refusal_of(certificate, key) == ("cannot be read: unreadable", False)


NO_CERTIFICATE = "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----"
NO_KEY = "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----"
ISSUED = issue()
"""One pair for tests that only need some bytes of it."""


@pytest.mark.parametrize("content", [b"garbage", b"\xff\x00\xfe"], ids=["text", "bytes"])
def test_a_file_that_nobody_knows_is_told_the_form(tmp_path: Path, content: bytes) -> None:
    certificate, key = write_pair(tmp_path, ISSUED)
    other = tmp_path / "other.pem"
    other.write_bytes(content)
    assert refusal_of(other, key) == (NO_CERTIFICATE, False)
    assert refusal_of(certificate, other) == (NO_KEY, True)


@pytest.mark.parametrize("make_key", [ec_key, rsa_key, ed25519_key])
@pytest.mark.parametrize("other_key", [ec_key, lambda: rsa_key(2049), ed25519_key])
def test_the_key_of_another_certificate_is_refused(
    tmp_path: Path, make_key: type[Key], other_key: type[Key]
) -> None:
    certificate, key = write_pair(tmp_path, issue(key=make_key()))
    key.write_bytes(issue(key=other_key()).key_pem)
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("does not match the certificate. Use the key that ")
    assert about_key


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_told_to_be_decrypted(tmp_path: Path, form: PrivateFormat) -> None:
    issued = issue()
    certificate, key = write_pair(tmp_path, issued)
    key.write_bytes(issued.encrypted_key_pem(b"secret", form))
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("is encrypted, and ")
    assert "unencrypted key that only the relay" in said
    assert about_key


def test_a_damaged_certificate_is_refused_or_still_readable(tmp_path: Path) -> None:
    """Each byte is damaged in turn; whatever is taken must serve the rest of the relay."""
    issued = issue([NAME, "2001:db8::1"])
    certificate, key = write_pair(tmp_path, issued)
    raised = set()
    for place in range(len(issued.der)):
        damaged = bytearray(issued.der)
        damaged[place] ^= (0x05, 0x80)[place % 2]
        certificate.write_bytes(pem_of(bytes(damaged)))
        try:
            pair = load_certificate(certificate, key)
            assert all(isinstance(name, str) for name in pair.names)
            pair.trouble(NOON)
        except BadCertificate:
            pass
        except Exception as error:
            raised.add(type(error).__name__)
    assert not raised


@pytest.mark.parametrize("make_key", [ec_key, rsa_key, ed25519_key])
@pytest.mark.parametrize("old_style", [False, True])
def test_a_damaged_key_is_refused_as_the_key(
    tmp_path: Path, make_key: type[Key], old_style: bool
) -> None:
    issued = issue(key=make_key())
    if old_style and make_key is ed25519_key:
        pytest.skip("there is no old style of it")
    certificate, key = write_pair(tmp_path, issued)
    pem = issued.old_style_key_pem if old_style else issued.key_pem
    first, *lines, last = pem.splitlines(keepends=True)
    der = base64.b64decode(b"".join(lines))
    for place in range(min(120, len(der))):
        damaged = bytearray(der)
        damaged[place] ^= 0x05
        key.write_bytes(first + base64.encodebytes(bytes(damaged)) + last)
        try:
            load_certificate(certificate, key)
        except BadCertificate as error:
            assert error.about_key, (place, str(error))  # noqa: PT017  some damage does no harm


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    issued = issue()
    certificate, key = write_pair(tmp_path, issued)
    certificate.write_bytes(pem_of(issued.der.replace(b"relay.example", b"rel\xffy.example")))
    assert refusal_of(certificate, key) == (
        "has fields that cannot be parsed. Have it reissued",
        False,
    )


def test_an_address_of_no_length_is_refused(tmp_path: Path) -> None:
    issued = issue(["192.0.2.1"])
    certificate, key = write_pair(tmp_path, issued)
    # The same bytes, said to be three of an address and one more that belongs to nothing.
    other = issued.der.replace(b"\x87\x04\xc0\x00\x02\x01", b"\x87\x03\xc0\x00\x02\x01")
    assert other != issued.der
    certificate.write_bytes(pem_of(other))
    refusal_of(certificate, key)


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
    assert load_certificate(*write_pair(tmp_path, issued)).trouble(NOON) == said


def test_only_the_own_certificate_of_a_chain_is_judged(tmp_path: Path) -> None:
    root = issue((), subject="root", authority=True, starts=NOON - 9 * DAY, ends=NOON - DAY)
    own = issue(issuer=root, starts=NOON - DAY, ends=NOON + DAY)
    assert load_certificate(*write_pair(tmp_path, own, root)).trouble(NOON) is None


def test_now_is_the_wall_clock_in_utc() -> None:
    before = datetime.now(UTC)
    now = utc_now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_pair_does_not_show_its_key(tmp_path: Path) -> None:
    issued: Issued = issue()
    shown = repr(load_certificate(*write_pair(tmp_path, issued)))
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
    said, about_key = refusal_of(certificate, key)
    assert said.startswith(
        "contains a key of a type that TLS does not support. Create one for P-256"
    )
    assert about_key


def test_a_certificate_for_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """As `openssl genpkey -algorithm X25519` leads to: a key that cannot sign."""
    root = issue(())
    own = issue(key=X25519PrivateKey.generate(), issuer=root)
    certificate, key = write_pair(tmp_path, own)
    said, about_key = refusal_of(certificate, key)
    assert said.startswith(
        "contains a key of a type that TLS does not support (X25519). Create one for P-256"
    )
    assert about_key


@pytest.mark.parametrize(
    "make_key",
    [lambda: rsa_key(1024), lambda: generate_ec(SECP192R1()), lambda: generate_dsa(1024)],  # noqa: S505
    ids=["RSA 1024", "P-192", "DSA 1024"],
)
def test_a_key_too_short_is_refused(tmp_path: Path, make_key: type[Key]) -> None:
    said, about_key = refusal_of(*write_pair(tmp_path, issue(key=make_key())))
    cure = "Create one for P-256, or for RSA with 2048 bits"
    assert said == f"contains a key that is too short for any device. {cure}"
    assert about_key


@pytest.mark.parametrize(
    ("make_key", "kind"),
    [
        (lambda: generate_ec(SECP256K1()), "secp256k1"),
        (lambda: generate_ec(BrainpoolP256R1()), "brainpoolP256r1"),
        (lambda: generate_ec(SECP224R1()), "P-224"),
    ],
    ids=["secp256k1", "brainpool", "P-224"],
)
def test_a_key_without_a_shared_cipher_is_named(
    tmp_path: Path, make_key: type[Key], kind: str
) -> None:
    assert refusal_of(*write_pair(tmp_path, issue(key=make_key()))) == (
        f"contains a key of a type that TLS does not support ({kind}). Create one for P-256",
        True,
    )


RSA_SHA256 = bytes.fromhex("2a864886f70d01010b")
"""The object identifier of a signature, of which each certificate has two."""


def signed_with(last_byte: int, issued: Issued) -> bytes:
    """The certificate, as if another digest had been signed, which devices alone would verify."""
    other = issued.der.replace(RSA_SHA256, RSA_SHA256[:-1] + bytes([last_byte]))
    assert other != issued.der
    return pem_of(other)


@pytest.mark.parametrize(("last_byte", "digest"), [(5, "SHA-1"), (4, "MD5")])
def test_an_old_digest_is_named_with_its_line(tmp_path: Path, last_byte: int, digest: str) -> None:
    root = issue((), subject="root", key=rsa_key(), authority=True)
    middle = issue((), subject="middle", key=rsa_key(2049), issuer=root, authority=True)
    own = issue(key=rsa_key(2050), issuer=middle)
    certificate, key = write_pair(tmp_path, own)
    cure = f"is signed with {digest}, which devices reject. Have it reissued with SHA-256"
    certificate.write_bytes(signed_with(last_byte, own))
    assert refusal_of(certificate, key) == (cure, False)
    certificate.write_bytes(own.pem + signed_with(last_byte, middle))
    line = own.pem.count(b"\n") + 1
    assert refusal_of(certificate, key) == (f"has a certificate on line {line} that {cure}", False)
    certificate.write_bytes(own.pem + middle.pem + signed_with(last_byte, root))
    assert load_certificate(certificate, key), "nobody looks at the digest of a root"


def test_an_issuer_with_a_short_key_is_told(tmp_path: Path) -> None:
    small = issue((), subject="small", key=rsa_key(1024), authority=True)
    said, about_key = refusal_of(*write_pair(tmp_path, issue(issuer=small), small))
    assert said.startswith("has an issuer whose key is too short, which devices reject. ")
    assert not about_key


def test_a_certificate_for_something_else_is_refused(tmp_path: Path) -> None:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    said, about_key = refusal_of(*write_pair(tmp_path, issue(more=[usage])))
    assert said.startswith("would be rejected by every device: ")
    assert "purpose" in said
    assert not about_key


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)], ids=["expired", "not yet valid"])
def test_dates_keep_no_certificate_from_being_served(tmp_path: Path, days: tuple[int, int]) -> None:
    """A relay that does not start would be worse, and nobody's clock is always right."""
    now = utc_now()
    issued = issue(starts=now + days[0] * DAY, ends=now + days[1] * DAY)
    pair = load_certificate(*write_pair(tmp_path, issued))
    assert served(pair) == issued.der
    assert pair.trouble(now)


class TestAFolder:
    @pytest.fixture(autouse=True)
    def temporary(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> Path:
        """Where temporary files would be."""
        folder = tmp_path_factory.mktemp("temporary")
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        return folder

    def refusal_of(self, folder: Path) -> str:
        with pytest.raises(BadCertificate) as caught:
            load_folder(folder)
        return str(caught.value)

    def test_cannot_be_tried_without_a_temporary_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in a container whose root is read-only, or under another user than at the start."""
        write_pair(tmp_path, issue())
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        assert self.refusal_of(tmp_path) == (
            "cannot be checked: there is no temporary folder that the relay can write to. Set "
            "TMPDIR to one"
        )

    def test_has_keys_in_files_of_their_own(self, tmp_path: Path, temporary: Path) -> None:
        issued = [issue([f"{number}.example"]) for number in range(3)]
        for number, each in enumerate(issued):
            (tmp_path / f"key{9 - number}.pem").write_bytes(each.key_pem)
            (tmp_path / f"{number}.pem").write_bytes(each.pem)
        pairs = load_folder(tmp_path)
        assert [served(pair) for pair in pairs] == [each.der for each in reversed(issued)]
        assert list(temporary.iterdir()) == []

    def test_serves_the_issuers_that_are_needed(self, tmp_path: Path, temporary: Path) -> None:
        """In whatever files they are. A client that knows only the root trusts what is served."""
        own, other = issue(issuer=LOWER), issue(["other.example"])
        (tmp_path / "chain.pem").write_bytes(MIDDLE.pem + other.pem + LOWER.pem)
        (tmp_path / "key.pem").write_bytes(own.key_pem)
        (tmp_path / "own.pem").write_bytes(own.pem)
        (pair,) = load_folder(tmp_path)
        assert served(pair) == own.der
        assert is_trusted(pair, ROOT)
        assert not is_trusted(pair, other)
        assert list(temporary.iterdir()) == []

    def test_serves_no_root(self, tmp_path: Path) -> None:
        """Who trusts it has it. Sending it would only make each handshake longer."""
        own = issue(issuer=MIDDLE)
        (tmp_path / "fullchain.pem").write_bytes(own.pem + MIDDLE.pem + ROOT.pem)
        (tmp_path / "privkey.pem").write_bytes(own.key_pem)
        (pair,) = load_folder(tmp_path)
        flight = first_flight(pair)
        assert own.der in flight
        assert MIDDLE.der in flight
        assert ROOT.der not in flight

    def test_may_hold_what_nobody_needs(self, tmp_path: Path) -> None:
        """Roots too, and old issuers whose keys are too short for a certificate to be served."""
        old = issue((), subject="old", key=rsa_key(1024), authority=True)
        older = issue((), subject="older", key=rsa_key(1024), issuer=old, authority=True)
        own = issue(issuer=MIDDLE)
        whole = b"".join(each.pem for each in (own, MIDDLE, ROOT, old, older, own))
        (tmp_path / "fullchain.pem").write_bytes(whole)
        (tmp_path / "privkey.pem").write_bytes(own.key_pem)
        (tmp_path / "notes.txt").write_text("-----BEGIN CERTIFICATE-----")
        (pair,) = load_folder(tmp_path)
        assert served(pair) == own.der
        assert is_trusted(pair, ROOT)

    def test_may_hold_a_key_that_is_nobodys(self, tmp_path: Path) -> None:
        write_pair(tmp_path, issue())
        (tmp_path / "spare.pem").write_bytes(issue().key_pem)
        (tmp_path / "spare-rsa.pem").write_bytes(issue(key=rsa_key()).key_pem)
        assert [pair.names for pair in load_folder(tmp_path)] == [(NAME,)]

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_names_the_file_of_an_encrypted_key(
        self, tmp_path: Path, temporary: Path, form: PrivateFormat
    ) -> None:
        issued = issue()
        write_pair(tmp_path, issued)
        (tmp_path / "sub").mkdir()
        locked = tmp_path / "sub" / "locked.pem"
        locked.write_bytes(issued.encrypted_key_pem(b"secret", form))
        assert self.refusal_of(tmp_path).startswith(f"contains {locked}, which is encrypted, and ")
        assert list(temporary.iterdir()) == []

    def test_names_the_file_of_a_damaged_certificate_or_key(self, tmp_path: Path) -> None:
        write_pair(tmp_path, ISSUED)
        bad = tmp_path / "a.pem"
        for content in (ISSUED.pem[:-100], ISSUED.key_pem[:-80]):
            bad.write_bytes(content)
            assert self.refusal_of(tmp_path) == (
                f"contains {bad}, which cannot be read on line 1: the block that begins there has "
                "no end. The file is truncated"
            )

    def test_names_what_lies_in_it_in_place_of_a_pair(self, tmp_path: Path) -> None:
        (tmp_path / "a.pem").write_bytes(ISSUED.der)
        (tmp_path / "b.pem").write_text("<html></html>")
        (tmp_path / "c.pem").write_bytes(ISSUED.key_pem)
        (tmp_path / "d.pem").write_text("notes")
        assert self.refusal_of(tmp_path) == (
            "has no .pem files with a certificate and its key: a.pem is a certificate in DER; "
            "b.pem is a web page; c.pem contains a private key but no certificate"
        )

    def test_names_the_file_of_a_certificate_that_is_refused(self, tmp_path: Path) -> None:
        """Of the pair it is the certificate that devices refuse, and not the key."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate, _ = write_pair(tmp_path, issue(more=[usage]))
        assert self.refusal_of(tmp_path).startswith(
            f"contains {certificate}, which would be rejected"
        )

    def test_names_the_file_of_a_key_too_short(self, tmp_path: Path) -> None:
        _, key = write_pair(tmp_path, issue(key=rsa_key(1024)))
        assert self.refusal_of(tmp_path).startswith(
            f"contains {key}, which contains a key that is too short "
        )

    def test_names_a_file_that_may_not_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.pem").mkdir()
        said = self.refusal_of(tmp_path)
        assert said == f"contains {tmp_path / 'a.pem'}, which cannot be read: is a directory"
