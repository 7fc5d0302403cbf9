"""Drain: whose turn it is to be closed, while a relay stops."""

from collections import deque

from vaultrelay.broker.session import Session


class Drain:
    """The closing of all sessions in turn, spread evenly over the drain.

    Each group of them, which is a channel, is closed at one moment: where other relays serve the
    same channels, one part of a channel must not be there already while the other is still here.
    """

    def __init__(self, groups: list[list[Session]], now: float, seconds: float) -> None:
        self._waiting = deque(groups)
        self._total = sum(map(len, groups))
        self._closed = 0
        self._started_at = now
        self._seconds = seconds

    def due(self, now: float) -> list[Session]:
        """The sessions whose turn has come."""
        elapsed = now - self._started_at
        share = 1.0 if elapsed >= self._seconds else elapsed / self._seconds
        due: list[Session] = []
        while self._waiting and self._closed + len(self._waiting[0]) <= share * self._total:
            self._closed += len(self._waiting[0])
            due += self._waiting.popleft()
        return due
