"""Files of certificates and keys: reads them, and explains what is wrong with unusable ones."""

import ssl
from pathlib import Path

from vaultrelay.certificates.pem import BadPem, Block, read_blocks, stray_marker
from vaultrelay.certificates.regular_file import read_file, unreadable_reason
from vaultrelay.certificates.unsupported_formats import (
    describe_format,
    format_with_cure,
    is_not_pem,
)
from vaultrelay.certificates.x509 import read_certificate


class BadCertificate(ValueError):
    """A certificate or key is unusable; the text has the cause and the cure.

    `about_key`: the key is at fault.
    """

    def __init__(self, text: str, about_key: bool = False) -> None:
        super().__init__(text)
        self.about_key = about_key


def read_pem(path: Path, about_key: bool = False) -> bytes:
    """Return the content of a file. Raises BadCertificate if it is unreadable."""
    try:
        return read_file(path)
    except OSError as error:
        reason = unreadable_reason(path, error)
        raise BadCertificate(f"cannot be read: {reason}", about_key) from None
    except ValueError:
        raise BadCertificate("is not a file name", about_key) from None


def read_certificates(path: Path) -> list[bytes]:
    """Return the certificates in a PEM file, each in DER. Raises BadCertificate if there is none,
    or if one is damaged."""
    content = read_pem(path)
    blocks = check_content(content)
    if stray := stray_marker(content):
        raise BadCertificate(f"cannot be read {stray}")
    return [block.der for block in blocks]


def read_any(path: Path) -> tuple[list[Block], str]:
    """Return the blocks of a file with certificates, a key, both or neither, and its description.

    Raises BadCertificate if the file is meant as PEM but invalid.
    """
    content = read_pem(path)
    blocks = _pem_blocks(content)
    stray = _stray_fault(content)
    if any(block.is_certificate for block in blocks):
        check_content(content)
    elif stray:
        raise BadCertificate(stray)
    return blocks, stray or describe_format(content, blocks) or ""


def check_content(content: bytes, about_key: bool = False) -> list[Block]:
    """Return the certificates in a PEM file, or its key, valid or not.

    Raises BadCertificate if there is none, or if OpenSSL cannot read a certificate.
    """
    blocks = _pem_blocks(content, about_key)
    expected = [block for block in blocks if (block.is_key if about_key else block.is_certificate)]
    if not expected:
        fault = _stray_fault(content) or format_with_cure(content, blocks, about_key)
        raise BadCertificate(fault, about_key)
    for block in () if about_key else expected:
        if not _is_readable(block):
            raise BadCertificate(
                f"has a damaged certificate on line {block.line}. Get a new copy of the file"
            )
    return expected


def _pem_blocks(content: bytes, about_key: bool = False) -> list[Block]:
    """Return the blocks of a file; those up to the key if OpenSSL reads the file for its key."""
    blocks: list[Block] = []
    try:
        # Blocks of PGP end with a checksum, which is invalid base64 in PEM.
        for block in () if is_not_pem(content) else read_blocks(content):
            blocks.append(block)
            if about_key and block.is_key:
                break
    except BadPem as error:
        raise BadCertificate(f"cannot be read {error}", about_key) from None
    return blocks


def _stray_fault(content: bytes) -> str:
    stray = None if is_not_pem(content) else stray_marker(content)
    return f"cannot be read {stray}" if stray else ""


def _is_readable(block: Block) -> bool:
    if block.is_encrypted:
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block.der)
        read_certificate(block.der)
    except (ValueError, ssl.SSLError):
        return False
    return True
