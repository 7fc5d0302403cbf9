"""PEM (RFC 7468): the blocks of a file, and the line at which OpenSSL stops."""

import re
from binascii import Error as BadBase64
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile

from vaultrelay.certificates.der import first_element

CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
"""The labels that OpenSSL accepts for a certificate."""
_BOM = b"\xef\xbb\xbf"
_WHITE = bytes(range(33))
"""Characters that OpenSSL strips from the end of a line."""
_BEGIN = re.compile(rb"-----BEGIN ([^\r-]*)-----")
_END = re.compile(rb"-----END ([^\r-]*)-----")
_DASHES = re.compile(rb"\xe2\x80[\x90-\x95]|\xe2\x88\x92|\x96|\x97")
"""Replacements of hyphens by word processors, in UTF-8 and Windows-1252."""
_MARKER = re.compile(rb"--\s*(?:BEGIN|END)\b|\b(?:BEGIN|END) [A-Z0-9 ]+--", re.IGNORECASE)
"""A marker in any spelling."""
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_HEADER = re.compile(rb"(?:Proc-Type|DEK-Info):")


class BadPem(ValueError):
    """A line is invalid PEM; the text ends a sentence such as "cannot be read in line 3: ..."."""


@dataclass(frozen=True)
class Block:
    """One block: its label, the line of its first marker, and the bytes inside."""

    label: str
    line: int
    data: bytes
    is_encrypted: bool = False

    @property
    def is_certificate(self) -> bool:
        return self.label in CERTIFICATES

    @property
    def is_key(self) -> bool:
        """Whether it is a private key that OpenSSL reads, encrypted or not."""
        return self.label.endswith("PRIVATE KEY") and self.label != "OPENSSH PRIVATE KEY"

    @property
    def der(self) -> bytes:
        """The bytes of the certificate, without the trust that `TRUSTED CERTIFICATE` adds.

        Raises ValueError if there is no certificate.
        """
        first = first_element(self.data)
        if len(first) < len(self.data) and self.label != "TRUSTED CERTIFICATE":
            raise ValueError("more than a certificate")
        return first


def read_blocks(content: bytes) -> Iterator[Block]:
    """Yield the blocks; other text between them is ignored.

    Raises BadPem at the first line at which OpenSSL would stop.
    """
    label, begun, body = b"", 0, list[bytes]()
    for number, line in _lines(content):
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if not begun:
            if begin:
                label, begun, body = begin[1], number, []
        elif end and end[1] == label:
            yield _block(label, begun, body)
            begun = 0
        elif begin or end:
            raise BadPem(
                f"on line {number}: the block that begins on line {begun} has no end before it. "
                "The file is incomplete, or two files were mixed"
            )
        elif _is_marker(line):
            raise BadPem(_marker_fault(number, line))
        else:
            body.append(line)
    if begun:
        raise BadPem(
            f"on line {begun}: the block that begins there has no end. The file is truncated"
        )


def stray_marker(content: bytes) -> str | None:
    """Return the fault of the first misspelled marker, which OpenSSL ignores; None without one."""
    for number, line in _lines(content):
        if _is_marker(line) and not (_BEGIN.fullmatch(line) or _END.fullmatch(line)):
            return _marker_fault(number, line)
    return None


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(content.removeprefix(_BOM).split(b"\n"), 1):
        yield number, line.rstrip(_WHITE)


def _is_marker(line: bytes) -> bool:
    return _MARKER.search(_DASHES.sub(b"-", line)) is not None


def _marker_fault(number: int, line: bytes) -> str:
    if b"\r" in line:
        return (
            f"on line {number}: the lines of the file end in a carriage return only. Convert "
            "them: tr '\\r' '\\n'"
        )
    begin = _BEGIN.search(line)
    if begin and _END.search(line, begin.end()):
        return (
            f"on line {number}: a whole block is on one line, as in a variable without line ends. "
            "Use the file as it was issued"
        )
    if len(_MARKER.findall(_DASHES.sub(b"-", line))) > 1:
        return (
            f"on line {number}: two markers are on one line, as after joining files without a "
            "final line end. Insert a line end between them"
        )
    if begin or _END.search(line):
        return f"on line {number}: a marker must have a line of its own, without a space before it"
    return f"on line {number}: a marker needs five hyphens on each side, and capitals between them"


def _block(label: bytes, begun: int, body: list[bytes]) -> Block:
    text = list(dropwhile(_HEADER.match, body))
    has_header = len(text) < len(body)
    if text and not text[0]:
        # The empty line ends a header, even an empty header.
        del text[0]
    first = begun + 1 + len(body) - len(text)
    for number, line in enumerate(text, first):
        if not line or _NOT_BASE64.search(line):
            fault = "not base64" if line else "an empty line"
            raise BadPem(f"on line {number}: {fault} in the block that begins on line {begun}")
    try:
        data = a2b_base64(b"".join(b"".join(text).split()), strict_mode=True)
    except BadBase64:
        raise BadPem(f"on line {begun}: the block that begins there is incomplete") from None
    return Block(label.decode("latin-1"), begun, data, has_header)
