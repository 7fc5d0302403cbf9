"""The frames of a client: a binary message, and a close (RFC 6455, section 5.2)."""

import secrets
from struct import Struct

from vaultrelay.wire.masking import apply_mask

_WHOLE_BINARY, _CLOSE = 0x82, 0x88
"""FIN set, no reserved bit, opcode 2 or 8."""
_MASKED = 0x80
_SIZE_16, _SIZE_64 = 126, 127
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")
_KEY_BYTES = 4


def close_frame(code: int) -> bytes:
    """Return a close frame without a reason, masked with a random key."""
    return masked_frame(code.to_bytes(2, "big"), _CLOSE)


def masked_frame(message: bytes, first: int = _WHOLE_BINARY) -> bytes:
    """Return a message in one frame, masked with a random key. `first` is its first byte."""
    size = len(message)
    if size < _SIZE_16:
        head = bytes((first, _MASKED | size))
    elif size < 1 << 16:
        head = _HEAD_16.pack(first, _MASKED | _SIZE_16, size)
    else:
        head = _HEAD_64.pack(first, _MASKED | _SIZE_64, size)
    key = secrets.token_bytes(_KEY_BYTES)
    return b"".join((head, key, apply_mask(message, key)))
