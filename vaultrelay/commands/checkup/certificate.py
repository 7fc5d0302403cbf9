"""The relay's certificate as a client gets it: warnings, and the names in a refused one."""

import ssl
from collections.abc import Iterator

from vaultrelay.certificates.x509 import X509, read_certificate
from vaultrelay.logs import printable
from vaultrelay.policy.operator_warning import OperatorWarning

NAME_MISMATCH = (62, 64)
"""OpenSSL's numbers for a certificate that is for another host name, or address."""
_NAMES_SHOWN = 5


def look_at_certificate(der: bytes) -> Iterator[OperatorWarning]:
    """Yield warnings of a certificate that this machine accepts, and other clients may refuse."""
    certificate = _read(der)
    if certificate is None:
        return
    if certificate.is_self_signed:
        yield OperatorWarning(
            "self_signed",
            "The certificate is self-signed, and this machine was told to trust it. Others do "
            "not: get one from a public authority, such as Let's Encrypt, or have every device "
            "trust this one.",
        )
    if not certificate.is_for_browsers:
        yield OperatorWarning(
            "key_kind",
            "Browsers and some devices refuse the certificate, as its key is of the kind "
            f"{certificate.key}: have it issued anew for a key of P-256.",
        )


def what_it_is_for(der: bytes, host: str) -> str | None:
    """Return the names in a certificate that is not for `host`; None if it cannot be read."""
    certificate = _read(der)
    if certificate is None:
        return None
    if not certificate.names:
        return (
            "The certificate is for no name, so every device refuses it. A common name (CN) does "
            f"not count: have it issued anew with {host} as subjectAltName."
        )
    names = ", ".join(printable(name) for name in certificate.names[:_NAMES_SHOWN])
    more = ", ..." if len(certificate.names) > _NAMES_SHOWN else ""
    return (
        f"The certificate is for {names}{more}, and not for {host}: dial a name that is in it, or "
        "have it issued for this one as well."
    )


def unverified_context() -> ssl.SSLContext:
    """Return a client's context that accepts any certificate, for inspection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _read(der: bytes) -> X509 | None:
    try:
        return read_certificate(der)
    except ValueError:
        return None
