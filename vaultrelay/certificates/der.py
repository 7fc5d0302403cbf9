"""DER: a parser for elements of ASN.1, as far as certificates and keys need it (X.690)."""

from collections.abc import Iterator

OID = 0x06
SEQUENCE = 0x30
CONTEXT_0 = 0xA0
"""Tags."""
_LONG_FORM = 0x80
_LENGTH_BYTES = 4
"""Limit of the bytes of a length: more than any file needs."""


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and content of each of the consecutive elements in `data`.

    Raises ValueError if a length does not fit.
    """
    at = 0
    while at < len(data):
        start, end = _span(data, at)
        yield data[at], data[start:end]
        at = end


def first_element(data: bytes) -> bytes:
    """Return the first element with its header. Raises ValueError if there is none."""
    return data[: _span(data, 0)[1]]


def dotted(oid: bytes) -> str:
    """Return the content of an object identifier in dotted notation: 1.2.840.10045.2.1."""
    numbers, number = [], 0
    for byte in oid:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers:
        return ""
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def _span(data: bytes, at: int) -> tuple[int, int]:
    """Return begin and end of the content of the element at `at`."""
    length, start = int.from_bytes(data[at + 1 : at + 2]), at + 2
    if length & _LONG_FORM:
        size = length & ~_LONG_FORM
        if not 0 < size <= _LENGTH_BYTES:
            raise ValueError("an element has an invalid length")
        length, start = int.from_bytes(data[start : start + size]), start + size
    if start + length > len(data):
        raise ValueError("an element is truncated")
    return start, start + length
