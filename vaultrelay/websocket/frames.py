"""WebSocket frames of the fast path: whole, unfragmented, binary (RFC 6455, section 5.2).

Everything else on a connection is Autobahn's: control frames, text, fragments, and every frame that
breaks a rule.
"""

from struct import Struct

from vaultrelay.policy.ledger import Ledger
from vaultrelay.wire.masking import apply_mask

_WHOLE_BINARY = 0x82
"""FIN set, no reserved bit, opcode 2."""
_WHOLE_TEXT = 0x81
_MASKED = 0x80
_SIZE_16, _SIZE_64 = 126, 127
_SMALLEST_16, _SMALLEST_64 = 126, 1 << 16
"""A size must be written in as few bytes as it takes."""
_SHORTEST = 6
"""A masked frame's header with the size in its second byte."""
_COPY_BELOW = 4096
"""Bytes. Copying so few is quicker than a memoryview of them."""
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")


def binary_frame(message: bytes) -> bytes:
    """A message as a server sends it: one frame, not masked."""
    size = len(message)
    if _SMALLEST_16 <= size < _SMALLEST_64:
        # The usual one, without another call.
        return _HEAD_16.pack(_WHOLE_BINARY, _SIZE_16, size) + message
    return frame_header(size) + message


def text_frame(message: bytes) -> bytes:
    """The same for a text."""
    return frame_header(len(message), _WHOLE_TEXT) + message


def frame_header(size: int, first: int = _WHOLE_BINARY) -> bytes:
    """What comes before a message of so many bytes, binary unless told otherwise."""
    if size < _SMALLEST_16:
        return bytes((first, size))
    if size < _SMALLEST_64:
        return _HEAD_16.pack(first, _SIZE_16, size)
    return _HEAD_64.pack(first, _SIZE_64, size)


def whole_text(data: bytes, most: int) -> bytes | None:
    """The unmasked payload, where `data` is one whole text frame of at most `most` bytes."""
    if len(data) < _SHORTEST or data[0] != _WHOLE_TEXT:
        return None
    size = data[1] - _MASKED
    start = _SHORTEST
    if size == _SIZE_16:
        size = int.from_bytes(data[2:4], "big")
        start += 2
        if size < _SMALLEST_16:
            return None
    elif not 0 <= size < _SIZE_16:
        return None
    if size > most or len(data) != start + size:
        return None
    return apply_mask(data[start:], data[start - 4 : start])


class FrameWalk:
    """Takes whole binary frames out of a client's stream, for as long as there is nothing else.

    Frames of more than `most` bytes are not taken. What is held of a frame that is not whole yet is
    bounded by that.
    """

    __slots__ = ("_head", "_key", "_ledger", "_most", "_payload", "_size")

    def __init__(self, most: int, ledger: Ledger) -> None:
        self._most = most
        self._ledger = ledger
        self._head = b""
        """The start of a frame whose header is cut."""
        self._payload: bytearray | None = None
        """What is there, still masked, of a payload that is cut; None when nobody wants it."""
        self._size = 0
        """The whole of such a payload; what is to come of it when nobody wants it; else 0."""
        self._key = b""

    @property
    def is_holding(self) -> bool:
        """Whether the stream stands in the middle of a frame that is ours."""
        return bool(self._size or self._head)

    @property
    def held(self) -> int:
        """Bytes held of a payload that is cut; counted in the ledger."""
        return 0 if self._payload is None else len(self._payload)

    def drop(self) -> None:
        """Give up what is held, and the rest of that message when it comes."""
        if self._payload is not None:
            self._size -= len(self._payload)
            self._ledger.add(-len(self._payload))
            self._payload = None

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The unmasked messages that are whole now, and the rest from the first foreign frame on.

        What begins a frame of ours and is not whole yet is held, and the rest is empty.
        """
        messages: list[bytes] = []
        if self._head:
            data, self._head = self._head + data, b""
        position = self._fill(data, messages) if self._size else 0
        end = len(data)
        while position < end:
            start = position + _SHORTEST
            if data[position] != _WHOLE_BINARY:
                return messages, data[position:]
            if start > end:
                return self._cut(messages, data[position:])
            size = data[position + 1] - _MASKED
            if size >= _SIZE_16:
                wide = size == _SIZE_64
                start += 8 if wide else 2
                if start > end:
                    return self._cut(messages, data[position:])
                size = int.from_bytes(data[position + 2 : start - 4], "big")
                if size < (_SMALLEST_64 if wide else _SMALLEST_16):
                    return messages, data[position:]
            if size > self._most or size < 0:
                return messages, data[position:]
            key = data[start - 4 : start]
            position = start + size
            if position > end:
                # It grows with what comes: nobody gets memory for a size that he only claims.
                self._payload = bytearray(memoryview(data)[start:])
                self._size, self._key = size, key
                self._ledger.add(len(self._payload))
            elif size < _COPY_BELOW:
                messages.append(apply_mask(data[start:position], key))
            else:
                messages.append(apply_mask(memoryview(data)[start:position], key))
        return messages, b""

    def _fill(self, data: bytes, messages: list[bytes]) -> int:
        """Add to the payload that is cut; how much of `data` belongs to it."""
        payload = self._payload
        if payload is None:
            skipped = min(self._size, len(data))
            self._size -= skipped
            return skipped
        missing = self._size - len(payload)
        if missing > len(data):
            payload += data
            self._ledger.add(len(data))
            return len(data)
        self._ledger.add(-len(payload))
        payload += memoryview(data)[:missing]
        messages.append(apply_mask(payload, self._key))
        self._payload = None
        self._size = 0
        return missing

    def _cut(self, messages: list[bytes], begun: bytes) -> tuple[list[bytes], bytes]:
        """Hold the start of a header, unless it is not masked and so none of ours."""
        if len(begun) > 1 and begun[1] < _MASKED:
            return messages, begun
        self._head = begun
        return messages, b""
