"""Certificates for tests: EC P-256 by default, of any names, dates and issuer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import idna
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.dsa import DSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NAME = "relay.example.org"
DAY = timedelta(days=1)

Key = (
    DSAPrivateKey
    | EllipticCurvePrivateKey
    | Ed25519PrivateKey
    | Ed448PrivateKey
    | RSAPrivateKey
    | X25519PrivateKey
)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self._key(NoEncryption())

    def encrypted_key_pem(
        self, password: bytes, form: PrivateFormat = PrivateFormat.PKCS8
    ) -> bytes:
        return self._key(BestAvailableEncryption(password), form)

    @property
    def old_style_key_pem(self) -> bytes:
        """The key as `openssl ecparam -genkey` and `openssl genrsa` once wrote it."""
        return self._key(NoEncryption(), PrivateFormat.TraditionalOpenSSL)

    def _key(
        self, encryption: KeySerializationEncryption, form: PrivateFormat = PrivateFormat.PKCS8
    ) -> bytes:
        return self.key.private_bytes(Encoding.PEM, form, encryption)


def issue(
    names: Sequence[str] = (NAME,),
    *,
    key: Key | None = None,
    issuer: Issued | None = None,
    subject: str | x509.Name = "test",
    starts: datetime | None = None,
    ends: datetime | None = None,
    authority: bool = False,
    alternatives: Sequence[x509.GeneralName] = (),
    more: Sequence[x509.ExtensionType] = (),
) -> Issued:
    """A certificate for host names and IP addresses; without an issuer, it is its own."""
    now = datetime.now(UTC)
    own_key = key or ec_key()
    signing_key = own_key if issuer is None else issuer.key
    assert not isinstance(signing_key, X25519PrivateKey)
    own_name = _name(subject)
    found = alternatives or [_general_name(name) for name in names]
    extensions = [
        x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
        *([x509.SubjectAlternativeName(found)] if found else ()),
        *more,
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(own_name)
        .issuer_name(own_name if issuer is None else issuer.certificate.subject)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts or now - DAY)
        .not_valid_after(ends or now + 30 * DAY)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(_usage(authority), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    is_edwards = isinstance(signing_key, (Ed25519PrivateKey, Ed448PrivateKey))
    return Issued(builder.sign(signing_key, None if is_edwards else hashes.SHA256()), own_key)


def _name(subject: str | x509.Name) -> x509.Name:
    if isinstance(subject, x509.Name):
        return subject
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


def chain(names: Sequence[str] = (NAME,), **more: Any) -> tuple[Issued, Issued]:
    """A certificate and the root that issued it, which a client is told to trust."""
    root = issue((), subject="root", authority=True)
    return issue(names, issuer=root, **more), root


def _usage(authority: bool) -> x509.KeyUsage:
    """What strict clients want of an authority, and allow everybody else."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def ec_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    """Always the same one: it takes a while to find."""
    return generate_rsa(65537, bits)


def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def write_pair(folder: Path, issued: Issued, *issuers: Issued) -> tuple[Path, Path]:
    """A certificate with its chain, and its key, in two files as ACME clients write them."""
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    certificate.write_bytes(b"".join(each.pem for each in (issued, *issuers)))
    key.write_bytes(issued.key_pem)
    return certificate, key


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    return x509.DNSName(name if name.isascii() else idna.encode(name).decode("ascii"))
