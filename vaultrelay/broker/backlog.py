"""Backlog: what becomes of a device that does not take what it is sent, and of who waits for it.

========== ============================================ ==============================
state      its senders                                  it ends
========== ============================================ ==============================
(none)     are read                                     above the high mark
HOLDING    are not read, so that TCP slows them down    below the low mark, or BUSY
BUSY       are read; what they send may come back       below the low mark, or closed
========== ============================================ ==============================
"""

from typing import TYPE_CHECKING

from vaultrelay.broker.progress import Progress
from vaultrelay.policy.limits import BUSY_SECONDS, SLOW_SECONDS, TICK_SECONDS

if TYPE_CHECKING:
    from vaultrelay.broker.session import Session


class Backlog:
    """Of one receiver, from its high mark to its low mark."""

    __slots__ = ("_progress", "held", "is_busy", "told")

    def __init__(self, taken: int, now: float) -> None:
        self.is_busy = False
        # In the order in which they came.
        self.held: dict[Session, None] = {}
        """Who waits."""
        self.told: dict[Session, None] = {}
        """Who knows that it is busy, and is to learn when it is ready."""
        self._progress = Progress(taken, now)

    def hold(self, sender: "Session") -> bool:
        """Let a sender wait; whether it has to. Whoever is busy holds nobody up."""
        if not self.is_busy:
            self.held[sender] = None
        return not self.is_busy

    def refused(self, sender: "Session") -> None:
        """A message came back to its sender, who may send it again one day."""
        self.told[sender] = None

    def becomes_busy(self, taken: int, now: float) -> bool:
        """Whether it does just now, by what the device took so far. Nobody is held any more."""
        # Who looks once in a tick must not look too late.
        if self.is_busy or self._progress.look(taken, now) + TICK_SECONDS <= BUSY_SECONDS:
            return False
        self.is_busy = True
        self.told.update(self.held)
        self.held.clear()
        return True

    def is_over(self, taken: int, now: float) -> bool:
        """Whether the device had its last chance."""
        return self._progress.look(taken, now) >= SLOW_SECONDS

    def excuse(self, gap: float) -> None:
        """Count no deadline for so many seconds."""
        self._progress.excuse(gap)

    def forget(self, sender: "Session") -> None:
        """A sender has ended."""
        self.held.pop(sender, None)
        self.told.pop(sender, None)
