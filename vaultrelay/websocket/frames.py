"""WebSocket frames of the fast path: whole, unfragmented, binary (RFC 6455, section 5.2).

Everything else on a connection is Autobahn's: control frames, text, fragments, and every frame that
breaks a rule.
"""

from struct import Struct

try:
    from websockets.speedups import apply_mask
except ImportError:  # where its compiled part is missing: slower, and the same
    from websockets.utils import apply_mask

_WHOLE_BINARY = 0x82
"""FIN set, no reserved bit, opcode 2."""
_MASKED = 0x80
_SIZE_16, _SIZE_64 = 126, 127
_SMALLEST_16, _SMALLEST_64 = 126, 1 << 16
"""A size must be written in as few bytes as it takes."""
_WITH_SIZE = 2
_SHORTEST = 6
"""A masked frame's header with the size in its second byte."""
_COPY_BELOW = 4096
"""Bytes. Copying so few is quicker than a memoryview of them."""
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")


def binary_frame(message: bytes) -> bytes:
    """A message as a server sends it: one frame, not masked."""
    size = len(message)
    if size < _SMALLEST_16:
        return bytes((_WHOLE_BINARY, size)) + message
    if size < _SMALLEST_64:
        return _HEAD_16.pack(_WHOLE_BINARY, _SIZE_16, size) + message
    return _HEAD_64.pack(_WHOLE_BINARY, _SIZE_64, size) + message


class FrameWalk:
    """Takes whole binary frames out of a client's stream, for as long as there is nothing else.

    Frames of more than `most` bytes are not taken. What is held of a frame that is not whole yet is
    bounded by that.
    """

    __slots__ = ("_held", "_most", "_needed")

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()
        self._needed = 0

    @property
    def is_holding(self) -> bool:
        """Whether the stream stands in the middle of a frame that is ours."""
        return bool(self._held)

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The unmasked messages that are whole now, and the rest from the first foreign frame on.

        What begins a frame of ours and is not whole yet is held, and the rest is empty.
        """
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return [], b""
            # A large frame is copied once when it is whole, and not at each read.
            data = bytes(self._held)
            self._held = bytearray()
        messages: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            has_size = position + 1 < end
            if data[position] != _WHOLE_BINARY or (has_size and data[position + 1] < _MASKED):
                return messages, data[position:]
            start = position + _SHORTEST
            if start > end:
                return self._hold(messages, data[position:], _SHORTEST if has_size else _WITH_SIZE)
            size = data[position + 1] - _MASKED
            if size >= _SIZE_16:
                wide = size == _SIZE_64
                start += 8 if wide else 2
                if start > end:
                    return self._hold(messages, data[position:], start - position)
                size = int.from_bytes(data[position + 2 : start - 4], "big")
                if size < (_SMALLEST_64 if wide else _SMALLEST_16):
                    return messages, data[position:]
            if size > self._most:
                return messages, data[position:]
            stop = start + size
            if stop > end:
                return self._hold(messages, data[position:], stop - position)
            whole = data if size < _COPY_BELOW else memoryview(data)
            messages.append(apply_mask(whole[start:stop], data[start - 4 : start]))
            position = stop
        return messages, b""

    def _hold(self, messages: list[bytes], begun: bytes, needed: int) -> tuple[list[bytes], bytes]:
        self._held = bytearray(begun)
        self._needed = needed
        return messages, b""
