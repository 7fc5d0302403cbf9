"""Unsupported formats: identifies a file that is not PEM, with the command to convert it."""

import re
from collections.abc import Sequence

from vaultrelay.certificates.der import SEQUENCE, elements
from vaultrelay.certificates.pem import Block

_CERTIFICATE = "Use the certificate with its chain, as PEM: -----BEGIN CERTIFICATE-----"
_KEY = "Use the private key of the certificate, as PEM: -----BEGIN PRIVATE KEY-----"
_CONVERT = "Convert it: openssl "
_SWAPPED = "Are certificate and key swapped?"
_NEW_KEY = "Create a key for TLS: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
_REQUEST = "is a certificate signing request"
_CURES = {
    "contains a certificate but no private key": ("", _SWAPPED),
    "contains a private key but no certificate": (_SWAPPED, ""),
    "is a certificate in DER": (
        f"{_CONVERT}x509 -inform DER -in FILE -out certificate.pem",
        _SWAPPED,
    ),
    "is a private key in DER": (_SWAPPED, f"{_CONVERT}pkey -inform DER -in FILE -out key.pem"),
    "is an encrypted private key in DER": (
        _SWAPPED,
        f"{_CONVERT}pkey -inform DER -in FILE -out key.pem, and let only the relay's user read it",
    ),
    "is PKCS#12": (
        f"{_CONVERT}pkcs12 -in FILE -nokeys -out certificate.pem",
        f"{_CONVERT}pkcs12 -in FILE -nocerts -nodes -out key.pem",
    ),
    "is PKCS#7 in DER": (
        f"{_CONVERT}pkcs7 -inform DER -in FILE -print_certs -out certificate.pem",
        _KEY,
    ),
    "is PKCS#7": (f"{_CONVERT}pkcs7 -in FILE -print_certs -out certificate.pem", _KEY),
    "is a Java keystore": (
        "Export it: keytool -importkeystore -deststoretype PKCS12, then openssl pkcs12",
        "Export it: keytool -importkeystore -deststoretype PKCS12, then openssl pkcs12 -nocerts",
    ),
    _REQUEST: (
        "Use the certificate that the authority issued for it",
        "Use the private key, which was created with it as a separate file",
    ),
    "is a certificate revocation list": (_CERTIFICATE, _KEY),
    "is a public key": (_CERTIFICATE, "Use the private key that it belongs to"),
    "contains key parameters but no key": (_CERTIFICATE, _NEW_KEY),
    "is an SSH key": (_CERTIFICATE, _NEW_KEY),
    "is a PGP file": (_CERTIFICATE, _NEW_KEY),
    "is an age file": (_CERTIFICATE, _NEW_KEY),
    "is encrypted by Ansible Vault": ("Decrypt it: ansible-vault decrypt",) * 2,
    "is a web page": ("The download failed: open the page in a browser",) * 2,
    "is JSON": (_CERTIFICATE, _KEY),
    "is an archive": ("Unpack it",) * 2,
    "is text in UTF-16": (f"Save it as ASCII: iconv -f UTF-16 -t ASCII FILE. {_CERTIFICATE}", _KEY),
    "is base64-encoded PEM, as in a Kubernetes secret": ("Decode it: base64 -d FILE",) * 2,
    "is base64 without PEM markers": (
        "Add a line -----BEGIN CERTIFICATE----- before it, and -----END CERTIFICATE----- after it",
        "Add a line -----BEGIN PRIVATE KEY----- before it, and -----END PRIVATE KEY----- after it",
    ),
    "is a certificate as text, without its PEM block": (
        "Export it without -noout, and with -outform PEM",
        _KEY,
    ),
    "is empty": (_CERTIFICATE, _KEY),
}
"""Formats, as the end of a sentence; for each, the cure where a certificate is expected, and where
a key is."""
_LABELS = {
    "CERTIFICATE REQUEST": _REQUEST,
    "NEW CERTIFICATE REQUEST": _REQUEST,
    "PKCS7": "is PKCS#7",
    "CMS": "is PKCS#7",
    "X509 CRL": "is a certificate revocation list",
    "PUBLIC KEY": "is a public key",
    "RSA PUBLIC KEY": "is a public key",
    "EC PARAMETERS": "contains key parameters but no key",
    "DH PARAMETERS": "contains key parameters but no key",
    "DSA PARAMETERS": "contains key parameters but no key",
    "OPENSSH PRIVATE KEY": "is an SSH key",
}
_BEGINNINGS = {
    b"\xfe\xed\xfe\xed": "is a Java keystore",
    b"\xff\xfe": "is text in UTF-16",
    b"\xfe\xff": "is text in UTF-16",
    b"-\0-\0": "is text in UTF-16",
    b"\0-\0-": "is text in UTF-16",
    b"PK\x03\x04": "is an archive",
    b"\x1f\x8b": "is an archive",
    b"-----BEGIN PGP ": "is a PGP file",
    b"-----BEGIN OPENSSH ": "is an SSH key",
    b"---- BEGIN SSH2 ": "is an SSH key",
    b"PuTTY-User-Key-File": "is an SSH key",
    b"ssh-": "is an SSH key",
    b"ecdsa-sha2-": "is an SSH key",
    b"AGE-SECRET-KEY-": "is an age file",
    b"age-encryption.org": "is an age file",
    b"-----BEGIN AGE ": "is an age file",
    b"$ANSIBLE_VAULT": "is encrypted by Ansible Vault",
    b"LS0tLS1CRUdJTi": "is base64-encoded PEM, as in a Kubernetes secret",
    b"<": "is a web page",
    b"{": "is JSON",
    b"[": "is JSON",
    b"\x30\x80\x02\x01\x03": "is PKCS#12",
}
_UNKNOWN_FORMAT = (
    "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----",
    "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----",
)
_BARE_BASE64 = re.compile(rb"MI[A-Za-z0-9+/\s]{100,}={0,2}\s*")
_DER_FORMATS = {
    "02(..)?30.*/03": "is PKCS#12",
    "0202/.*": "is a public key",
    "02.*": "is a private key in DER",
    "06.*/2a864886f70d010702": "is PKCS#7 in DER",
    "3003/.*": "is a public key",
    "3004/.*": "is an encrypted private key in DER",
    "303003/023030a0.*": _REQUEST,
    "303003/(..)*17.*": "is a certificate revocation list",
    "303003/.*": "is a certificate in DER",
}
"""Formats by the tags in the outer sequence and the content of its first element, or the tags in
that if it is a sequence: 02 is an integer, 03 a bit string, 04 an octet string, 06 an object
identifier, 17 a time, 30 a sequence."""


