"""Silences: for how long lost connections had been silent, which tells of somebody's timeout."""

from collections import deque

from vaultrelay.policy.limits import (
    SHORTEST_SILENCE_SECONDS,
    SILENCE_SPREAD_SECONDS,
    SILENCES_ALIKE,
    SILENCES_KEPT,
)


class Silences:
    """Of the connections that were lost last, without a close of either side."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=SILENCES_KEPT)

    def note(self, seconds: float) -> None:
        """A connection was lost after so long a silence."""
        self._seconds.append(seconds)

    def fixed(self) -> float | None:
        """The silence after which most of them were lost; None while there is no such."""
        lost = sorted(each for each in self._seconds if each >= SHORTEST_SILENCE_SECONDS)
        # The most that lie close together.
        most: list[float] = []
        for start in range(len(lost)):
            near = [each for each in lost[start:] if each <= lost[start] + SILENCE_SPREAD_SECONDS]
            most = max(most, near, key=len)
        if len(most) < SILENCES_ALIKE or 2 * len(most) <= len(self._seconds):
            return None
        return most[len(most) // 2]
