"""Refusals of OpenSSL: the file of a pair that is at fault, the line, and the cure."""

import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vaultrelay.certificates.certificate_files import (
    BadCertificate,
    certificate_fault,
    key_fault,
    read_pem,
)
from vaultrelay.certificates.pem import read_blocks, stray_marker
from vaultrelay.certificates.x509 import X509, read_certificate

NO_PAIR = (
    "is not the key of the certificate. Give the key that the certificate was made with, and the "
    "relay's own certificate before those of its issuers"
)
_ISSUER_FIRST = "begins with the certificate of an issuer. Put the relay's own before it"
_NO_TLS_KEY = "holds a key of a kind that TLS does not take{kind}. Make one for P-256"
_REFUSED_KEYS = {
    "UNKNOWN_CERTIFICATE_TYPE": _NO_TLS_KEY,
    "NO_SHARED_CIPHER": _NO_TLS_KEY,
    "NO_SUITABLE_SIGNATURE_ALGORITHM": _NO_TLS_KEY,
    "UNSUPPORTED_ELLIPTIC_CURVE": _NO_TLS_KEY,
    "WRONG_CURVE": _NO_TLS_KEY,
    "EE_KEY_TOO_SMALL": "holds a key that is too short for any device. Make one for P-256, or "
    "RSA of 2048 bits",
    "KEY_VALUES_MISMATCH": NO_PAIR,
    "KEY_TYPE_MISMATCH": NO_PAIR,
    "NO_CERTIFICATE_ASSIGNED": NO_PAIR,  # for example, the key is RSA and the certificate is not
    "BAD_SIGNATURE": NO_PAIR,
}
"""Faults of a key, by OpenSSL's reason."""
_BAD_KEY = "has a private key that is damaged, or of a kind that TLS does not take"
_REFUSED_CERTIFICATES = {
    "CA_MD_TOO_WEAK": "is signed with {digest}, which devices refuse. Have it issued anew, signed "
    "with SHA-256",
    "CA_KEY_TOO_SMALL": "has an issuer with a key that is too short, which devices refuse. Have it "
    "issued anew by one with a key of P-256, or RSA of 2048 bits",
}
"""Faults of certificates, by OpenSSL's reason."""


def refuses_key(error: ssl.SSLError) -> bool:
    """Return whether the key belongs to another certificate."""
    return _REFUSED_KEYS.get(error.reason or "") == NO_PAIR


def refusal(error: ssl.SSLError, certificate: Path, key: Path) -> BadCertificate:
    """Return the fault of a pair in two files, from OpenSSL's error."""
    reason = error.reason or ""
    content = read_pem(certificate)
    if isinstance(error, ssl.SSLCertVerificationError):
        return BadCertificate(f"would be refused by every device: {error.verify_message}")
    if reason in _REFUSED_CERTIFICATES:
        line, digest = _old_digest(content)
        where = f"has a certificate in line {line} that " if line > 1 else ""
        return BadCertificate(where + _REFUSED_CERTIFICATES[reason].format(digest=digest))
    if reason not in _REFUSED_KEYS and not _is_about_pem(error):
        return BadCertificate(f"cannot be used for TLS: {reason.lower().replace('_', ' ')}")
    is_about_pem = _is_about_pem(error)
    fault = None
    if is_about_pem:
        fault = certificate_fault(content) or key_fault(read_pem(key, about_key=True))
    if fault is None and (is_about_pem or refuses_key(error)) and (stray := stray_marker(content)):
        # The block of the stray marker was ignored, and the next issuer read as the relay's own.
        fault = BadCertificate(f"cannot be read {stray}")
    if fault is not None:
        return fault
    if is_about_pem:
        return BadCertificate(_BAD_KEY, about_key=True)
    if refuses_key(error) and _begins_with_issuer(content):
        return BadCertificate(_ISSUER_FIRST)
    return BadCertificate(_REFUSED_KEYS[reason].format(kind=_kind_of_key(content)), about_key=True)


def _is_about_pem(error: ssl.SSLError) -> bool:
    """Return whether OpenSSL could not parse a file. Only its last reason is kept, perhaps none."""
    return not error.reason or error.library in ("PEM", "ASN1", "DECODER", "BIO")


def _kind_of_key(content: bytes) -> str:
    found = next(_certificates(content), None)
    if found is None or found[1].is_for_browsers:
        return ""
    return f" ({found[1].key})"


def _begins_with_issuer(content: bytes) -> bool:
    """Return whether the first certificate of a file issued another one in it."""
    found = [each for _, each in _certificates(content)]
    return any(each.issuer == found[0].subject and not each.is_self_signed for each in found[1:])


def _old_digest(content: bytes) -> tuple[int, str]:
    """Return the line of the first certificate signed with an old digest, and the digest."""
    for line, certificate in _certificates(content):
        if certificate.old_digest and not certificate.is_self_signed:
            return line, certificate.old_digest
    return 0, "an old digest"


def _certificates(content: bytes) -> Iterator[tuple[int, X509]]:
    """Yield the certificates with their lines, up to the first unreadable one."""
    with suppress(ValueError):
        for block in read_blocks(content):
            if block.is_certificate:
                yield block.line, read_certificate(block.der)
