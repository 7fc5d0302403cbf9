"""The frames that a server sends: whole, never masked (RFC 6455, section 5.2)."""

from struct import Struct

from vaultrelay.native import has_twin
from vaultrelay.websocket.frame_header import (
    SIZE_16,
    SIZE_64,
    SMALLEST_16,
    SMALLEST_64,
    WHOLE_BINARY,
    WHOLE_TEXT,
)

_CLOSE = 0x88
_PONG = 0x8A
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")

PING_FRAME = b"\x89\x00"
NORMAL_CLOSE = 1000
"""The answer to a close from the peer (RFC 6455, section 7.4.1)."""


@has_twin("frames")
def binary_frames(messages: list[bytes]) -> bytes:
    """Return data messages as frames, one after another."""
    if len(messages) == 1:
        return frame_header(len(messages[0])) + messages[0]
    pieces: list[bytes] = []
    for message in messages:
        pieces += frame_header(len(message)), message
    return b"".join(pieces)


def text_frame(message: bytes) -> bytes:
    """Return a control message as a frame."""
    return frame_header(len(message), WHOLE_TEXT) + message


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping with this payload of at most 125 bytes."""
    return frame_header(len(payload), _PONG) + payload


def close_frame(code: int | None, reason: bytes = b"") -> bytes:
    """Return a close with a reason of at most 123 bytes; without a code it has no reason."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason
    return frame_header(len(payload), _CLOSE) + payload


def frame_header(size: int, first: int = WHOLE_BINARY) -> bytes:
    """Return the header of a payload of `size` bytes, by default that of a binary message."""
    if size < SMALLEST_16:
        return bytes((first, size))
    if size < SMALLEST_64:
        return _HEAD_16.pack(first, SIZE_16, size)
    return _HEAD_64.pack(first, SIZE_64, size)
