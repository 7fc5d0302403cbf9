"""RelayConnection: one connection of a client at the scripted relay."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure as Reason

from vaultrelay.conformance.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    BadFrame,
    FrameReader,
    frame,
)
from vaultrelay.conformance.limits import (
    MAX_FRAMES,
    MAX_HEAD_BYTES,
    MAX_HELD_BYTES,
    MAX_TRANSCRIPT_DATA_BYTES,
)
from vaultrelay.conformance.pulse import Pulse
from vaultrelay.conformance.words import head_in_words, message_in_words, sent_in_words
from vaultrelay.wire.announced import PING_SECONDS
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.in_session import Keepalive
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request import Request, read_request

_END = b"\r\n\r\n"
_NORMAL = (1000).to_bytes(2, "big")


class Received(NamedTuple):
    """A message, or a control frame, of a client."""

    opcode: int
    payload: bytes


class RelayConnection(Protocol):
    """Collects what a client sends. Answers pings and keepalives, and ends after both sides have
    closed.

    `fault` is the first violation of HTTP or of RFC 6455; nothing is read after it. `record` gets
    the sender, "client" or "relay", and a description, or a function that returns it. With
    `is_mute` nothing is answered, as on a dead connection.
    """

    transport: Any

    def __init__(
        self, pulse: Pulse, record: Callable[[str, str | Callable[[], str]], None]
    ) -> None:
        self._pulse = pulse
        self._record = record
        self._head = b""
        self._frames = FrameReader()
        self._parts: list[bytes] = []
        self._opcode = 0
        self._has_closed = False
        self.request: Request | None = None
        self.target = ""
        """Path and query of the request."""
        self.received: deque[Received] = deque()
        self._held_bytes = 0
        self.bytes_received = 0
        self.is_over = False
        self.is_mute = False
        self.server_name = ""
        self.fault = ""

    @property
    def mask_keys(self) -> list[bytes]:
        """The masking keys of the last frames."""
        return list(self._frames.mask_keys)

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self._pulse.beat()

    def dataReceived(self, data: bytes) -> None:
        self.bytes_received += len(data)
        if not self.fault:
            try:
                self._read(data)
            except (BadFrame, Refusal) as error:
                self.fault = str(error)
                self._record("client", self.fault)
        self._pulse.beat()

    def connectionLost(self, reason: Reason = connectionDone) -> None:
        self.is_over = True
        self._record("client", "the connection is over")
        self._pulse.beat()

    def take(self) -> Received | None:
        """Remove and return the first message or control frame; None if there is none."""
        if not self.received:
            return None
        found = self.received.popleft()
        self._held_bytes -= len(found.payload)
        return found

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        if not self.is_over:
            words = partial(sent_in_words, data)
            self._record("relay", words if len(data) <= MAX_TRANSCRIPT_DATA_BYTES else words())
            self.transport.write(data)

    def close(self, code: int, reason: str) -> None:
        """Send a close, without a code for 0; the client's answer ends the connection."""
        self._has_closed = True
        self.send(frame(CLOSE, code.to_bytes(2, "big") + reason.encode() if code else b""))

    def finish(self) -> None:
        """End the connection once all is sent."""
        self.transport.loseConnection()

    def drop(self) -> None:
        """End the connection without a close frame."""
        if not self.is_over:
            self._record("relay", "drops the connection")
            self.transport.abortConnection()

    def _read(self, data: bytes) -> None:
        if self.request is None:
            self._head += data
            head, end, data = self._head.partition(_END)
            if not end:
                if len(head) > MAX_HEAD_BYTES:
                    raise BadFrame("a request head of more than 8192 bytes")
                return
            self._record("client", head_in_words(head))
            self.request = read_request(head + end)
            query = head.split(b" ", 2)[1].partition(b"?")
            self.target = self.request.path + b"".join(query[1:]).decode("latin-1")
        for each in self._frames.feed(data):
            self._take(each.opcode, each.payload, each.is_last)
            if len(self.received) > MAX_FRAMES or self._held_bytes > MAX_HELD_BYTES:
                raise BadFrame("too many frames that nothing asked for")

    def _take(self, opcode: int, payload: bytes, is_last: bool) -> None:
        self._held_bytes += len(payload)
        if opcode in (TEXT, BINARY):
            self._opcode, self._parts = opcode, []
        if opcode in (TEXT, BINARY, CONTINUATION):
            self._parts.append(payload)
            if is_last:
                found = Received(self._opcode, b"".join(self._parts))
                self.received.append(found)
                self._record("client", message_in_words(*found))
                self._answer_keepalive(found)
            return
        self.received.append(Received(opcode, payload))
        self._record("client", message_in_words(opcode, payload))
        if self.is_mute:
            return
        if opcode == PING:
            self.send(frame(PONG, payload))
        if opcode == CLOSE:
            if not self._has_closed:
                self.send(frame(CLOSE, _NORMAL))
            self.transport.loseConnection()

    def _answer_keepalive(self, found: Received) -> None:
        asked = keepalive_in(found)
        if asked is not None and not self.is_mute:
            seconds = min(max(asked.ping_seconds, PING_SECONDS[0]), PING_SECONDS[1])
            self.send(frame(TEXT, Keepalive(seconds).encode()))


def keepalive_in(received: Received) -> Keepalive | None:
    """Return the keepalive in a message; None if it is anything else."""
    if received.opcode != TEXT:
        return None
    try:
        control = read_from_device(received.payload)
    except BrokenRule:
        return None
    return control if isinstance(control, Keepalive) else None
