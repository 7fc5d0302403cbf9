"""DeviceConnection: one device's WebSocket, between Autobahn and its session."""

from typing import TYPE_CHECKING, Any

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.interfaces import IDelayedCall

from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session, Stage
from vaultrelay.policy.limits import CLOSE_SECONDS, FRAGMENTS_PER_MESSAGE
from vaultrelay.websocket.autobahn_guards import Silence, closing_on_error
from vaultrelay.websocket.frames import FrameWalk, binary_frame
from vaultrelay.websocket.send_queue import SendQueue
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import CONTROL_BYTES
from vaultrelay.wire.upgrade import Upgrade

if TYPE_CHECKING:
    from vaultrelay.websocket.factory import DeviceFactory

_CLOSE = 0x8
"""The first of the control opcodes."""
_LONGEST_CONTROL = 125
"""Bytes of a control frame's payload (RFC 6455, section 5.5)."""
_AUTOBAHN_PIECE = 4096
"""Bytes that Autobahn gets at a time."""


class DeviceConnection(WebSocketServerProtocol):
    """The connection of one device: Autobahn's protocol, and an Outbox to its session."""

    log = Silence()
    # Autobahn reads this before its options are set, and so never sets TCP_NODELAY without it.
    tcpNoDelay = True

    factory: "DeviceFactory"
    transport: Any
    current_frame: Any

    def __init__(self, factory: "DeviceFactory", upgrade: Upgrade) -> None:
        super().__init__()
        self.factory = factory
        self.heard = False
        self.said = False
        self._upgrade = upgrade
        self._walk = FrameWalk(factory.message_bytes)
        self._queue = SendQueue(factory.batch, factory.message_bytes, self._drained)
        self._session: Session | None = None
        self._backlog: list[bytes] = []
        self._late = bytearray()
        self._is_paused = False
        self._go_on_call: IDelayedCall | None = None
        self._fragments = 0
        self._overflowed = False
        self._abort_call: IDelayedCall | None = None

    # Autobahn and the transport call these.

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.opened(self)
        self._queue.transport = self.transport
        self.transport.registerProducer(self._queue, True)

    def dataReceived(self, data: bytes) -> None:
        self.heard = True
        if self.state == self.STATE_CLOSED:
            # Autobahn would keep it until the connection is cut.
            return
        if self._backlog or self._late:
            self._late += data
            return
        self.factory.batch.begin()
        try:
            self._take(data)
        finally:
            self.factory.batch.end()

    def onConnect(self, request: ConnectionRequest) -> tuple[str | None, dict[str, str]]:
        return self._upgrade.subprotocol, {"X-VaultMesh-Protocol": str(self._upgrade.version)}

    @closing_on_error
    def onOpen(self) -> None:
        self._session = self.factory.open_session(self, self._upgrade.channel)

    def onFrameBegin(self) -> None:
        self._said_frame()
        super().onFrameBegin()

    def onFrameData(self, payload: bytes) -> bool | None:
        if self.current_frame.opcode >= _CLOSE and self.current_frame.length > _LONGEST_CONTROL:
            # It was refused by its header, but Autobahn would keep what claims to belong to it.
            return None
        refused: bool | None = super().onFrameData(payload)
        return refused

    @closing_on_error
    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self._fragments = 0
        if isBinary and self._session is not None and self._session.stage is Stage.CHALLENGED:
            # Refused before its payload is kept.
            self.fail_session(CloseCode.BAD_MESSAGE)

    @closing_on_error
    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self._fragments += 1
        size = self.message_data_total_length
        too_long = not self.message_is_binary and size > CONTROL_BYTES
        if too_long or self._fragments > FRAGMENTS_PER_MESSAGE:
            self.fail_session(CloseCode.BAD_MESSAGE)
        elif size > self.factory.message_bytes:
            self.fail_session(CloseCode.TOO_BIG, limit=self.factory.message_bytes)

    @closing_on_error
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self._session is None:
            return
        if isBinary:
            self._session.said_data(payload)
        else:
            self._session.said_text(payload)

    @closing_on_error
    def onPing(self, payload: bytes) -> None:
        if not self._queue.is_full:
            # Else the pongs for a device that does not read would pile up beyond its bounds.
            super().onPing(payload)
        if self._session is not None:
            self._session.said_ping()

    def onCloseFrame(self, code: Any, reasonRaw: Any) -> bool | None:
        refused = super().onCloseFrame(code, reasonRaw)
        self._session_lost(clean=not refused)
        return refused

    @closing_on_error
    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.closed(self)
        for call in (self._abort_call, self._go_on_call):
            if call is not None and call.active():
                call.cancel()
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
        self._queue.flush()
        self.transport.loseConnection()
        self._abort_later()

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # All that Autobahn sends keeps its place between what the fast path sends.
        self._write(data)

    # The session calls these: Outbox.

    def deliver(self, message: bytes) -> Room:
        if self.state != self.STATE_OPEN:
            return Room.OPEN
        self.said = True
        return self._queue.deliver(message)

    def notify(self, nack: bytes) -> Room:
        if self.state == self.STATE_OPEN and self._reserve(len(nack)):
            self._write(binary_frame(nack))
        return self._queue.room

    def tell(self, control: bytes) -> None:
        if self.state == self.STATE_OPEN and self._reserve(len(control)):
            self.sendMessage(control, isBinary=False)

    def ping(self) -> None:
        self.sendPing()

    def pause(self) -> None:
        self._is_paused = True
        self.transport.pauseProducing()

    def resume(self) -> None:
        self._is_paused = False
        if not (self._backlog or self._late):
            self.transport.resumeProducing()
        elif self._go_on_call is None:
            # Not at once: an outbox never calls back while the broker calls it.
            self._go_on_call = self.factory.reactor.callLater(0, self._go_on)

    def close(self, number: int, reason: str) -> None:
        self._backlog, self._late = [], bytearray()
        # What Autobahn is still receiving is dropped instead of kept for a session that is over.
        self.failedByMe = True
        self._is_paused = False
        self.transport.resumeProducing()
        self.sendClose(number, reason)

    # The fast path.

    @property
    def _is_walking(self) -> bool:
        """Whether the frame walk takes what comes: after the join, Autobahn in no message."""
        session = self._session
        return self._walk.is_holding or (
            session is not None
            and session.channel is not None
            and not self.data
            and self.current_frame is None
            and not self.inside_message
        )

    def _take(self, data: bytes) -> None:
        """Relay what is ours, give Autobahn the rest; keep for later what comes after a pause."""
        if self._is_walking:
            messages, data = self._walk.feed(data)
            self._relay(messages)
        while data and not self._is_paused:
            # In pieces, so that a pause ends this path soon, too.
            super().dataReceived(data[:_AUTOBAHN_PIECE])
            data = data[_AUTOBAHN_PIECE:]
        self._late += data

    @closing_on_error
    def _relay(self, messages: list[bytes]) -> None:
        """Relay messages until the device is paused; the others are the backlog then.

        Pausing a device does not stop what was read of it already.
        """
        session = self._session
        if session is None:
            return
        remaining = iter(messages)
        for message in remaining:
            session.said_data(message)
            if self._is_paused:
                self._backlog = list(remaining)
                return

    def _go_on(self) -> None:
        """Take up what a pause left, and read again when all of it is done."""
        self._go_on_call = None
        if self._is_paused:
            return
        backlog, self._backlog = self._backlog, []
        late, self._late = bytes(self._late), bytearray()
        self.factory.batch.begin()
        try:
            self._relay(backlog)
            if self._backlog or self._is_paused:
                self._late += late
            else:
                self._take(late)
        finally:
            self.factory.batch.end()
        self._read_on()

    def _read_on(self) -> None:
        if not self._is_paused:
            self.transport.resumeProducing()

    @closing_on_error
    def _said_frame(self) -> None:
        if self._session is not None:
            self._session.said_frame()

    # Inside.

    def _write(self, data: bytes) -> None:
        self.said = True
        self._queue.write(data)

    def _drained(self) -> None:
        if self._session is not None:
            self._session.drained()

    def fail_session(self, code: CloseCode, **details: object) -> None:
        """Close with a code of ours, through the session where there is one."""
        if self._session is not None:
            self._session.close(code, **details)
        else:
            self.close(code.number, code.reason(**details))

    def _reserve(self, size: int) -> bool:
        """Whether the queue takes this much beyond its messages; if not, the device is too slow."""
        if self._queue.reserve(size):
            return True
        if not self._overflowed:
            self._overflowed = True
            # Not at once: an outbox never calls back while the broker calls it.
            self.factory.reactor.callLater(0, self.fail_session, CloseCode.SLOW)
        return False

    def _session_lost(self, clean: bool) -> None:
        if self._session is not None:
            self._session.lost(clean)

    def _abort_later(self) -> None:
        if self._abort_call is None and self.transport is not None:
            self._abort_call = self.factory.reactor.callLater(
                CLOSE_SECONDS, self.transport.abortConnection
            )
