"""Waiting: the connections that hold a descriptor and are no device's yet, or no more."""

from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from vaultrelay.policy.limits import WAITING_CONNECTIONS, WAITING_SURE_SECONDS


class Guest(Protocol):
    """A connection that can be cut off for another."""

    def give_up(self) -> None:
        """Cut it off."""


class Waiting:
    """All that wait at the front door, or for the end of their close; the oldest first.

    When all places are taken the oldest one goes, so that silent connections lock nobody out. But
    each place is sure for a while: else a crowd of honest devices would push one another out.
    """

    def __init__(self, clock: IReactorTime, most: int = WAITING_CONNECTIONS) -> None:
        self._clock = clock
        self._most = most
        self._since: dict[Guest, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def enter(self, guest: Guest) -> None:
        """It waits from now on."""
        self._since[guest] = self._clock.seconds()

    def leave(self, guest: Guest) -> None:
        """It is gone, or a device; whoever does not wait may leave, too."""
        self._since.pop(guest, None)

    def make_room(self) -> bool:
        """Whether there is a place for another one; the oldest may have to go for it."""
        return len(self._since) < self._most or self.let_oldest_go()

    def let_oldest_go(self) -> bool:
        """Cut the oldest one off if it has had its time; whether it was."""
        oldest = next(iter(self._since), None)
        if oldest is None:
            return False
        if self._clock.seconds() - self._since[oldest] < WAITING_SURE_SECONDS:
            return False
        del self._since[oldest]
        oldest.give_up()
        return True
