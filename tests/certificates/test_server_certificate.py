"""Certificates: which pairs are taken, and what is said of those that are not."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

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

from tests.authority import DAY, NAME, Issued, Key, ec_key, ed25519_key, issue, rsa_key, write_pair
from tests.certificates.pairs import (
    LOWER,
    MIDDLE,
    NOON,
    ROOT,
    is_trusted,
    pem_of,
    refusal_of,
    served,
)
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.server_certificate import load_certificate, utc_now

PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
"""What `openssl ecparam -genkey` writes in front of a key."""


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
