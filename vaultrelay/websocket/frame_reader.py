"""FrameReader: splits a client's stream into whole messages and foreign frames (RFC 6455, 5.2).

Sans-I/O: bytes in, messages out. A whole binary message and a whole text are ours. Every other
frame is foreign: control frames, fragments, and frames that break a rule. Foreign frames come out
as they came in, but unmasked, for Autobahn.
"""

from vaultrelay.native import has_twin
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.floods import AFTER_CLOSE_FRAME_BYTES
from vaultrelay.websocket.frame_header import (
    KEY_BYTES,
    MASKED,
    MAX_HEADER_BYTES,
    MIN_HEADER_BYTES,
    SIZE_16,
    SIZE_64,
    SMALLEST_16,
    SMALLEST_64,
    WHOLE_BINARY,
    WHOLE_TEXT,
    read_header,
    shortest_header,
)
from vaultrelay.websocket.partial_message import PartialMessage
from vaultrelay.wire.masking import apply_mask

_COPY_BELOW = 4096
"""Bytes. Copying fewer is quicker than a memoryview of them."""
_NONE = -1
"""No binary message is ours, not even an empty one."""


@has_twin("frames")
def take_messages(data: bytes, position: int, maximum: int, messages: list[bytes]) -> int:
    """Unmask the whole binary messages of at most `maximum` bytes at `position` in `data`, and add
    them to `messages`; return where the first other frame begins."""
    end = len(data)
    while (start := position + MIN_HEADER_BYTES) <= end and data[position] == WHOLE_BINARY:
        size = data[position + 1] - MASKED
        if size >= SIZE_16:
            wide = size == SIZE_64
            start += 8 if wide else 2
            size = int.from_bytes(data[position + 2 : start - KEY_BYTES], "big")
            if size < (SMALLEST_64 if wide else SMALLEST_16):
                break
        if not 0 <= size <= maximum or start + size > end:
            break
        key = data[start - KEY_BYTES : start]
        position = start + size
        payload = data[start:position] if size < _COPY_BELOW else memoryview(data)[start:position]
        messages.append(apply_mask(payload, key))
    return position


