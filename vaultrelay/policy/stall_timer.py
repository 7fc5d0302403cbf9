"""StallTimer: the time since a count has grown."""

from dataclasses import dataclass

from vaultrelay.policy.limits.memory import PROGRESS_BYTES


@dataclass(slots=True)
class StallTimer:
    """Measures the time since a count last grew by PROGRESS_BYTES. The count never decreases."""

    count: int
    since: float

    def seconds(self, count: int, now: float) -> float:
        """Return the seconds since the last progress; `count` is the current count."""
        if count - self.count >= PROGRESS_BYTES:
            self.count = count
            self.since = now
        return now - self.since

    def extend(self, gap: float) -> None:
        """Exclude `gap` seconds."""
        self.since += gap
