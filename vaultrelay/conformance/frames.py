"""WebSocket frames of the scripted relay: a client's are read, its own are written as the case has
it (RFC 6455, section 5.2)."""

from collections import deque
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from vaultrelay.conformance.limits import MAX_FRAME_BYTES, MAX_MASK_KEYS
from vaultrelay.wire.masking import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_FIN, _RESERVED, _OPCODE, _MASKED, _SIZE = 0x80, 0x70, 0x0F, 0x80, 0x7F
_SIZE_16, _SIZE_64 = 126, 127
_HEAD_16, _HEAD_64 = Struct(">BBH"), Struct(">BBQ")
_SHORTEST_HEAD = 2
_KEY_BYTES = 4


class BadFrame(ValueError):
    """A client's frame that violates RFC 6455, or is larger than any case asks for."""


class Frame(NamedTuple):
    """A frame of a client, unmasked."""

    is_last: bool
    opcode: int
    payload: bytes


class FrameReader:
    """Splits the bytes of a client into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.mask_keys: deque[bytes] = deque(maxlen=MAX_MASK_KEYS)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete. Raises BadFrame for an invalid one."""
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < _SHORTEST_HEAD:
            return None
        first, second = buffer[:_SHORTEST_HEAD]
        if first & _RESERVED:
            raise BadFrame("a frame with a reserved bit: no extension was agreed on")
        if not second & _MASKED:
            raise BadFrame("a frame without a mask")
        size, start = second & _SIZE, _SHORTEST_HEAD
        if size >= _SIZE_16:
            head = _HEAD_16 if size == _SIZE_16 else _HEAD_64
            if len(buffer) < head.size:
                return None
            _, _, size = head.unpack_from(buffer)
            start = head.size
        if size > MAX_FRAME_BYTES:
            raise BadFrame(f"a frame of {size} bytes")
        end = start + _KEY_BYTES + size
        if len(buffer) < end:
            return None
        key = bytes(buffer[start : start + _KEY_BYTES])
        self.mask_keys.append(key)
        payload = apply_mask(bytes(buffer[start + _KEY_BYTES : end]), key) if size else b""
        del buffer[:end]
        return Frame(bool(first & _FIN), first & _OPCODE, payload)


def server_frames(data: bytes) -> Iterator[Frame | bytes]:
    """Yield the unmasked frames of a server, then what is no whole frame."""
    at = 0
    while len(data) >= at + _SHORTEST_HEAD:
        first, second = data[at : at + _SHORTEST_HEAD]
        size, start = second & _SIZE, at + _SHORTEST_HEAD
        if size >= _SIZE_16:
            head = _HEAD_16 if size == _SIZE_16 else _HEAD_64
            if len(data) < at + head.size:
                break
            _, _, size = head.unpack_from(data, at)
            start = at + head.size
        if len(data) < start + size or first & _RESERVED or second & _MASKED:
            break
        at = start + size
        yield Frame(bool(first & _FIN), first & _OPCODE, data[start:at])
    if at < len(data):
        yield data[at:]


def frame(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """Return an unmasked frame, as a server sends it."""
    first, size = opcode | (_FIN if is_last else 0), len(payload)
    if size < _SIZE_16:
        head = bytes((first, size))
    elif size < 1 << 16:
        head = _HEAD_16.pack(first, _SIZE_16, size)
    else:
        head = _HEAD_64.pack(first, _SIZE_64, size)
    return head + payload


def fragments(opcode: int, payload: bytes, count: int) -> bytes:
    """Return a message in `count` frames, some of them empty if it has fewer bytes."""
    edges = [index * len(payload) // count for index in range(count + 1)]
    return b"".join(
        frame(
            CONTINUATION if index else opcode,
            payload[edges[index] : edges[index + 1]],
            is_last=index == count - 1,
        )
        for index in range(count)
    )
