"""Files of certificates and keys: reads them, and identifies unusable ones."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaultrelay.certificates.file_format import foreign_kind, foreign_sentence, is_foreign
from vaultrelay.certificates.pem import BadPem, Block, read_blocks, stray_marker
from vaultrelay.certificates.regular_file import read_file, unreadable_reason
from vaultrelay.certificates.x509 import read_certificate


class BadCertificate(ValueError):
    """A certificate or key is unusable; the text has the cause and the cure.

    `about_key`: it is the key.
    """

    def __init__(self, text: str, about_key: bool = False) -> None:
        super().__init__(text)
        self.about_key = about_key


@dataclass(frozen=True)
class FoundFile:
    """The contents of a file in a folder: certificates in DER, a key; else `what` describes it."""

    certificates: tuple[bytes, ...]
    has_key: bool
    what: str = ""


def read_pem(path: Path, about_key: bool = False) -> bytes:
    """Return the content of a file. Raises BadCertificate if it is unreadable."""
    try:
        return read_file(path)
    except OSError as error:
        raise BadCertificate(
            f"cannot be read: {unreadable_reason(path, error)}", about_key
        ) from None
    except ValueError:
        raise BadCertificate("is not a file name", about_key) from None


def read_certificates(path: Path) -> list[bytes]:
    """Return the certificates in a PEM file, each in DER. Raises BadCertificate if there is none,
    or if one is damaged."""
    content = read_pem(path)
    error = certificate_fault(content)
    if error is not None:
        raise error
    stray = stray_marker(content)
    if stray is not None:
        raise BadCertificate(f"cannot be read {stray}")
    return [block.der for block in read_blocks(content) if block.is_certificate]


def read_any(path: Path) -> FoundFile:
    """Return the contents of a file with certificates, a key, both or neither. Raises
    BadCertificate if it is meant as PEM but invalid."""
    content = read_pem(path)
    try:
        blocks = list(_all_blocks(content))
    except BadPem as error:
        raise BadCertificate(f"cannot be read {error}") from None
    stray = None if is_foreign(content) else stray_marker(content)
    if any(block.is_certificate for block in blocks):
        fault = certificate_fault(content)
        if fault is not None:
            raise fault
    elif stray is not None:
        raise BadCertificate(f"cannot be read {stray}")
    return FoundFile(
        tuple(block.der for block in blocks if block.is_certificate),
        any(block.is_key for block in blocks),
        f"cannot be read {stray}" if stray else foreign_kind(content, blocks) or "",
    )


def certificate_fault(content: bytes) -> BadCertificate | None:
    """Return the fault of a file of certificates; None if OpenSSL can read all blocks."""
    blocks: list[Block] = []
    try:
        blocks.extend(_all_blocks(content))
    except BadPem as error:
        return BadCertificate(f"cannot be read {error}")
    if not any(block.is_certificate for block in blocks):
        stray = None if is_foreign(content) else stray_marker(content)
        if stray is not None:
            return BadCertificate(f"cannot be read {stray}")
        return BadCertificate(foreign_sentence(content, blocks, wants_key=False))
    for block in blocks:
        if block.is_certificate and not _is_readable(block):
            return BadCertificate(f"has a damaged certificate in line {block.line}. Get it anew")
    return None


def key_fault(content: bytes) -> BadCertificate | None:
    """Return the fault of a file of a key; None if it has a key block, valid or not."""
    blocks: list[Block] = []
    try:
        for block in _all_blocks(content):
            blocks.append(block)
            if block.is_key:
                # OpenSSL stops reading here.
                return None
    except BadPem as error:
        return BadCertificate(f"cannot be read {error}", about_key=True)
    stray = None if is_foreign(content) else stray_marker(content)
    if stray is not None:
        return BadCertificate(f"cannot be read {stray}", about_key=True)
    return BadCertificate(foreign_sentence(content, blocks, wants_key=True), about_key=True)


def _all_blocks(content: bytes) -> Iterator[Block]:
    # Blocks of PGP end with a checksum, which is invalid base64 in PEM.
    return iter(()) if is_foreign(content) else read_blocks(content)


def _is_readable(block: Block) -> bool:
    if block.is_encrypted:
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block.der)
        read_certificate(block.der)
    except (ValueError, ssl.SSLError):
        return False
    return True
