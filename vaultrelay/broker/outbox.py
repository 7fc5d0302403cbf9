"""Outbox: the connection of a device, as the broker uses it; and the clock."""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol


class Room(IntEnum):
    """The result of a delivery: whether the message was taken, and the room that is left."""

    OPEN = 0
    """Taken."""
    HIGH = 1
    """Taken, but the queue is above its high mark: pause the sender."""
    FULL = 2
    """Not taken: the sender gets a NACK."""


class Outbox(Protocol):
    """The connection of one device, as the broker uses it.

    No method raises or blocks. Only `Session.queue_full` is called back: the queue went above its
    high mark, for which a `deliver` may be too early. At the end of a read the connection calls
    `Session.hold_sender` for each queue that the read raised, and `Session.queue_drained` when the
    queue is below its low mark again. After `close` all methods do nothing.
    """

    received_since_tick: bool
    """Set by the connection when bytes arrive; cleared by the session at each tick."""
    sent_since_tick: bool
    """The same for bytes that are sent."""

    @property
    def is_clear(self) -> bool:
        """Whether the device takes all that is sent, so that several messages can be delivered
        together."""

    def deliver(self, messages: list[bytes], is_broadcast: bool = False) -> Room:
        """Queue a data message of a peer, unless the queue is full, or several while it is clear.
        They must not change later. The receivers of a broadcast share its memory."""

    def send_answer(self, answer: bytes) -> Room:
        """Queue a NACK or a STORED, even when the queue is full; never returns FULL."""

    def send_control(self, control: bytes) -> None:
        """Queue a control message, even when the queue is full."""

    def ping(self) -> None:
        """Send a WebSocket ping; its pong counts as bytes received."""

    def pause(self) -> None:
        """Stop reading from the device."""

    def resume(self) -> None:
        """Read from the device again."""

    def close(self, number: int, reason: str) -> None:
        """Close with this code and reason, after the queued messages; abort if there is no
        answer."""

    def drop_queue(self) -> None:
        """Drop queued messages, except one of which a part was sent."""

    def call_when_empty(self, callback: Callable[[], object]) -> bool:
        """Call `callback` once the device has taken all that waits; return False, without a call,
        if nothing does. Only the last callback is kept."""

    @property
    def bytes_taken(self) -> int:
        """Bytes that the device has acknowledged so far; exact while its queue is high."""

    @property
    def partial_bytes(self) -> int | None:
        """Bytes received of a message that is not whole yet; None when there is none."""


class Clock(Protocol):
    """Monotonic time, with the names of Twisted's IReactorTime, so that a reactor is one."""

    def seconds(self) -> float:
        """Seconds since a fixed time in the past."""

    def callLater(self, delay: float, callable: Callable[[], None], /) -> "Timer":
        """Call `callable` after `delay` seconds."""


class Timer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Drop the call, which must not have been made or dropped before."""
