"""IdleDisconnects: the idle times of lost connections, which reveal a proxy's timeout."""

from collections import deque

from vaultrelay.policy.limits.diagnosis import (
    MIN_EQUAL_SILENCES,
    MIN_SILENCE_SECONDS,
    SILENCE_SPREAD_SECONDS,
    SILENCES_KEPT,
)


class IdleDisconnects:
    """Idle times of the latest SILENCES_KEPT connections that were lost without a close."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=SILENCES_KEPT)

    def add(self, seconds: float) -> None:
        """Record a connection that was lost after this idle time."""
        self._seconds.append(seconds)

    def timeout(self) -> float | None:
        """Return the idle time after which most of them were lost; None without such a time."""
        lost = sorted(each for each in self._seconds if each >= MIN_SILENCE_SECONDS)
        alike = (
            [each for each in lost if 0 <= each - first <= SILENCE_SPREAD_SECONDS] for first in lost
        )
        largest = max(alike, key=len, default=[])
        if len(largest) < MIN_EQUAL_SILENCES or 2 * len(largest) <= len(self._seconds):
            return None
        return largest[len(largest) // 2]
