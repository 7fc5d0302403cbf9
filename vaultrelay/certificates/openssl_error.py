"""Errors of OpenSSL on a certificate and its key: the file at fault, the line, and the cure."""

import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from vaultrelay.certificates.certificate_files import BadCertificate, check_content, read_pem
from vaultrelay.certificates.pem import read_blocks, stray_marker
from vaultrelay.certificates.x509 import X509, read_certificate

_MISMATCH = (
    "does not match the certificate. Use the key that the certificate was issued for, and put the "
    "relay's own certificate before those of its issuers"
)
_ISSUER_FIRST = "starts with the certificate of an issuer. Put the relay's own before it"
_NO_TLS_KEY = "contains a key of a type that TLS does not support{kind}. Create one for P-256"
_KEY_FAULTS = {
    "UNKNOWN_CERTIFICATE_TYPE": _NO_TLS_KEY,
    "NO_SHARED_CIPHER": _NO_TLS_KEY,
    "NO_SUITABLE_SIGNATURE_ALGORITHM": _NO_TLS_KEY,
    "UNSUPPORTED_ELLIPTIC_CURVE": _NO_TLS_KEY,
    "WRONG_CURVE": _NO_TLS_KEY,
    "EE_KEY_TOO_SMALL": "contains a key that is too short for any device. Create one for P-256, or "
    "for RSA with 2048 bits",
    "KEY_VALUES_MISMATCH": _MISMATCH,
    "KEY_TYPE_MISMATCH": _MISMATCH,
    "NO_CERTIFICATE_ASSIGNED": _MISMATCH,  # for example, the key is RSA and the certificate is not
    "BAD_SIGNATURE": _MISMATCH,
}
"""Faults of a key, by OpenSSL's reason."""
_BAD_KEY = "has a private key that is damaged, or of a type that TLS does not support"
_CERTIFICATE_FAULTS = {
    "CA_MD_TOO_WEAK": "is signed with {digest}, which devices reject. Have it reissued with "
    "SHA-256",
    "CA_KEY_TOO_SMALL": "has an issuer whose key is too short, which devices reject. Have it "
    "reissued by an issuer with a P-256 key, or RSA with 2048 bits",
}
"""Faults of certificates, by OpenSSL's reason."""


def is_mismatch(error: ssl.SSLError) -> bool:
    """Return whether the key belongs to another certificate."""
    return _KEY_FAULTS.get(error.reason or "") == _MISMATCH


def raise_cause(error: ssl.SSLError, certificate: Path, key: Path) -> NoReturn:
    """Raise BadCertificate with the cause of an error on the certificate and key in two files."""
    reason = error.reason or ""
    content = read_pem(certificate)
    certificates = list(_certificates(content))
    # Of several reasons only the last one is kept, perhaps none.
    is_unparsed = not error.reason or error.library in ("PEM", "ASN1", "DECODER", "BIO")
    if isinstance(error, ssl.SSLCertVerificationError):
        raise BadCertificate(f"would be rejected by every device: {error.verify_message}")
    if reason in _CERTIFICATE_FAULTS:
        line, digest = _weak_digest(certificates)
        where = f"has a certificate on line {line} that " if line > 1 else ""
        raise BadCertificate(where + _CERTIFICATE_FAULTS[reason].format(digest=digest))
    if is_unparsed:
        check_content(content)
        check_content(read_pem(key, about_key=True), about_key=True)
    elif reason not in _KEY_FAULTS:
        raise BadCertificate(f"cannot be used for TLS: {reason.lower().replace('_', ' ')}")
    if (is_unparsed or is_mismatch(error)) and (stray := stray_marker(content)):
        # The block of the stray marker was ignored, and the next issuer read as the relay's own.
        raise BadCertificate(f"cannot be read {stray}")
    if is_unparsed:
        raise BadCertificate(_BAD_KEY, about_key=True)
    issuers = [each.issuer for _, each in certificates[1:] if not each.is_self_signed]
    if is_mismatch(error) and certificates and certificates[0][1].subject in issuers:
        raise BadCertificate(_ISSUER_FIRST)
    is_usual = not certificates or certificates[0][1].is_for_browsers
    kind = "" if is_usual else f" ({certificates[0][1].key})"
    raise BadCertificate(_KEY_FAULTS[reason].format(kind=kind), about_key=True)


def _weak_digest(certificates: list[tuple[int, X509]]) -> tuple[int, str]:
    """Return the line of the first certificate signed with a weak digest, and the digest."""
    for line, certificate in certificates:
        if certificate.weak_digest and not certificate.is_self_signed:
            return line, certificate.weak_digest
    return 0, "a weak digest"


def _certificates(content: bytes) -> Iterator[tuple[int, X509]]:
    """Yield the certificates with their lines, up to the first unreadable one."""
    with suppress(ValueError):
        for block in read_blocks(content):
            if block.is_certificate:
                yield block.line, read_certificate(block.der)
