"""OpenProtocol: Autobahn's server side of a WebSocket that is open already.

Autobahn sets 70 attributes on each connection: options, statistics, timers, parts of the request.
Most never change in this relay. Here they are the class's, and a connection has what changed.
`autobahn.twisted` has no part in it: it adds log lines, details of transports, and all of WAMP.
"""

from typing import Any

import txaio
from autobahn.websocket.protocol import (
    WebSocketProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet.protocol import Protocol, connectionDone

from vaultrelay.websocket.autobahn_guards import Silence
from vaultrelay.websocket.autobahn_parts import Utf8Validator

txaio.use_twisted()


class _Nobody:
    """Stands in for a Deferred that nobody waits for."""

    def callback(self, result: object) -> None:
        pass


class _MadeForAText:
    """Makes a validator when a text begins; the connection keeps it until the text ends."""

    def __get__(self, connection: Any, owner: object = None) -> Utf8Validator:
        validator = connection.utf8validator = Utf8Validator()
        return validator


class OpenProtocol(WebSocketServerProtocol, Protocol):
    """Reads frames and answers them as Autobahn does; begins where Autobahn's handshake ends."""

    log: Any = Silence()
    state = WebSocketProtocol.STATE_OPEN
    websocket_version = 13
    inside_message = False
    current_frame: Any = None
    current_frame_masker: Any = None
    is_open: Any = _Nobody()
    is_closed: Any = _Nobody()
    utf8validator: Any = _MadeForAText()
    message_data: Any = None
    message_data_total_length = 0
    frame_length = 0
    transport: Any

    def __init__(self) -> None:
        # Autobahn's would make what is the class's here.
        pass

    def connectionLost(self, reason: Any = connectionDone) -> None:
        # Not the server's: it writes log lines, and counts what nobody asks for.
        WebSocketProtocol._connectionLost(self, reason)

    def onFrameEnd(self) -> bool | None:
        refused: bool | None = super().onFrameEnd()
        self.current_frame_masker = None
        return refused

    def onMessageEnd(self) -> None:
        # Autobahn's tells listeners as well, by a Deferred.
        if not self.failedByMe:
            self.onMessage(b"".join(self.message_data), self.message_is_binary)
        self.message_data = None
        self.message_data_total_length = self.frame_length = 0
        if self.utf8validateIncomingCurrentMessage:
            del self.utf8validator, self.utf8validateLast

    def unregisterProducer(self) -> None:
        self.transport.unregisterProducer()

    # Autobahn calls these; its variants for asyncio do something between.

    def _onMessageBegin(self, isBinary: bool) -> None:
        self.onMessageBegin(isBinary)

    def _onMessageFrameBegin(self, length: int) -> None:
        self.onMessageFrameBegin(length)

    def _onMessageFrameData(self, payload: bytes) -> None:
        self.onMessageFrameData(payload)

    def _onMessageFrame(self, payload: bytes) -> None:
        self.onMessageFrame(payload)

    def _onMessageFrameEnd(self) -> None:
        self.onMessageFrameEnd()

    def _onMessageEnd(self) -> None:
        self.onMessageEnd()

    def _onPing(self, payload: bytes) -> None:
        self.onPing(payload)

    def _onPong(self, payload: bytes) -> None:
        self.onPong(payload)

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.onClose(wasClean, code, reason)


def usual_attributes() -> dict[str, Any]:
    """What Autobahn sets on each new connection, with the options of this relay."""
    factory = WebSocketServerFactory(server=None)
    factory.setProtocolOptions(
        # A failure is closed with its code; dropping would lose what was sent before it.
        failByDrop=False,
        # The front door and the broker keep the deadlines, each connection its own close.
        openHandshakeTimeout=0,
        closeHandshakeTimeout=0,
    )
    connection: Any = WebSocketServerProtocol()
    connection.log = Silence()
    connection.factory = factory
    connection._connectionMade()
    del connection.factory, connection.log
    return dict(vars(connection))


for _name, _value in usual_attributes().items():
    if _name not in vars(OpenProtocol):
        setattr(OpenProtocol, _name, _value)
