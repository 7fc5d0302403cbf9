"""PendingConnections: those that hold a descriptor before they join or after they close."""

from collections.abc import Generator
from typing import Protocol

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from vaultrelay.policy.budgets import Budget, Budgets
from vaultrelay.policy.limits import (
    CLOSE_SURE_SECONDS,
    LAST_ANSWERS_TICK_SECONDS,
    SILENT_SURE_SECONDS,
    WAITING_CONNECTIONS,
    WAITING_SURE_SECONDS,
)


class PendingConnection(Protocol):
    """A connection that can be cut off for another. `budgets` are those that it counts against."""

    @property
    def budgets(self) -> Budgets: ...

    def give_up(self) -> None:
        """Cut it off."""


class PendingConnections:
    """All that wait at the front door, or for the end of their close.

    When all places are taken the oldest goes for the next one, so that nobody locks others out:
    first of those whose close is only not answered, then of those that never said a byte. But each
    place is sure for a while, else a crowd of honest devices would push one another out.
    """

    def __init__(self, clock: IReactorTime, most: int = WAITING_CONNECTIONS) -> None:
        self._clock = clock
        self.most = most
        self._closing: dict[PendingConnection, float] = {}
        self._silent: dict[PendingConnection, float] = {}
        self._others: dict[PendingConnection, float] = {}

    def configure(self, most: int) -> None:
        """Apply another limit; connections beyond it stay until their place is needed."""
        self.most = most

    def __len__(self) -> int:
        return len(self._closing) + len(self._silent) + len(self._others)

    def enter(self, connection: PendingConnection) -> None:
        """It waits from now on, and has said nothing."""
        self._silent[connection] = self._clock.seconds()

    def linger(self, connection: PendingConnection) -> None:
        """It waits from now on for the end of its close."""
        self._closing[connection] = self._clock.seconds()

    def speak(self, connection: PendingConnection) -> None:
        """Bytes came from it."""
        since = self._silent.pop(connection, None)
        if since is not None:
            self._others[connection] = since

    def leave(self, connection: PendingConnection) -> None:
        """It is gone, or a device. One that does not wait may leave, too."""
        self._closing.pop(connection, None)
        self._silent.pop(connection, None)
        self._others.pop(connection, None)

    @inlineCallbacks
    def all_gone(self, seconds: float) -> Generator[Deferred[None], None, None]:
        """Fires when nobody waits any more, or when the time is over."""
        until = self._clock.seconds() + seconds
        while len(self) and self._clock.seconds() < until:
            yield deferLater(self._clock, LAST_ANSWERS_TICK_SECONDS)

    def make_room(self) -> bool:
        """Whether there is a place for another one; the oldest may have to go for it."""
        return len(self) < self.most or self.let_oldest_go()

    def let_oldest_go(self, budget: Budget | None = None) -> bool:
        """Cut the oldest one off, or that of one network, if it has had its time; whether it was.

        Without the second a network that has all its places would be closed to its other clients
        for as long as one client renews silent connections. Looking for it costs a network that
        has too many no more than once: until one can go, those that come next are refused at once.
        """
        now = self._clock.seconds()
        if budget is not None and now < budget.sure_until:
            return False
        # Whatever enters after this is sure for as long.
        sure_until = now + SILENT_SURE_SECONDS
        for connections, sure in (
            (self._closing, CLOSE_SURE_SECONDS),
            (self._silent, SILENT_SURE_SECONDS),
            (self._others, WAITING_SURE_SECONDS),
        ):
            oldest = next((each for each in connections if budget in (None, *each.budgets)), None)
            if oldest is None:
                continue
            if now - connections[oldest] >= sure:
                del connections[oldest]
                oldest.give_up()
                return True
            sure_until = min(sure_until, connections[oldest] + sure)
        if budget is not None:
            budget.sure_until = sure_until
        return False
