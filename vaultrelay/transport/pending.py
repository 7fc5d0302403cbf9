"""PendingConnections: connections that have not joined yet, or wait for the answer to a close."""

from collections import OrderedDict
from collections.abc import Generator
from itertools import count
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

    def evict(self) -> None:
        """Cut it off."""


class _Queue:
    """Pending connections of one kind, oldest first: all of them, and those of each budget.

    No operation looks at other connections, except for those of one network that overtook one
    whose budgets were found late. Ordered dicts, since a plain one keeps a gap for each entry that
    was deleted, and looking for its first entry passes over all of them.
    """

    __slots__ = ("_all", "_by_budget", "_numbers", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """For which none of them is evicted."""
        self._all: OrderedDict[PendingConnection, tuple[float, int, Budgets]] = OrderedDict()
        """Since when each is pending, its number in the queue, and what it counts against."""
        self._by_budget: dict[Budget, OrderedDict[PendingConnection, None]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: PendingConnection, since: float, budgets: Budgets) -> None:
        self._all[connection] = since, next(self._numbers), budgets
        for budget in budgets:
            of_budget = self._by_budget.get(budget)
            if of_budget is None:
                self._by_budget[budget] = of_budget = OrderedDict()
            of_budget[connection] = None

    def remove(self, connection: PendingConnection) -> tuple[float, Budgets] | None:
        """Since when it was pending, and its budgets; None if it was not here."""
        entry = self._all.pop(connection, None)
        if entry is None:
            return None
        since, _, budgets = entry
        self._remove(connection, budgets)
        return since, budgets

    def move(self, connection: PendingConnection, budgets: Budgets) -> None:
        """Count it against other budgets, in each at the place that its number gives it."""
        entry = self._all.get(connection)
        if entry is None or entry[2] is budgets:
            return
        since, number, before = entry
        self._remove(connection, before)
        self._all[connection] = since, number, budgets
        for budget in budgets:
            of_budget = self._by_budget.setdefault(budget, OrderedDict())
            younger = []
            for other in reversed(of_budget):
                if self._all[other][1] < number:
                    break
                younger.append(other)
            of_budget[connection] = None
            for other in reversed(younger):
                of_budget.move_to_end(other)

    def oldest(self, budget: Budget | None) -> tuple[PendingConnection, float] | None:
        """The first in the queue, or the first of a budget, and since when it is pending."""
        connections = self._all if budget is None else self._by_budget.get(budget)
        if not connections:
            return None
        connection = next(iter(connections))
        return connection, self._all[connection][0]

    def _remove(self, connection: PendingConnection, budgets: Budgets) -> None:
        for budget in budgets:
            of_budget = self._by_budget[budget]
            del of_budget[connection]
            if not of_budget:
                del self._by_budget[budget]


class PendingConnections:
    """All connections at the front door, and those whose close is not answered yet.

    At `most` of them the oldest is evicted for the next one, so that nobody locks others out: first
    of those whose close is not answered, then of those that sent no byte. But none is evicted
    before a time of grace, or a crowd of honest devices would push one another out.
    """

    def __init__(self, clock: IReactorTime, most: int = WAITING_CONNECTIONS) -> None:
        self._clock = clock
        self._closing = _Queue(CLOSE_SURE_SECONDS)
        self._silent = _Queue(SILENT_SURE_SECONDS)
        self._others = _Queue(WAITING_SURE_SECONDS)
        self._queues = (self._closing, self._silent, self._others)
        """In the order in which they are evicted."""
        self.configure(most)

    def configure(self, most: int) -> None:
        """Apply another limit; connections beyond it stay until their place is needed."""
        self.most = most

    def __len__(self) -> int:
        return len(self._closing) + len(self._silent) + len(self._others)

    def add(self, connection: PendingConnection) -> None:
        """Add a new connection, which has sent nothing."""
        self._silent.add(connection, self._clock.seconds(), connection.budgets)

    def add_closing(self, connection: PendingConnection) -> None:
        """Add a connection that waits for the end of its close."""
        self._closing.add(connection, self._clock.seconds(), connection.budgets)

    def bytes_received(self, connection: PendingConnection) -> None:
        """Note that a connection is not silent; one that is not pending is ignored."""
        entry = self._silent.remove(connection)
        if entry is not None:
            self._others.add(connection, *entry)

    def budgets_changed(self, connection: PendingConnection) -> None:
        """Count a connection against its present budgets; those of a closing one do not change."""
        self._silent.move(connection, connection.budgets)
        self._others.move(connection, connection.budgets)

    def remove(self, connection: PendingConnection) -> None:
        """Remove one that is gone, or has joined; one that is not pending is ignored."""
        for queue in (self._others, self._silent, self._closing):
            if queue.remove(connection) is not None:
                return

    @inlineCallbacks
    def wait_until_empty(self, seconds: float) -> Generator[Deferred[None], None, None]:
        """Fires when no connection is pending any more, or when the time is over."""
        until = self._clock.seconds() + seconds
        while len(self) and self._clock.seconds() < until:
            yield deferLater(self._clock, LAST_ANSWERS_TICK_SECONDS)

    def make_room(self) -> bool:
        """Whether another connection may be added; the oldest may be evicted for it."""
        return len(self) < self.most or self.evict_oldest()

    def evict_oldest(self, budget: Budget | None = None) -> bool:
        """Evict the oldest connection, or that of one network, after its grace; whether it was.

        Without the second a network that has all its places would be closed to its other clients
        for as long as one client renews silent connections. Until one of a network can be evicted,
        those that come next are refused at once.
        """
        now = self._clock.seconds()
        if budget is not None and now < budget.sure_until:
            return False
        # Whatever is added after this has a grace of at least this.
        sure_until = now + SILENT_SURE_SECONDS
        for queue in self._queues:
            oldest = queue.oldest(budget)
            if oldest is None:
                continue
            connection, since = oldest
            if now - since >= queue.seconds:
                queue.remove(connection)
                connection.evict()
                return True
            sure_until = min(sure_until, since + queue.seconds)
        if budget is not None:
            budget.sure_until = sure_until
        return False
