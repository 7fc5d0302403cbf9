"""Certificates: a PEM pair read and checked before anything listens."""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

_RSA_BITS = 2048
"""What TLS libraries ask for by default; with a smaller key OpenSSL fails at each handshake."""


class BadCertificate(ValueError):
    """A certificate or key file that cannot be used; the text names the cause and the cure.

    `about_key` tells which of the two files is meant.
    """

    def __init__(self, text: str, about_key: bool) -> None:
        super().__init__(text)
        self.about_key = about_key


@dataclass(frozen=True)
class CertificatePair:
    """A private key and the certificates that prove it, the relay's own first."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes

    @property
    def names(self) -> list[str]:
        """The host names and IP addresses that the certificate is for."""
        try:
            found = self.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        addresses = found.value.get_values_for_type(x509.IPAddress)
        return [
            *found.value.get_values_for_type(x509.DNSName),
            *(str(ip_address(str(address))) for address in addresses),
        ]

    def trouble(self, now: datetime) -> str | None:
        """Why devices will refuse the certificate at this time; None when the dates are good."""
        own = self.chain[0]
        if now > own.not_valid_after_utc:
            return f"the certificate expired on {own.not_valid_after_utc:%Y-%m-%d}"
        if now < own.not_valid_before_utc:
            return (
                f"the certificate is not valid before {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
            )
        return None


def load_pair(certificate: Path, key: Path) -> CertificatePair:
    """The pair in two PEM files, which may be one and the same; BadCertificate if unusable."""
    chain = _load_chain(certificate)
    private = _load_key(key)
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < _RSA_BITS:
        raise BadCertificate(
            f"is an RSA key of {private.key_size} bits, which no device accepts. Make one of "
            f"{_RSA_BITS} bits or, better, an elliptic one (P-256)",
            about_key=True,
        )
    if _public_bytes(private.public_key()) != _public_bytes(chain[0].public_key()):
        raise BadCertificate(
            "is not the key of the certificate. Give the key that the certificate was made with, "
            "and the relay's own certificate before those of its issuers",
            about_key=True,
        )
    return CertificatePair(chain, private)


def utc_now() -> datetime:
    """The time by which certificates are judged: the wall clock."""
    return datetime.now(UTC)


def _load_chain(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(_read(path, about_key=False)))
    except ValueError as error:
        if isinstance(error, BadCertificate):
            raise
        raise BadCertificate(
            "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----", False
        ) from None


def _load_key(path: Path) -> PrivateKeyTypes:
    pem = _read(path, about_key=True)
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:
        raise BadCertificate(
            "is encrypted. The relay starts without anybody to ask for the password: give it an "
            "unencrypted key that only its user may read",
            True,
        ) from None
    except Exception:
        # cryptography raises ValueError, UnsupportedAlgorithm and errors of its own here.
        raise BadCertificate(
            "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----", True
        ) from None


def _read(path: Path, about_key: bool) -> bytes:
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


def _public_bytes(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined, no-any-return]
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
