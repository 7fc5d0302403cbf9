"""Backlog: what becomes of a device that does not take what it is sent, and of who waits for it.

========== ============================================ ==============================
state      its senders                                  it ends
========== ============================================ ==============================
(none)     are read                                     above the high mark
HOLDING    are not read, so that TCP slows them down    below the low mark, or BUSY
BUSY       are read; what they send may come back       below the low mark, or closed
========== ============================================ ==============================
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vaultrelay.policy.limits import BUSY_SECONDS, PROGRESS_BYTES, SLOW_SECONDS

if TYPE_CHECKING:
    from vaultrelay.broker.session import Session


class Progress:
    """When something last grew by PROGRESS_BYTES; `count` never gets less."""

    __slots__ = ("at", "count")

    def __init__(self, count: int, now: float) -> None:
        self.count = count
        self.at = now

    def excuse(self, gap: float) -> None:
        """Count no deadline for so many seconds."""
        self.at += gap

    def look(self, count: int, now: float) -> float:
        """Seconds since the last progress."""
        if count - self.count >= PROGRESS_BYTES:
            self.count = count
            self.at = now
        return now - self.at


class Backlog:
    """Of one receiver, from its high mark to its low mark."""

    __slots__ = ("_held", "_progress", "_told", "is_busy")

    def __init__(self, taken: int, now: float) -> None:
        self.is_busy = False
        self._held: dict[Session, None] = {}
        self._told: dict[Session, None] = {}
        self._progress = Progress(taken, now)

    def hold(self, session: "Session") -> bool:
        """Let a session wait; whether it has to. Whoever is busy holds nobody up."""
        if self.is_busy:
            return False
        self._held[session] = None
        return True

    def look(self, taken: int, now: float) -> bool:
        """Whether it became busy just now; `taken` is what the device took so far."""
        if self.is_busy or self._progress.look(taken, now) < BUSY_SECONDS:
            return False
        self.is_busy = True
        self._told, self._held = self._held, {}
        return True

    def is_over(self, taken: int, now: float) -> bool:
        """Whether the device had its last chance."""
        return self._progress.look(taken, now) >= SLOW_SECONDS

    def excuse(self, gap: float) -> None:
        """Count no deadline for so many seconds."""
        self._progress.excuse(gap)

    @property
    def held(self) -> Iterator["Session"]:
        """Who waits."""
        return iter(self._held)

    @property
    def told(self) -> Iterator["Session"]:
        """Who was told that it is busy."""
        return iter(self._told)

    def forget(self, session: "Session") -> None:
        """A session has ended."""
        self._held.pop(session, None)
        self._told.pop(session, None)
