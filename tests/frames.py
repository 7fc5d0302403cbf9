"""WebSocket frames for tests, written from RFC 6455, section 5.2, and not from Autobahn."""

import secrets
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Frame(NamedTuple):
    """A frame as it came: opcode, whether it ends its message, payload."""

    opcode: int
    fin: bool
    payload: bytes


def client_frame(
    opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """A frame from a client, masked with a random key unless told otherwise."""
    size = len(payload)
    flag = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if size < 126:
        head += bytes([flag | size])
    elif size < 1 << 16:
        head += bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([flag | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = secrets.token_bytes(4)
    return head + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask (RFC 6455, section 5.3)."""
    stream = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(
        len(payload), "big"
    )


def take_server_frame(data: bytes) -> tuple[Frame, bytes] | None:
    """The first frame of a server's stream and the rest; None while it is not whole."""
    if len(data) < 2:
        return None
    size, start = data[1], 2
    assert not size & 0x80, "a server must not mask"
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(data[2:10], "big"), 10
    if len(data) < start + size:
        return None
    frame = Frame(data[0] & 0x0F, bool(data[0] & 0x80), data[start : start + size])
    return frame, data[start + size :]


def close_frame(code: int, reason: str = "") -> bytes:
    """A client's close frame."""
    return client_frame(CLOSE, code.to_bytes(2, "big") + reason.encode())
