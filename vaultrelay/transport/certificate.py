"""Certificates: a PEM pair read and checked before anything listens."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

_RSA_BITS = 2048
"""What TLS libraries ask for by default; with a smaller key OpenSSL fails at each handshake."""

PrivateKey: TypeAlias = (
    EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey | RSAPrivateKey
)


class BadCertificate(ValueError):
    """A certificate or key that cannot be used; the text names the cause and the cure.

    `about_key` tells which of the two is meant.
    """

    def __init__(self, text: str, about_key: bool = False) -> None:
        super().__init__(text)
        self.about_key = about_key


@dataclass(frozen=True)
class CertificatePair:
    """A private key and the certificates that prove it, the relay's own first."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey

    @property
    def names(self) -> list[str]:
        """The host names and IP addresses that the certificate is for."""
        try:
            found = self.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        return [
            *found.value.get_values_for_type(x509.DNSName),
            *(str(address) for address in found.value.get_values_for_type(x509.IPAddress)),
        ]

    def trouble(self, now: datetime) -> str | None:
        """Why devices will refuse the certificate at this time; None when the dates are good."""
        own = self.chain[0]
        if now > own.not_valid_after_utc:
            return f"the certificate expired on {own.not_valid_after_utc:%Y-%m-%d}"
        if now < own.not_valid_before_utc:
            start = own.not_valid_before_utc
            return f"the certificate is not valid before {start:%Y-%m-%d %H:%M} UTC"
        return None


def load_pair(certificate: Path, key: Path) -> CertificatePair:
    """The pair in two PEM files, which may be one and the same; BadCertificate if unusable."""
    chain = load_chain(read_pem(certificate))
    private = load_key(read_pem(key, about_key=True))
    if public_bytes(private.public_key()) != public_bytes(chain[0].public_key()):
        raise BadCertificate(
            "is not the key of the certificate. Give the key that the certificate was made with, "
            "and the relay's own certificate before those of its issuers",
            about_key=True,
        )
    return CertificatePair(chain, private)


def read_pem(path: Path, about_key: bool = False) -> bytes:
    """The content of a file; BadCertificate if there is none to be had."""
    try:
        return path.read_bytes()
    except ValueError:
        raise BadCertificate("is not a file name", about_key) from None
    except OSError as error:
        cause = (error.strerror or "unreadable").lower()
        cure = ". Its owner and mode must let the relay's user read it" * isinstance(
            error, PermissionError
        )
        raise BadCertificate(f"cannot be read: {cause}{cure}", about_key) from None


def load_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM text, of which there must be one."""
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
        for each in chain:
            public_bytes(each.public_key())
            list(each.extensions)
    except Exception:
        # cryptography raises ValueError, InvalidVersion and UnsupportedAlgorithm here.
        raise BadCertificate(
            "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----"
        ) from None
    return chain


def load_key(pem: bytes) -> PrivateKey:
    """The private key in a PEM text, of a kind and size that TLS takes."""
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise BadCertificate(
            "is encrypted. The relay starts without anybody to ask for the password: give it an "
            "unencrypted key that only its user may read",
            about_key=True,
        ) from None
    except Exception:
        # cryptography raises ValueError, UnsupportedAlgorithm and errors of its own here.
        raise BadCertificate(
            "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----",
            about_key=True,
        ) from None
    if not isinstance(key, PrivateKey):
        raise BadCertificate("is of a kind that TLS does not take. Make one for P-256", True)
    if isinstance(key, RSAPrivateKey) and key.key_size < _RSA_BITS:
        raise BadCertificate(
            f"is an RSA key of {key.key_size} bits, which no device accepts. Make one of "
            f"{_RSA_BITS} bits or, better, an elliptic one (P-256)",
            about_key=True,
        )
    return key


def public_bytes(key: PublicKeyTypes) -> bytes:
    """A public key in its one encoding, to compare it."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def utc_now() -> datetime:
    """The time by which certificates are judged: the wall clock."""
    return datetime.now(UTC)