class FrameReader:
    """Reads the stream of one client.

    `message_bytes` is the size of the largest binary message that is ours. It bounds what is held
    of an incomplete one, which is counted in the ledger. `rest` holds the bytes read from the next
    foreign frame on; None while there is none.
    """

    __slots__ = (
        "_foreign_left",
        "_head",
        "_is_dropped",
        "_key",
        "_ledger",
        "_position",
        "_skipped_left",
        "is_foreign",
        "message_bytes",
        "partial",
        "rest",
    )

    def __init__(self, ledger: Ledger) -> None:
        self.message_bytes = _NONE
        self.is_foreign = False
        """Whether the next bytes belong to a foreign frame, or to a message in fragments."""
        self.rest: bytes | None = None
        self._position = 0
        """The offset in `rest` of the first byte not taken."""
        self._foreign_left = 0
        """The remaining payload bytes of a foreign frame."""
        self._head = b""
        """The start of a frame with an incomplete header."""
        self.partial: PartialMessage | None = None
        """A message of ours that is cut."""
        self._is_dropped = False
        self._skipped_left = 0
        """The remaining payload bytes of one that was dropped."""
        self._key = b""
        """Of the foreign frame."""
        self._ledger = ledger

    @property
    def held_bytes(self) -> int:
        """Bytes of a message that is cut, as the ledger counts them."""
        return 0 if self.partial is None else self.partial.held_bytes

    @property
    def bytes_allowed(self) -> int:
        """See transport.stream.Allowance: what is reserved; after `drop` the answer to a close."""
        if self._is_dropped:
            return AFTER_CLOSE_FRAME_BYTES
        return 0 if self.partial is None else self.partial.bytes_allowed

    @property
    def partial_bytes(self) -> int | None:
        """Bytes that came of a message of ours that is cut; 0 within a header or a foreign frame,
        None between frames."""
        if self.partial is not None:
            return self.partial.received_bytes
        return 0 if self._skipped_left or self._head or self._foreign_left else None

    @property
    def rest_bytes(self) -> int:
        """Return the number of bytes that were read and not taken."""
        return 0 if self.rest is None else len(self.rest) - self._position

    def drop(self) -> None:
        """Drop the bytes held, and the rest of an incomplete message: a close was sent."""
        self._is_dropped = True
        if self.partial is not None:
            self._skipped_left = self.partial.drop()
            self.partial = None

    def append(self, data: bytes) -> None:
        """Add bytes to `rest`."""
        self.rest = data if self.rest is None else self.rest[self._position :] + data
        self._position = 0

    def feed(self, data: bytes, position: int = 0) -> list[bytes]:
        """Return the unmasked binary messages that are complete now, up to the next foreign frame.

        Not to be called within one: see `is_foreign`.
        """
        messages: list[bytes] = []
        if self._head:
            data, position, self._head = self._head + data[position:], 0, b""
        if self.partial is not None or self._skipped_left:
            position = self._continue(data, position, messages)
        position = take_messages(data, position, self.message_bytes, messages)
        if position < len(data):
            self._begin_frame(data, position)
        return messages

    def next_messages(self) -> list[bytes]:
        """Do the same for bytes read already, unless a foreign frame continues there."""
        if self.rest is None or self.is_foreign:
            return []
        data, self.rest = self.rest, None
        return self.feed(data, self._position)

    def next_text(self, maximum: int) -> bytes | None:
        """Take a text of at most `maximum` bytes, if `rest` begins with a whole one in UTF-8."""
        data, position = self.rest, self._position
        if self.is_foreign or data is None or data[position] != WHOLE_TEXT:
            return None
        header = read_header(data[position : position + MAX_HEADER_BYTES])
        if header is None:
            return None
        length, size, key = header
        start, end = position + length, position + length + size
        if size > maximum or end > len(data) or not key or length != shortest_header(size):
            return None
        text = apply_mask(data[start:end], key)
        try:
            text.decode()
        except UnicodeDecodeError:
            return None
        self._take_up_to(end)
        return text

    def next_foreign(self) -> bytes:
        """Take the part of one foreign frame in `rest`: its header unchanged, its payload unmasked.

        The bytes of an incomplete header are returned, too: Autobahn may refuse a frame by its
        first ones.
        """
        data, position = self.rest or b"", self._position
        if self._foreign_left:
            return self._foreign_payload(data, position)
        cut = len(self._head)
        head = self._head + data[position : position + MAX_HEADER_BYTES - cut]
        header = read_header(head)
        if header is None:
            self._head = head
            self.is_foreign = True
            self.rest = None
            return data[position:]
        self._head = b""
        length, self._foreign_left, self._key = header
        start = position + length - cut
        return data[position:start] + self._foreign_payload(data, start)

    def _foreign_payload(self, data: bytes, start: int) -> bytes:
        payload = data[start : start + self._foreign_left]
        size, key = len(payload), self._key
        self._foreign_left -= size
        self.is_foreign = self._foreign_left > 0
        self._take_up_to(start + size)
        if not key or not payload:
            return payload
        turn = size % KEY_BYTES
        self._key = key[turn:] + key[:turn]
        return apply_mask(payload, key)

    def _take_up_to(self, position: int) -> None:
        self._position = position
        if self.rest is not None and position >= len(self.rest):
            self.rest = None

    def _begin_frame(self, data: bytes, position: int) -> None:
        """Hold the start of a message of ours, or leave all in `rest` for a foreign frame."""
        head = data[position : position + MAX_HEADER_BYTES]
        if head[0] == WHOLE_BINARY and (len(head) == 1 or head[1] & MASKED):
            header = read_header(head)
            if header is None:
                self._head = head
                return
            length, size, key = header
            if size <= self.message_bytes and length == shortest_header(size):
                view = memoryview(data)[position + length :]
                self.partial = PartialMessage(view, size, key, self._ledger)
                return
        self.rest, self._position = data, position

    def _continue(self, data: bytes, position: int, messages: list[bytes]) -> int:
        """Add to the partial message, or skip a dropped one; return where in `data` it ends."""
        partial, there = self.partial, len(data) - position
        if partial is None:
            skipped = min(self._skipped_left, there)
            self._skipped_left -= skipped
            return position + skipped
        end = position + min(partial.missing_bytes, there)
        message = partial.fill(memoryview(data)[position:end])
        if message is not None:
            messages.append(message)
            self.partial = None
        return end
