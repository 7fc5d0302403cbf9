"""DeviceConnection: one device's WebSocket, between Autobahn and its session."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall

from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Stage
from vaultrelay.policy.access import ANYBODY, Admission
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits import CLOSE_SECONDS, RETRY_MEMORY_SECONDS
from vaultrelay.websocket.autobahn_guards import closing_on_error
from vaultrelay.websocket.frames import binary_frame, text_frame
from vaultrelay.websocket.reader import DeviceReader
from vaultrelay.websocket.send_queue import SendQueue
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.upgrade import Upgrade

if TYPE_CHECKING:
    from vaultrelay.websocket.factory import DeviceFactory


class DeviceConnection(DeviceReader):
    """The connection of one device: Autobahn's protocol, and an Outbox to its session."""

    __slots__ = (
        "_abort_call",
        "_admission",
        "_overflowed",
        "_queue",
        "_upgrade",
        "sent_since_tick",
    )

    budgets: Budgets = ()
    """While it waits for the end of its close: it is not counted as pending then."""

    def __init__(
        self, factory: "DeviceFactory", upgrade: Upgrade, admission: Admission = ANYBODY
    ) -> None:
        super().__init__(factory)
        self.sent_since_tick = False
        self._upgrade = upgrade
        self._admission = admission
        self._queue = SendQueue(factory.batch, factory.message_bytes, self)
        self._overflowed = False
        self._abort_call: IDelayedCall | None = None

    # Autobahn and the transport call these.

    def connectionMade(self) -> None:
        self.factory.opened(self)
        with suppress(AttributeError, OSError):
            # Only TCP has it. Without it, what follows a message at once would wait for its ACK.
            self.transport.setTcpNoDelay(True)
        self._queue.transport = self.transport
        self.transport.registerProducer(self._queue, True)
        upgrade, admission = self._upgrade, self._admission
        del self._upgrade, self._admission
        self.factory.batch.begin(self)
        try:
            self._write(upgrade.response())
            self._open_session(upgrade.channel, admission)
        finally:
            self.factory.batch.end()

    @closing_on_error
    def onPing(self, payload: bytes) -> None:
        super().onPing(payload)
        if self._session is not None:
            self._session.ping_received()

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
        self._drop_all()
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
        # Autobahn has unregistered the queue, which nobody will ask for more.
        self._queue.hand_over()
        self.transport.loseConnection()
        self._abort_later()

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # All that Autobahn sends keeps its place between what the fast path sends.
        self._write(data)

    # The send queue calls these.

    def queue_full(self) -> None:
        """The queue went above its high mark."""
        if self._session is not None:
            reader = self.factory.batch.reader
            self._session.queue_full(None if reader is None else reader.session)

    def queue_drained(self) -> None:
        """The queue is below its low mark again."""
        if self._session is not None:
            self._session.queue_drained()

    # The session calls these: Outbox.

    def deliver(self, message: bytes) -> Room:
        if self.state != self.STATE_OPEN:
            return Room.OPEN
        self.sent_since_tick = True
        return self._queue.deliver(message)

    def send_nack(self, nack: bytes) -> Room:
        if self.state == self.STATE_OPEN and self._reserve(len(nack)):
            self._write(binary_frame(nack))
        return self._queue.room

    def send_control(self, control: bytes) -> None:
        if self.state == self.STATE_OPEN and self._reserve(len(control)):
            self._write(text_frame(control))

    def ping(self) -> None:
        self.sendPing()

    def drop_queue(self) -> None:
        self._queue.drop()

    @property
    def bytes_taken(self) -> int:
        """See Outbox.bytes_taken."""
        return self._queue.bytes_taken

    def close(self, number: int, reason: str) -> None:
        # What Autobahn is still receiving is dropped instead of kept for a session that is over.
        self.failedByMe = True
        self._drop_read()
        self._is_paused = False
        self.transport.resumeProducing()
        self.sendClose(number, reason)

    # The factory asks for these.

    @property
    def held(self) -> int:
        """Bytes in memory for the device, as the ledger counts them."""
        walk = self._walk
        # What TLS itself has to send; a stream without TLS has nothing of that kind.
        own = getattr(self.transport, "own_unsent", 0)
        return self._queue.held + self._held + (0 if walk is None else walk.held) + int(own)

    def relieve(self) -> None:
        """Close the device that holds most, or cut it off where that does not free enough."""
        session = self._session
        if session is not None and session.stage is not Stage.CLOSED:
            self._queue.drop()
            session.close(CloseCode.MEMORY, retry=RETRY_MEMORY_SECONDS)
            if not self.factory.ledger.is_over:
                return
        self._drop_all()
        self.transport.abortConnection()

    # Whoever makes room for others calls this.

    def evict(self) -> None:
        """Wait no longer for the end of a close."""
        self.transport.abortConnection()

    # Inside.

    def _drop_all(self) -> None:
        self._queue.clear()
        self._drop_read()

    @closing_on_error
    def _open_session(self, channel: bytes | None, admission: Admission) -> None:
        self._session = self.factory.open_session(self, channel, admission)

    def _write(self, data: bytes) -> None:
        self.sent_since_tick = True
        self._queue.write(data)

    def break_rule(self, rule: Rule, code: CloseCode = CloseCode.BAD_MESSAGE) -> None:
        """Close for a rule that the device broke."""
        self.fail_session(code, rule.sentence, rule=rule.slug)

    def fail_session(self, code: CloseCode, cause: str = "", **details: object) -> None:
        """Close with a code of ours, through the session where there is one."""
        if self._session is not None:
            self._session.close(code, cause, **details)
        else:
            self.close(code.number, code.reason(**details))

    def _reserve(self, size: int) -> bool:
        """Whether the queue takes this much beyond its messages; if not, the device is too slow."""
        if self._queue.reserve(size):
            return True
        if not self._overflowed:
            self._overflowed = True
            # Not at once: an outbox never calls back while the broker calls it.
            self.factory.reactor.callLater(0, self.break_rule, Rule.UNREAD, CloseCode.SLOW)
        return False

    def _session_lost(self, clean: bool) -> None:
        if self._session is not None:
            self._session.connection_lost(clean)

    def _abort_later(self) -> None:
        if self._abort_call is None and self.transport is not None:
            self.factory.leaving(self)
            self._abort_call = self.factory.reactor.callLater(
                CLOSE_SECONDS, self.transport.abortConnection
            )
