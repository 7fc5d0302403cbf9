"""The header of a frame (RFC 6455, section 5.2): its numbers, and the reading of a client's."""

WHOLE_BINARY = 0x82
"""FIN set, no reserved bit, opcode 2."""
WHOLE_TEXT = 0x81
MASKED = 0x80
SIZE_16, SIZE_64 = 126, 127
SMALLEST_16, SMALLEST_64 = 126, 1 << 16
"""A size must be written in as few bytes as it takes."""
_FIXED_BYTES = 2
"""Those before a longer size and the key."""
KEY_BYTES = 4
MIN_HEADER_BYTES = 6
"""Bytes of a masked frame's header with the size in its second byte."""
MAX_HEADER_BYTES = 14
"""Bytes of a masked frame's header with a size of 64 bits."""


def read_header(head: bytes) -> tuple[int, int, bytes] | None:
    """Return the size of a header, the size of its payload, and its key; None if it is
    incomplete."""
    if len(head) < _FIXED_BYTES:
        return None
    size, wide = head[1] & ~MASKED, 0
    if size >= SIZE_16:
        wide = 8 if size == SIZE_64 else 2
    key_bytes = KEY_BYTES if head[1] & MASKED else 0
    length = _FIXED_BYTES + wide + key_bytes
    if len(head) < length:
        return None
    if wide:
        size = int.from_bytes(head[_FIXED_BYTES : _FIXED_BYTES + wide], "big")
    return length, size, head[length - key_bytes : length]


def shortest_header(size: int) -> int:
    """Return the size of a masked header with this payload size in its shortest form."""
    return MIN_HEADER_BYTES + (0 if size < SMALLEST_16 else 2 if size < SMALLEST_64 else 8)
