"""StoreClock: the time by which items expire.

A wall clock can be wrong: without a battery it starts years back, and after a fault it jumps years
ahead. By such a clock the store would delete everything, or nothing. So it has a clock of its own,
which goes on from a saved time, and counts while the machine sleeps, too. It follows the wall clock
if that is near. One that is far off must go on evenly for a day before it is believed, and until
then nothing is deleted by it.

After a pause of days, too, the wall clock is far ahead: everything is kept for a day longer then.
A wrong clock at the very first start cannot be noticed.
"""

import time
from collections.abc import Callable

from vaultrelay.policy.limits.mailbox import (
    CLOCK_TRUST_SECONDS,
    EVEN_CLOCK_SECONDS,
    MAX_CLOCK_STEP_SECONDS,
)


def boot_seconds() -> float:
    """Return the seconds since the machine has started, those asleep included."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    # On macOS the monotonic clock goes on during sleep.
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class StoreClock:
    """The store's clock. Not thread-safe: for the thread of the store, all but `trust`."""

    def __init__(
        self,
        saved: int | None,
        wall: Callable[[], float] = time.time,
        boot: Callable[[], float] = boot_seconds,
    ) -> None:
        self._wall = wall
        self._boot = boot
        self._ahead = (wall() if saved is None else saved) - boot()
        """The store's time minus that since the boot."""
        self._doubted: tuple[float, float] | None = None
        """The same difference of a wall clock that is not believed, and since when."""

    def now(self) -> int:
        """Return the time by which items expire. It may go back by up to a day."""
        boot = self._boot()
        ahead = self._wall() - boot
        if abs(ahead - self._ahead) <= MAX_CLOCK_STEP_SECONDS or self._is_even(ahead, boot):
            self._ahead = ahead
            self._doubted = None
        return int(boot + self._ahead)

    def latest(self) -> int:
        """Return the time from which the lifetime of a new item counts: the later one of the two
        clocks, so that it expires too early by neither."""
        return max(self.now(), int(self._wall()))

    @property
    def is_doubtful(self) -> bool:
        """Whether the wall clock is not believed."""
        return self._doubted is not None

    def trust(self) -> None:
        """Believe the wall clock, as the operator says that it is right."""
        self._ahead = self._wall() - self._boot()

    def _is_even(self, ahead: float, boot: float) -> bool:
        """Return whether the wall clock has gone on evenly for long enough."""
        if self._doubted is None or abs(ahead - self._doubted[0]) > EVEN_CLOCK_SECONDS:
            self._doubted = (ahead, boot)
        return boot - self._doubted[1] >= CLOCK_TRUST_SECONDS
