"""Interfaces: the views that the parts of a connection have of each other, against import
cycles."""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vaultrelay.broker.outbox import Outbox
from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.access import Admission
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.batch import Batch
from vaultrelay.websocket.foreign_frames import ForeignFrames, FrameListener

OpenSession = Callable[[Outbox, bytes | None, Admission], Session]


class Connection(Protocol):
    """The connection that a MessageReceiver reads for."""

    is_open: bool
    """Whether no close was sent, and none came."""
    is_ended: bool
    """Whether no more is expected of the device."""
    transport: Any

    def send_pong(self, payload: bytes) -> None:
        """Answer a ping."""

    def fail_internally(self) -> None:
        """Log the current exception, and close with 4008."""

    def rule_broken(self, code: int | None, reason: bytes) -> None:
        """Close for a rule of RFC 6455 that the device broke."""

    def close_received(self) -> None:
        """Answer a close, and end the connection."""


class Factory(Protocol):
    """The factory of the connections, with their shared objects."""

    reactor: IReactorTime
    message_bytes: int
    ledger: Ledger
    batch: Batch
    relay_log: RelayLog

    open_session: OpenSession
    """Registers a connection with the broker."""

    def borrow_frames(self, listener: FrameListener) -> ForeignFrames:
        """Return an instance of Autobahn's protocol, for one connection only."""

    def return_frames(self, frames: ForeignFrames) -> None:
        """Take an instance back, for another connection."""

    def opened(self, connection: Any) -> None:
        """Add a connection."""

    def take_turn(self, connection: Any, read: Callable[[Any], None], data: Any) -> None:
        """Call `read` with what came of a connection, in a batch."""

    def closing(self, connection: Any) -> IDelayedCall:
        """Record that a connection waits for the end of its close; return the call that cuts it
        off."""

    def closed(self, connection: Any) -> None:
        """Remove a connection."""


class QueueOwner(Protocol):
    """The session of the device that receives a queue."""

    def queue_full(self) -> None:
        """The queue went above its high mark."""

    def hold_sender(self, sender: Session) -> None:
        """The queue is above its high mark, with messages of this session in it."""

    def queue_drained(self) -> None:
        """The queue is below its low mark again."""
