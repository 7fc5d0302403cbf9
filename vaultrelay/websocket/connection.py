"""DeviceConnection: one device's WebSocket, between its transport and its session."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits.memory import RETRY_MEMORY_SECONDS
from vaultrelay.websocket import frame_writer
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.interfaces import Factory
from vaultrelay.websocket.internal_errors import close_for_error
from vaultrelay.websocket.partial_message import PartialMessage
from vaultrelay.websocket.receiver import MessageReceiver
from vaultrelay.websocket.send_queue import SendQueue
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode


@implementer(IProtocol)
class DeviceConnection:
    """The connection of one device: a Twisted protocol, and the Outbox of its session.

    Input goes through its MessageReceiver, output through its SendQueue. The closing handshake is
    kept here (RFC 6455, section 7).
    """

    __slots__ = (
        "_abort_call",
        "_admitted",
        "_factory",
        "_is_overfull",
        "_queue",
        "_receiver",
        "is_ended",
        "is_open",
        "received_since_tick",
        "sent_since_tick",
        "session",
        "transport",
    )

    budgets: Budgets = ()
    """Empty: while it waits for the end of its close, it is pending, but in no budget."""

    def __init__(self, factory: Factory, admitted: AdmittedUpgrade) -> None:
        self._factory = factory
        self._admitted = admitted
        self._queue = SendQueue(factory.batch, factory.message_bytes)
        self._receiver = MessageReceiver(self, factory)
        self.session: Session | None = None
        self._abort_call: IDelayedCall | None = None
        self.is_open, self.is_ended = True, False
        self._is_overfull = self.received_since_tick = self.sent_since_tick = False
        self.transport: Any = None

    # The transport calls these: IProtocol.

    def makeConnection(self, transport: Any) -> None:
        self.transport = self._queue.transport = transport
        self._factory.opened(self)
        with suppress(AttributeError, OSError):
            transport.setTcpNoDelay(True)  # Disable Nagle's algorithm (TCP only).
        transport.registerProducer(self._queue, True)
        self.connectionMade()

    def connectionMade(self) -> None:
        self._factory.take_turn(self, self._open_session, self._admitted)

    def dataReceived(self, data: bytes) -> None:
        self.received_since_tick = True
        if self.is_open or not (self.is_ended or self._receiver.is_exhausted(len(data))):
            self._factory.take_turn(self, self._receiver.read, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_open, self.is_ended = False, True
        self._factory.closed(self)
        if self._abort_call is not None and self._abort_call.active():
            self._abort_call.cancel()
        session, self.session = self.session, None
        try:
            if session is not None:
                session.connection_lost(clean=False)
        except Exception:
            self.fail_internally()
        self._receiver.close()
        self._queue.close()
        # The two would keep each other alive until a garbage collection.
        del self._receiver

    # The session calls these: Outbox.

    @property
    def is_clear(self) -> bool:
        return not self._queue.is_full

    def deliver(self, messages: list[bytes], is_broadcast: bool = False) -> Room:
        if not self.is_open:
            return Room.OPEN
        self.sent_since_tick = True
        return self._queue.deliver(messages, is_broadcast)

    def send_answer(self, answer: bytes) -> Room:
        if self.is_open and self._reserve(len(answer)):
            self._write(frame_writer.binary_frames([answer]))
        return self._queue.room

    def send_control(self, control: bytes) -> None:
        if self.is_open and self._reserve(len(control)):
            self._write(frame_writer.text_frame(control))

    def ping(self) -> None:
        if self.is_open:
            self._write(frame_writer.PING_FRAME)

    def pause(self) -> None:
        self._receiver.pause()

    def resume(self) -> None:
        self._receiver.resume()

    def drop_queue(self) -> None:
        self._queue.drop()

    def call_when_empty(self, callback: Callable[[], object]) -> bool:
        return self._queue.call_when_empty(callback)

    @property
    def bytes_taken(self) -> int:
        return self._queue.bytes_taken

    @property
    def partial_bytes(self) -> int | None:
        return self._receiver.partial_bytes

    def close(self, number: int, reason: str) -> None:
        self._close(number, reason.encode())

    # Backpressure, and pending connections that need room, call these.

    @property
    def held_bytes(self) -> int:
        """Bytes in memory for the device; those of broadcasts are counted for each receiver."""
        return self._queue.held_bytes + self._receiver.held_bytes

    @property
    def shared_bytes(self) -> int:
        """Those of broadcasts."""
        return self._queue.shared_bytes

    @property
    def partial(self) -> PartialMessage | None:
        """A message of which a part has come."""
        return self._receiver.reader.partial

    def read_again(self) -> None:
        """Read what is allowed now."""
        # A transport of Twisted reads without an allowance.
        getattr(self.transport, "read_again", lambda: None)()

    def relieve(self) -> None:
        """Close the device, or cut it off if that does not free enough."""
        self._queue.drop()
        if self.session is not None:
            self.session.close(CloseCode.MEMORY, retry=RETRY_MEMORY_SECONDS)
        if self._factory.ledger.is_over:
            self.is_ended = True
            self._queue.clear()
            self._receiver.close()
            self.transport.abortConnection()

    def evict(self) -> None:
        """Cut off a connection that waits for the end of its close."""
        self.transport.abortConnection()

    # The receiver calls these.

    def send_pong(self, payload: bytes) -> None:
        """Answer a ping."""
        if self.is_open:
            self._write(frame_writer.pong_frame(payload))

    def fail_internally(self) -> None:
        """Log the current exception, and close with 4008 and a reference to the log."""
        close_for_error(self._factory.relay_log, self, self.session)

    def rule_broken(self, code: int | None, reason: bytes) -> None:
        """Close for a rule of RFC 6455 that the device broke; cut it off for the second."""
        if self.is_open:
            self._close(code, reason)
        else:
            self._end()

    def close_received(self) -> None:
        """Answer a close, and end the connection."""
        self._close(frame_writer.NORMAL_CLOSE)
        self._end()

    # Inside.

    def _open_session(self, admitted: AdmittedUpgrade) -> None:
        """Answer the upgrade, and let the session send its challenge."""
        del self._admitted
        upgrade = admitted.upgrade
        self._write(upgrade.response())
        self.session = self._factory.open_session(self, upgrade.channel, admitted.admission)
        self._receiver.session = self._queue.owner = self.session

    def _write(self, data: bytes) -> None:
        self.sent_since_tick = True
        self._queue.write(data)

    def _reserve(self, size: int) -> bool:
        """Return whether the queue has room beside its messages; if not, the device is too slow."""
        if self._queue.reserve(size):
            return True
        if not self._is_overfull and self.session is not None:
            self._is_overfull = True
            break_rule = self.session.break_rule
            # Not at once: an outbox never calls back while the broker calls it.
            self._factory.reactor.callLater(0, break_rule, Rule.UNREAD, CloseCode.SLOW)
        return False

    def _close(self, code: int | None, reason: bytes = b"") -> None:
        """Send a close frame, once; the session ends with it, and unread input is dropped."""
        if not self.is_open:
            return
        self._write(frame_writer.close_frame(code, reason))
        self.is_open = False
        self._abort_call = self._abort_call or self._factory.closing(self)
        self.transport.resumeProducing()
        self._receiver.drop()
        # A full relay reads the answer, too.
        self.read_again()
        if self.session is not None:
            self.session.connection_lost(clean=True)

    def _end(self) -> None:
        """Close the transport after the queued frames, since no more is expected of the device."""
        if not self.is_ended:
            self.is_ended = True
            self._queue.end()
            self._abort_call = self._abort_call or self._factory.closing(self)
