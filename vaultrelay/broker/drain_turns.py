"""DrainTurns: the order in which a draining relay closes its sessions."""

from collections import deque
from itertools import accumulate

from vaultrelay.broker.session import Session


class DrainTurns:
    """The closing of all sessions, spread evenly over the drain.

    Each group, which is a channel, is closed at one moment: if other relays serve the same
    channels, the devices of one must not be split between two relays.
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
