"""The client's WebSocket: Autobahn's callbacks turned into one ordered stream of events."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autobahn.twisted.websocket import WebSocketClientProtocol
from autobahn.websocket.types import ConnectionResponse
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vaultrelay.wire.control import Challenge, Draining, Joined, Left, Welcome, read_from_relay
from vaultrelay.wire.data import HEADER_BYTES, BadHeader, Kind, Reason, read_header
from vaultrelay.wire.json_object import BadControl
from vaultrelay.wire.request import HEAD_END

if TYPE_CHECKING:
    from vaultrelay.client.device import DeviceSocketFactory

_LENGTH_DIGITS = 9
_REFUSAL_BYTES = 64 * 1024
"""More than any relay or proxy says when it refuses."""


class Refused(Exception):
    """The relay, or something before it, answered with HTTP instead of a WebSocket."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(f"{detail} ({status} {error})".strip())
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


Event = Message | Nack | Joined | Left | Draining
Answer = Callable[[Challenge], bytes]
"""Makes the hello that answers a challenge."""


@implementer(IPushProducer)
class DeviceSocket(WebSocketClientProtocol):
    """One connection to a relay; `on_event` gets what comes after the welcome, then Closed."""

    factory: "DeviceSocketFactory"
    transport: Any

    def __init__(self, answer: Answer, on_event: Callable[[Event | Closed], None]) -> None:
        super().__init__()
        self.heard = False
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
        self.heard = True
        super().dataReceived(data)

    def processHandshake(self) -> None:
        head, end, body = self.data.partition(HEAD_END)
        if not end or head.startswith(b"HTTP/1.1 101"):
            super().processHandshake()
            return
        # Autobahn would drop the refusal's body, and with it the sentence for people.
        if len(body) >= min(_content_length(head), _REFUSAL_BYTES):
            self._trouble = _read_refusal(head, body)
            self.dropConnection(abort=True)

    def onConnect(self, response: ConnectionResponse) -> None:
        if response.headers.get("x-vaultmesh-protocol") != "3":
            self._fail(
                Refused(101, "no_relay", "A WebSocket answers here, but no VaultMesh relay.")
            )

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        try:
            event = read_data(payload) if isBinary else read_from_relay(payload)
        except (BadControl, BadHeader) as error:
            self._fail(Closed(1002, f"the relay broke the protocol: {error}"))
            return
        if isinstance(event, Challenge):
            self.relay_version = event.relay
            self.sendMessage(self._answer(event), isBinary=False)
        elif isinstance(event, Welcome):
            if not self.welcomed.called:
                self.welcomed.callback(event)
        elif isinstance(event, Event):
            self.on_event(event)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._is_over = True
        closed = self._trouble or Closed(code or 1006, reason or "")
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)
        if not self.welcomed.called:
            self.welcomed.errback(closed)
        else:
            self.on_event(closed if isinstance(closed, Closed) else Closed(1006, str(closed)))

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
    """What a data message of the relay says; None for a kind we do not know."""
    header = read_header(message)
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
        told = json.loads(body)
        return Refused(status, str(told["error"]), str(told["detail"]))
    except (ValueError, TypeError, KeyError):
        return Refused(status, "no_relay", "Something that is no VaultMesh relay answered.")
