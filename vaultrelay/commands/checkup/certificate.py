"""The relay's certificate as a client gets it: warnings, and the names in a refused one."""

from collections.abc import Iterator

from vaultrelay.certificates.x509 import X509, names_text, read_certificate
from vaultrelay.policy.operator_warning import OperatorWarning

NAME_MISMATCH = frozenset({62, 64})
"""OpenSSL's numbers for a certificate that is for another host name, or address."""


def certificate_warnings(der: bytes) -> Iterator[OperatorWarning]:
    """Yield warnings of a certificate that this machine accepts, and other clients may refuse."""
    certificate = _read(der)
    if certificate is None:
        return
    if certificate.is_self_signed:
        yield OperatorWarning(
            "self_signed",
            "The certificate is self-signed, and this machine is configured to trust it, but "
            "others are not: get one from a public authority, such as Let's Encrypt, or install "
            "this one on every device.",
        )
    if not certificate.is_for_browsers:
        yield OperatorWarning(
            "key_kind",
            f"Browsers and some devices refuse the certificate because of its {certificate.key} "
            "key: have it reissued for a P-256 key.",
        )


def explain_name_mismatch(der: bytes, host: str) -> str | None:
    """Return the names in a certificate that is not for `host`; None if it cannot be read."""
    certificate = _read(der)
    if certificate is None:
        return None
    if not certificate.names:
        return (
            "The certificate contains no host name, so every device refuses it. Devices ignore a "
            f"common name (CN): have it reissued with {host} as subjectAltName."
        )
    if host in certificate.names:
        return (
            f"The certificate contains {host} as a host name, which no device accepts for an "
            f"address: have it reissued with the address (in OpenSSL: IP:{host})."
        )
    return (
        f"The certificate is for {names_text(certificate.names)}, not for {host}: use a name in "
        "the certificate, or have it reissued to include this one."
    )


def _read(der: bytes) -> X509 | None:
    try:
        return read_certificate(der)
    except ValueError:
        return None
