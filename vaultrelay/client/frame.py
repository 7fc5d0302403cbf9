"""The frame in which a client sends a binary message (RFC 6455, section 5.2)."""

import secrets
from struct import Struct

from vaultrelay.wire.masking import apply_mask

_WHOLE_BINARY = 0x82
"""FIN set, no reserved bit, opcode 2."""
_MASKED = 0x80
_SIZE_16, _SIZE_64 = 126, 127
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")
_KEY_BYTES = 4


def masked_frame(message: bytes) -> bytes:
    """Return a message in one frame, masked with a random key."""
    size = len(message)
    if size < _SIZE_16:
        head = bytes((_WHOLE_BINARY, _MASKED | size))
    elif size < 1 << 16:
        head = _HEAD_16.pack(_WHOLE_BINARY, _MASKED | _SIZE_16, size)
    else:
        head = _HEAD_64.pack(_WHOLE_BINARY, _MASKED | _SIZE_64, size)
    key = secrets.token_bytes(_KEY_BYTES)
    return b"".join((head, key, apply_mask(message, key)))
