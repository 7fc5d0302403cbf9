"""The header of a client's frame of any kind (RFC 6455, section 5.2)."""

_MASKED = 0x80
_SIZE_16, _SIZE_64 = 126, 127
_SMALLEST_16, _SMALLEST_64 = 126, 1 << 16
_FIXED_BYTES = 2
"""Those before a longer size and the key."""
_KEY_BYTES = 4
LONGEST_HEADER = 14
"""Bytes of a masked frame's header with a size of 64 bits."""


def read_header(head: bytes) -> tuple[int, int, bytes] | None:
    """Return the size of a header, the size of its payload, and its key; None if it is
    incomplete."""
    if len(head) < _FIXED_BYTES:
        return None
    size, wide = head[1] & ~_MASKED, 0
    if size >= _SIZE_16:
        wide = 8 if size == _SIZE_64 else 2
    key_bytes = _KEY_BYTES if head[1] & _MASKED else 0
    length = _FIXED_BYTES + wide + key_bytes
    if len(head) < length:
        return None
    if wide:
        size = int.from_bytes(head[_FIXED_BYTES : _FIXED_BYTES + wide], "big")
    return length, size, head[length - key_bytes : length]


def shortest_header(size: int) -> int:
    """Return the size of a masked header with this payload size in its shortest form."""
    return 6 if size < _SMALLEST_16 else 8 if size < _SMALLEST_64 else LONGEST_HEADER
