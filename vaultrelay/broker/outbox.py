"""Outbox: all that the broker knows of a connection."""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol


class Room(IntEnum):
    """What became of a delivered message, and how much room is left behind it."""

    OPEN = 0
    """Taken."""
    HIGH = 1
    """Taken, but the queue is above its high mark: stop reading from the sender."""
    FULL = 2
    """Not taken: the sender gets a NACK."""


class Outbox(Protocol):
    """One device's connection, as the broker uses it.

    No method raises or blocks, or calls back into the broker but for `Session.queue_full`: the
    queue went above its high mark, which a `deliver` may be too early to say. When it is below its
    low mark again, the connection calls `Session.queue_drained`. After `close` all methods do
    nothing.
    """

    received_since_tick: bool
    """Set by the connection when bytes arrive; cleared by the session, which looks now and then."""
    sent_since_tick: bool
    """The same for bytes that go out."""

    def deliver(self, message: bytes) -> Room:
        """Queue a data message of a peer, or refuse it. It must not be changed afterwards."""

    def send_nack(self, nack: bytes) -> Room:
        """Queue a NACK, even when the queue is full; never answers FULL."""

    def send_control(self, control: bytes) -> None:
        """Queue a control message, even when the queue is full."""

    def ping(self) -> None:
        """Send a WebSocket ping; its pong counts as bytes received."""

    def pause(self) -> None:
        """Stop reading from the device."""

    def resume(self) -> None:
        """Read from the device again."""

    def close(self, number: int, reason: str) -> None:
        """Close with this code and reason, after what is queued; cut off a peer that lingers."""

    def drop_queue(self) -> None:
        """Give up what is queued, but for a message that is under way already."""

    @property
    def bytes_taken(self) -> int:
        """Bytes that the device took since some moment; up to date while its queue is high."""

    @property
    def partial_bytes(self) -> int | None:
        """Bytes that there are of a message that is not whole yet; None when there is none."""


class Clock(Protocol):
    """Monotonic time; spelled as Twisted's IReactorTime, so that a reactor is one."""

    def seconds(self) -> float:
        """Seconds since some moment in the past."""

    def callLater(self, delay: float, callable: Callable[[], None], /) -> "Timer":
        """Call `callable` after `delay` seconds."""


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Do not make it."""