def format_with_cure(content: bytes, blocks: Sequence[Block], wants_key: bool) -> str:
    """Return the format of a file without the expected block, and the cure, to end a sentence."""
    found = describe_format(content, blocks)
    return _UNKNOWN_FORMAT[wants_key] if found is None else f"{found}. {_CURES[found][wants_key]}"


def describe_format(content: bytes, blocks: Sequence[Block]) -> str | None:
    """Return the format of a file, without a cure; None if unknown."""
    if found := _format_of_content(content):
        return found
    if any(block.is_key for block in blocks):
        return "contains a private key but no certificate"
    if any(block.is_certificate for block in blocks):
        return "contains a certificate but no private key"
    if not blocks and content.startswith(b"Certificate:"):
        return "is a certificate as text, without its PEM block"
    return next((_LABELS[block.label] for block in blocks if block.label in _LABELS), None)


def is_not_pem(content: bytes) -> bool:
    """Return whether a file has another format, though parts of it may look like PEM of TLS."""
    return _format_of_content(content) is not None


def _format_of_content(content: bytes) -> str | None:
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "is empty"
    if _BARE_BASE64.fullmatch(text):
        return "is base64 without PEM markers"
    found = (name for beginning, name in _BEGINNINGS.items() if text.startswith(beginning))
    return next(found, None) or _der_format(content)


def _der_format(content: bytes) -> str | None:
    try:
        tag, whole = next(elements(content))
        parts = list(elements(whole))
        first_tag, first = parts[0]
        if first_tag == SEQUENCE:
            first = bytes(each for each, _ in elements(first))
    except (ValueError, IndexError):
        return None
    shape = f"{bytes(each for each, _ in parts).hex()}/{first.hex()}" if tag == SEQUENCE else ""
    matching = (name for pattern, name in _DER_FORMATS.items() if re.fullmatch(pattern, shape))
    return next(matching, None)
