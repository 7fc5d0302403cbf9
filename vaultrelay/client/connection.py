"""The client's WebSocket: Autobahn's callbacks turned into one ordered stream of events."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autobahn.twisted.websocket import WebSocketClientProtocol
from autobahn.websocket.types import ConnectionResponse
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.wire import VERSION
from vaultrelay.wire.control import (
    Busy,
    Challenge,
    Draining,
    Joined,
    Keepalive,
    Left,
    Ready,
    Welcome,
    read_from_relay,
)
from vaultrelay.wire.data import HEADER_BYTES, Kind, Reason, read_header
from vaultrelay.wire.head import HEAD_END
from vaultrelay.wire.json_object import BadControl, read_object

CONTROL_LIMIT = 64 * 1024
"""The largest control message, `welcome`, stays below it with any number of peers."""
_TLS_ALERT = b"\x15\x03"
_LENGTH_DIGITS = 9
_SHOWN_CHARS = 1000
_REFUSAL_BYTES = 64 * 1024
"""More than any relay or proxy says when it refuses."""


class Refused(Exception):
    """The relay, or something before it, answered with HTTP instead of a WebSocket."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(f"{detail} ({status} {error})" if status else detail)
        self.status = status
        self.error = error
        self.detail = detail


class Closed(Exception):
    """The connection is over: close code and reason, 1006 where none came."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}".strip())
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """Ciphertext of a peer; `to` is our session number or EVERYONE."""

    sender: int
    to: int
    id: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Nack:
    """Our message `id` did not reach `peer`; `reason` is one of Reason, or one still to come."""

    peer: int
    id: int
    reason: Reason | int


Event = Message | Nack | Joined | Left | Busy | Ready | Draining | Keepalive
Answer = Callable[[Challenge], bytes]
"""Makes the hello that answers a challenge."""


@implementer(IPushProducer)
class DeviceSocket(WebSocketClientProtocol):
    """One connection to a relay; `on_event` gets what comes after the welcome, then Closed."""

    # Autobahn reads this before its options are set, and so never sets TCP_NODELAY without it.
    tcpNoDelay = True

    transport: Any

    def __init__(
        self, clock: IReactorTime, answer: Answer, on_event: Callable[[Event | Closed], None]
    ) -> None:
        super().__init__()
        self._clock = clock
        self._challenged = False
        self._opened = False
        self.heard_at = clock.seconds()
        self.welcomed: Deferred[Welcome] = Deferred()
        self.has_room = True
        self.relay_version = ""
        self._answer = answer
        self.on_event = on_event
        self._waiting: list[Deferred[None]] = []
        self._trouble: Exception | None = None
        self._is_over = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self.heard_at = self._clock.seconds()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if isinstance(reason.value, ssl.SSLError) and self._trouble is None:
            self._trouble = reason.value
        super().connectionLost(reason)

    def processHandshake(self) -> None:
        if self.data.startswith(_TLS_ALERT):
            self._fail(Refused(0, "no_relay", "This port speaks TLS. The URL begins with wss://."))
            return
        head, end, body = self.data.partition(HEAD_END)
        if not end or head.startswith(b"HTTP/1.1 101"):
            super().processHandshake()
            return
        # Autobahn would drop the refusal's body, and with it the sentence for people.
        if len(body) >= min(_content_length(head), _REFUSAL_BYTES):
            self._fail(_read_refusal(head, body))

    def onOpen(self) -> None:
        self._opened = True

    def onConnect(self, response: ConnectionResponse) -> None:
        if response.headers.get("x-vaultmesh-protocol") != str(VERSION):
            self._fail(
                Refused(101, "no_relay", "A WebSocket answers here, but no VaultMesh relay.")
            )

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        try:
            event = read_data(payload) if isBinary else read_from_relay(payload)
        except BadControl as error:
            self._fail(Closed(1002, f"the relay broke the protocol: {error}"))
            return
        if isinstance(event, Challenge):
            self._challenge(event)
        elif isinstance(event, Welcome):
            if not self.welcomed.called:
                # From here on the relay passes on what peers send, up to its limit.
                self.maxMessagePayloadSize = max(CONTROL_LIMIT, event.limits.message_bytes)
                self.welcomed.callback(event)
        elif isinstance(event, Event):
            self.on_event(event)

    def _challenge(self, challenge: Challenge) -> None:
        """Sign once, and only what this protocol asks for."""
        if self._challenged or challenge.protocol != VERSION:
            self._fail(Closed(1002, "the relay asks for a proof that this protocol does not have"))
            return
        self._challenged = True
        self.relay_version = challenge.relay
        self.sendMessage(self._answer(challenge), isBinary=False)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._is_over = True
        closed = self._trouble or self._ended(code or 1006, reason or "")
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)
        if not self.welcomed.called:
            self.welcomed.errback(closed)
        else:
            self.on_event(closed if isinstance(closed, Closed) else Closed(1006, str(closed)))

    def _ended(self, code: int, reason: str) -> Exception:
        if self._opened:
            return Closed(code, reason)
        return Refused(
            0,
            "no_relay",
            "The connection ended before anybody answered. Does the URL begin with ws:// where TLS "
            "is spoken, or with wss:// where it is not?",
        )

    @property
    def can_send(self) -> bool:
        """Whether anything can be sent."""
        return bool(self.state == self.STATE_OPEN)

    def room(self) -> Deferred[None]:
        """Fires as soon as what was sent before is on its way, or the connection is over."""
        waiter: Deferred[None] = Deferred()
        if self.has_room or self._is_over:
            waiter.callback(None)
        else:
            self._waiting.append(waiter)
        return waiter

    def pauseProducing(self) -> None:
        self.has_room = False

    def resumeProducing(self) -> None:
        self.has_room = True
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)

    def stopProducing(self) -> None:
        pass

    def give_up(self) -> None:
        """Cut the connection off, if there is one."""
        if self.transport is not None and not self._is_over:
            self.dropConnection(abort=True)

    def _fail(self, trouble: Exception) -> None:
        self._trouble = trouble
        self.dropConnection(abort=True)


def read_data(message: bytes) -> Message | Nack | None:
    """What a data message of the relay says; None for what this version does not know."""
    if len(message) < HEADER_BYTES:
        return None
    header = read_header(message)
    if header.flags:
        return None
    if header.kind == Kind.DATA:
        return Message(header.sender, header.to, header.id, message[HEADER_BYTES:])
    if header.kind == Kind.NACK:
        known = header.reason in Reason.__members__.values()
        return Nack(header.sender, header.id, Reason(header.reason) if known else header.reason)
    return None


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and value.strip().isdigit():
            return int(value.strip()[:_LENGTH_DIGITS])
    return _REFUSAL_BYTES


def _read_refusal(head: bytes, body: bytes) -> Refused:
    words = head.split(b"\r\n")[0].split(b" ")
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    try:
        told = read_object(body)
        return Refused(status, told.text("error", _SHOWN_CHARS), told.text("detail", _SHOWN_CHARS))
    except BadControl:
        return Refused(status, "no_relay", "Something that is no VaultMesh relay answered.")
