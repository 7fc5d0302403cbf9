"""DrainTurns: the order in which the sessions of a relay that stops are closed."""

from collections import deque
from itertools import accumulate

from vaultrelay.broker.session import Session


class DrainTurns:
    """The closing of all sessions, spread evenly over the drain.

    Each group of them, which is a channel, is closed at one moment: where other relays serve the
    same channels, one part of a channel must not be there already while the other is still here.
    """

    def __init__(self, groups: list[list[Session]], now: float, seconds: float) -> None:
        ends = list(accumulate(map(len, groups)))
        self._waiting = deque(
            (now + seconds * end / ends[-1], group) for end, group in zip(ends, groups, strict=True)
        )

    def due(self, now: float) -> list[Session]:
        """Return the sessions to be closed now, each of them once."""
        due: list[Session] = []
        while self._waiting and self._waiting[0][0] <= now:
            due += self._waiting.popleft()[1]
        return due
