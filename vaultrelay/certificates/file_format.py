"""Foreign files: identifies a file that is not the expected PEM, and how to convert it."""

import re
from collections.abc import Sequence

from vaultrelay.certificates.der import (
    BIT_STRING,
    CONTEXT_0,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    elements,
)
from vaultrelay.certificates.pem import Block

_CERTIFICATE = "Give the certificate with its chain, as PEM: -----BEGIN CERTIFICATE-----"
_KEY = "Give the private key of the certificate, as PEM: -----BEGIN PRIVATE KEY-----"
_CONVERT = "Convert it: openssl "
_SWAPPED = "Are certificate and key swapped?"
_NEW_KEY = "Make a key for TLS: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
_REQUEST = "is a certificate signing request"
_CURES = {
    "holds a certificate, and no private key": ("", _SWAPPED),
    "holds a private key, and no certificate": (_SWAPPED, ""),
    "is a certificate in DER": (
        f"{_CONVERT}x509 -inform DER -in FILE -out certificate.pem",
        _SWAPPED,
    ),
    "is a private key in DER": (_SWAPPED, f"{_CONVERT}pkey -inform DER -in FILE -out key.pem"),
    "is an encrypted private key in DER": (
        _SWAPPED,
        f"{_CONVERT}pkey -inform DER -in FILE -out key.pem, which only the relay's user may read",
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
        "Give the certificate that the authority returned for it",
        "The private key was made together with it, in a file of its own: give that",
    ),
    "is a certificate revocation list": (_CERTIFICATE, _KEY),
    "is a public key": (_CERTIFICATE, "Give the private key that it belongs to"),
    "holds the parameters of a key, and no key": (_CERTIFICATE, _NEW_KEY),
    "is an SSH key": (_CERTIFICATE, _NEW_KEY),
    "is a PGP file": (_CERTIFICATE, _NEW_KEY),
    "is an age file": (_CERTIFICATE, _NEW_KEY),
    "is encrypted by Ansible Vault": ("Decrypt it: ansible-vault decrypt",) * 2,
    "is a web page": ("The download went wrong: look at the page in a browser",) * 2,
    "is JSON": (_CERTIFICATE, _KEY),
    "is an archive": ("Unpack it",) * 2,
    "is text in UTF-16": (f"Save it as ASCII: iconv -f UTF-16 -t ASCII FILE. {_CERTIFICATE}", _KEY),
    "is PEM in base64, as in a secret of Kubernetes": ("Decode it: base64 -d FILE",) * 2,
    "is base64 without its markers": (
        "Put a line -----BEGIN CERTIFICATE----- before it, and -----END CERTIFICATE----- after it",
        "Put a line -----BEGIN PRIVATE KEY----- before it, and -----END PRIVATE KEY----- after it",
    ),
    "describes a certificate, and does not hold it": (
        "Write it without -noout, and with -outform PEM",
        _KEY,
    ),
    "is empty": (_CERTIFICATE, _KEY),
}
"""The kind of a file, as the end of a sentence; the cure if a certificate is expected, and if a key
is."""
_LABELS = {
    "CERTIFICATE REQUEST": _REQUEST,
    "NEW CERTIFICATE REQUEST": _REQUEST,
    "PKCS7": "is PKCS#7",
    "CMS": "is PKCS#7",
    "X509 CRL": "is a certificate revocation list",
    "PUBLIC KEY": "is a public key",
    "RSA PUBLIC KEY": "is a public key",
    "EC PARAMETERS": "holds the parameters of a key, and no key",
    "DH PARAMETERS": "holds the parameters of a key, and no key",
    "DSA PARAMETERS": "holds the parameters of a key, and no key",
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
    b"LS0tLS1CRUdJTi": "is PEM in base64, as in a secret of Kubernetes",
    b"<": "is a web page",
    b"{": "is JSON",
    b"[": "is JSON",
    b"\x30\x80\x02\x01\x03": "is PKCS#12",
    b"Certificate:": "describes a certificate, and does not hold it",
}
_FORM_ONLY = (
    "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----",
    "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----",
)
_BARE_BASE64 = re.compile(rb"MI[A-Za-z0-9+/\s]{100,}={0,2}\s*")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_PKCS12_VERSION = b"\x03"
_PAIR = 2


def foreign_sentence(content: bytes, blocks: Sequence[Block], *, wants_key: bool) -> str:
    """Return the kind of a file without the expected block, and the cure, to end a sentence."""
    kind = foreign_kind(content, blocks)
    if kind is None:
        return _FORM_ONLY[wants_key]
    return f"{kind}. {_CURES[kind][wants_key]}"


def foreign_kind(content: bytes, blocks: Sequence[Block]) -> str | None:
    """Return the kind of a file, without a cure; None if unknown."""
    return _kind_of_content(content) or _kind_of_blocks(blocks)


def is_foreign(content: bytes) -> bool:
    """Return whether a file is not PEM of TLS, though parts of it may look like that."""
    return _kind_of_content(content) is not None


def _kind_of_content(content: bytes) -> str | None:
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "is empty"
    for beginning, kind in _BEGINNINGS.items():
        if text.startswith(beginning):
            return kind
    if _BARE_BASE64.fullmatch(text):
        return "is base64 without its markers"
    return _kind_of_der(content)


def _kind_of_blocks(blocks: Sequence[Block]) -> str | None:
    if any(block.is_key for block in blocks):
        return "holds a private key, and no certificate"
    if any(block.is_certificate for block in blocks):
        return "holds a certificate, and no private key"
    return next((_LABELS[block.label] for block in blocks if block.label in _LABELS), None)


def _kind_of_der(content: bytes) -> str | None:
    """Return the kind of a DER file, from the first tags of its structure."""
    try:
        tag, whole = next(elements(content))
        parts = list(elements(whole))
        inner = list(elements(parts[0][1])) if parts[0][0] == SEQUENCE else []
    except (ValueError, IndexError):
        return None
    tags = [each for each, _ in parts]
    if tag != SEQUENCE:
        return None
    if tags[0] == INTEGER and SEQUENCE in tags[1:3] and parts[0][1] == _PKCS12_VERSION:
        return "is PKCS#12"
    if tags[0] == INTEGER and len(parts) == _PAIR and tags[1] == INTEGER:
        return "is a public key"
    if tags[0] == INTEGER:
        return "is a private key in DER"
    if tags[0] == OID and parts[0][1] == _SIGNED_DATA:
        return "is PKCS#7 in DER"
    if tags == [SEQUENCE, BIT_STRING]:
        return "is a public key"
    if tags == [SEQUENCE, OCTET_STRING]:
        return "is an encrypted private key in DER"
    if tags == [SEQUENCE, SEQUENCE, BIT_STRING]:
        return _kind_of_signed([each for each, _ in inner])
    return None


def _kind_of_signed(tags: list[int]) -> str:
    """Return the kind of a signed structure: certificate, request or revocation list."""
    if tags[:1] == [INTEGER] and tags[1:4] == [SEQUENCE, SEQUENCE, CONTEXT_0]:
        return _REQUEST
    if UTC_TIME in tags:
        return "is a certificate revocation list"
    return "is a certificate in DER"
