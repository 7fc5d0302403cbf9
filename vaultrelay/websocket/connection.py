"""DeviceConnection: one device's WebSocket, between Autobahn and its session."""

import functools
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from zope.interface import implementer

from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session, Stage
from vaultrelay.logs import log
from vaultrelay.policy.limits import CLOSE_SECONDS, CONTROL_RESERVE, HIGH_MARK
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import CONTROL_BYTES
from vaultrelay.wire.upgrade import Upgrade

if TYPE_CHECKING:
    from vaultrelay.websocket.factory import DeviceFactory

_Arguments = ParamSpec("_Arguments")


def _closing_on_error(
    callback: Callable[_Arguments, None],
) -> Callable[_Arguments, None]:
    """Close with 4008 when a callback raises; Autobahn would cut TCP, or leave it open for ever."""

    @functools.wraps(callback)
    def guarded(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            reference = secrets.token_hex(3)
            log.failure("Internal error {reference}", reference=reference)
            connection: Any = args[0]
            connection.fail_session(CloseCode.INTERNAL, ref=reference)

    return guarded


class _Silence:
    """Stands in for Autobahn's logger, whose lines would repeat what peers sent."""

    def _nothing(self, *args: object, **kwargs: object) -> None:
        pass

    trace = debug = info = warn = error = critical = failure = _nothing


@implementer(IPushProducer)
class DeviceConnection(WebSocketServerProtocol):
    """The connection of one device: an Outbox to its session, a producer to its transport.

    The transport says `pauseProducing` when its buffer is full and `resumeProducing` when that is
    empty again; what is queued in between is counted here.
    """

    log = _Silence()
    # Autobahn reads this before its options are set, and so never sets TCP_NODELAY without it.
    tcpNoDelay = True

    factory: "DeviceFactory"
    transport: Any

    def __init__(self, upgrade: Upgrade) -> None:
        super().__init__()
        self.heard = False
        self.said = False
        self._upgrade = upgrade
        self._session: Session | None = None
        self._is_full = False
        self._queued = 0
        self._overflowed = False
        self._abort_call: IDelayedCall | None = None

    # Autobahn and the transport call these.

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.opened(self)
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        super().dataReceived(data)

    def onConnect(self, request: ConnectionRequest) -> tuple[str | None, dict[str, str]]:
        return self._upgrade.subprotocol, {"X-VaultMesh-Protocol": str(self._upgrade.version)}

    @_closing_on_error
    def onOpen(self) -> None:
        self._session = self.factory.open_session(self, self._upgrade.channel)

    @_closing_on_error
    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        if isBinary and self._session is not None and self._session.stage is Stage.CHALLENGED:
            # Refused before its payload is kept.
            self.fail_session(CloseCode.BAD_MESSAGE)

    @_closing_on_error
    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        if not self.message_is_binary and self.message_data_total_length > CONTROL_BYTES:
            self.fail_session(CloseCode.BAD_MESSAGE)
        elif self.message_data_total_length > self.factory.message_bytes:
            self.fail_session(CloseCode.TOO_BIG, limit=self.factory.message_bytes)

    @_closing_on_error
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self._session is None:
            return
        if isBinary:
            self._session.said_data(payload)
        else:
            self._session.said_text(payload)

    @_closing_on_error
    def onPing(self, payload: bytes) -> None:
        super().onPing(payload)
        if self._session is not None:
            self._session.said_ping()

    def onCloseFrame(self, code: Any, reasonRaw: Any) -> bool | None:
        refused = super().onCloseFrame(code, reasonRaw)
        self._session_lost(clean=not refused)
        return refused

    @_closing_on_error
    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.closed(self)
        if self._abort_call is not None and self._abort_call.active():
            self._abort_call.cancel()
        self._session_lost(wasClean)
        # Each would keep the other alive until a garbage collection.
        self._session = None

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if not isReply:
            # Autobahn closes by itself on a violation of RFC 6455: the session ends with it.
            self._session_lost(clean=True)
        self._abort_later()

    def _closeConnection(self, abort: bool = False) -> None:
        # An abort loses a close frame that is still on its way; lingering ends in _abort_later.
        self.transport.loseConnection()
        self._abort_later()

    def pauseProducing(self) -> None:
        # Twisted calls this at every write while its buffer is full.
        if not self._is_full:
            self._is_full = True
            self._queued = 0

    def resumeProducing(self) -> None:
        self._is_full = False
        if self._session is not None:
            self._session.drained()

    def stopProducing(self) -> None:
        pass

    # The session calls these: Outbox.

    def deliver(self, message: bytes) -> Room:
        if self._is_full:
            if self._queued + len(message) > HIGH_MARK + self.factory.message_bytes:
                return Room.FULL
            self._queued += len(message)
        self._send_message(message, is_binary=True)
        return self._room

    def notify(self, nack: bytes) -> Room:
        self._send_regardless(nack, is_binary=True)
        return self._room

    def tell(self, control: bytes) -> None:
        self._send_regardless(control, is_binary=False)

    def ping(self) -> None:
        self.said = True
        self.sendPing()

    def pause(self) -> None:
        self.transport.pauseProducing()

    def resume(self) -> None:
        self.transport.resumeProducing()

    def close(self, number: int, reason: str) -> None:
        # What is still being received is dropped instead of kept for a session that is over.
        self.failedByMe = True
        self.resume()
        self.sendClose(number, reason)

    # Inside.

    @property
    def _room(self) -> Room:
        return Room.HIGH if self._is_full and self._queued > HIGH_MARK else Room.OPEN

    def fail_session(self, code: CloseCode, **details: object) -> None:
        """Close with a code of ours, through the session where there is one."""
        if self._session is not None:
            self._session.close(code, **details)
        else:
            self.close(code.number, code.reason(**details))

    def _send_message(self, payload: bytes, is_binary: bool) -> None:
        if self.state == self.STATE_OPEN:
            self.said = True
            self.sendMessage(payload, isBinary=is_binary)

    def _send_regardless(self, payload: bytes, is_binary: bool) -> None:
        if self._is_full:
            self._queued += len(payload)
            if self._queued > HIGH_MARK + self.factory.message_bytes + CONTROL_RESERVE:
                if not self._overflowed:
                    self._overflowed = True
                    # Not at once: an outbox never calls back while the broker calls it.
                    self.factory.reactor.callLater(0, self.fail_session, CloseCode.SLOW)
                return
        self._send_message(payload, is_binary)

    def _session_lost(self, clean: bool) -> None:
        if self._session is not None:
            self._session.lost(clean)

    def _abort_later(self) -> None:
        if self._abort_call is None and self.transport is not None:
            self._abort_call = self.factory.reactor.callLater(
                CLOSE_SECONDS, self.transport.abortConnection
            )
