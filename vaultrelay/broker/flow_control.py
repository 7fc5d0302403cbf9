"""FlowControl: the senders to a device that reads too slowly, and when the device is closed.

========== =========================================== ===============================
queue      its senders                                 ends
========== =========================================== ===============================
(open)     are read                                    above the high mark
high       are paused, so that TCP slows them down     below the low mark, or busy
busy       are read; their messages may get a NACK     below the low mark, or closed
========== =========================================== ===============================
"""

from dataclasses import dataclass, field

from vaultrelay.broker.outbox import Clock, Outbox
from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.policy.limits.memory import BUSY_SECONDS, SLOW_SECONDS, UNFINISHED_SECONDS
from vaultrelay.policy.limits.timeouts import TICK_SECONDS
from vaultrelay.policy.stall_timer import StallTimer
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control.in_session import Busy, Ready
from vaultrelay.wire.data import NO_SESSION


@dataclass(slots=True, eq=False)
class _HighQueue:
    """A queue between its high mark and its low mark. The dicts are ordered sets."""

    stall: StallTimer
    is_busy: bool = False
    paused_senders: dict["FlowControl", None] = field(default_factory=dict)
    notified_senders: dict["FlowControl", None] = field(default_factory=dict)
    """Those that got `busy` or a NACK, and get `ready` below the low mark."""


class FlowControl:
    """The flow control of one session, as a receiver and as a sender.

    Reading from the device itself also stops while its queue is high: the relay must not queue
    answers for a device that does not read. `number` is that of the session.
    """

    __slots__ = ("_clock", "_high", "_partial", "gate", "number", "outbox")

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self.gate = ReadGate(outbox)
        self.number = NO_SESSION
        self.outbox = outbox
        self._clock = clock
        self._high: _HighQueue | None = None
        self._partial: tuple[int, StallTimer] | None = None
        """The data messages before an incomplete message, and the message's stall timer; None
        without one."""

    @property
    def is_queue_high(self) -> bool:
        """Whether the queue went above its high mark, and is not yet below its low mark."""
        return self._high is not None

    def queue_full(self) -> None:
        """The queue is above its high mark."""
        if self._high is None:
            self._high = _HighQueue(StallTimer(self.outbox.bytes_taken, self._clock.seconds()))
            self.gate.add_reason(self)

    def hold_sender(self, sender: "FlowControl") -> None:
        """Pause a sender until the high queue drains. A busy receiver pauses none."""
        if self._high is not None and not self._high.is_busy:
            self._high.paused_senders[sender] = None
            sender.gate.add_reason(self)

    def refuse_sender(self, sender: "FlowControl") -> None:
        """Send `ready` to a sender when the high queue drains: its message got a NACK."""
        if self._high is not None:
            self._high.notified_senders[sender] = None

    def forget_sender(self, sender: "FlowControl") -> None:
        """Drop a sender after the end of its session."""
        if self._high is not None:
            self._high.paused_senders.pop(sender, None)
            self._high.notified_senders.pop(sender, None)

    def queue_drained(self) -> None:
        """Read from the senders again, and report the device as ready: the queue is below its low
        mark."""
        high, self._high = self._high, None
        if high is not None:
            for paused in (self, *high.paused_senders):
                paused.gate.remove_reason(self)
            for sender in high.notified_senders:
                sender.outbox.send_control(Ready(self.number).encode())

    def message_ended(self) -> None:
        """Record that a control message is whole. Data messages are counted by the session."""
        self._partial = None

    def broken_rule(self, messages: int, now: float) -> Rule | None:
        """Return the rule that the device broke if a deadline is over. To be called every tick.

        `messages` is the number of whole data messages of the device so far.
        """
        if self._high is not None and self._is_given_up(self._high, now):
            return Rule.UNREAD
        size = self.outbox.partial_bytes if self.gate.is_open else None
        if size is None:
            self._partial = None
        elif self._partial is None or self._partial[0] != messages:
            self._partial = messages, StallTimer(size, now)
        elif self._partial[1].seconds(size, now) >= UNFINISHED_SECONDS:
            return Rule.PARTIAL_MESSAGE
        return None

    def extend_deadlines(self, gap: float) -> None:
        """Exclude these seconds, in which the relay itself stood still."""
        if self._high is not None:
            self._high.stall.extend(gap)
        if self._partial is not None:
            self._partial[1].extend(gap)

    def close(self) -> None:
        """End the session's part. Senders learn of it by `left`, and get no `ready`."""
        self.gate.close()
        if self._high is not None:
            self._high.notified_senders.clear()
            self.queue_drained()

    def _is_given_up(self, high: _HighQueue, now: float) -> bool:
        """Mark a device busy after BUSY_SECONDS without progress; return whether SLOW_SECONDS are
        over."""
        stalled = high.stall.seconds(self.outbox.bytes_taken, now)
        if stalled >= SLOW_SECONDS:
            self.outbox.drop_queue()
            return True
        # The next check, a tick later, would be too late.
        if stalled + TICK_SECONDS > BUSY_SECONDS and not high.is_busy:
            high.is_busy = True
            high.notified_senders.update(high.paused_senders)
            high.paused_senders.clear()
            for sender in high.notified_senders:
                sender.gate.remove_reason(self)
                sender.outbox.send_control(Busy(self.number).encode())
        return False
