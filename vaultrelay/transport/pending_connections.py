"""PendingConnections: connections that have not joined, or wait for the answer to their close."""

from collections import OrderedDict
from collections.abc import Generator
from itertools import count
from typing import Protocol

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from vaultrelay.policy.budgets import Budget, Budgets
from vaultrelay.policy.limits.drain import LAST_ANSWERS_TICK_SECONDS
from vaultrelay.policy.limits.pending import (
    CLOSING_GRACE_SECONDS,
    PENDING_CONNECTIONS,
    PENDING_GRACE_SECONDS,
    SILENT_GRACE_SECONDS,
)


class PendingConnection(Protocol):
    """A connection that can be evicted. `budgets` are those that it counts against."""

    @property
    def budgets(self) -> Budgets: ...

    def evict(self) -> None:
        """Abort the connection."""


class _Queue:
    """Pending connections of one kind, oldest first: all of them, and those of each budget.

    No operation visits other connections, except those of one network that overtook a connection
    with late budgets. Ordered dicts, since a plain one keeps a gap for each deleted entry, and the
    search for its first entry passes over all gaps.
    """

    __slots__ = ("_all", "_by_budget", "_numbers", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """The grace of each connection, in seconds."""
        self._all: OrderedDict[PendingConnection, tuple[float, int, Budgets]] = OrderedDict()
        """For each connection: when it became pending, its number in the queue, its budgets."""
        self._by_budget: dict[Budget, OrderedDict[PendingConnection, None]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: PendingConnection, since: float, budgets: Budgets) -> None:
        self._all[connection] = since, next(self._numbers), budgets
        for budget in budgets:
            self._by_budget.setdefault(budget, OrderedDict())[connection] = None

    def remove(self, connection: PendingConnection) -> tuple[float, Budgets] | None:
        """Remove a connection. Return when it became pending, and its budgets; None if not here."""
        entry = self._all.pop(connection, None)
        if entry is None:
            return None
        since, _, budgets = entry
        self._remove_from_budgets(connection, budgets)
        return since, budgets

    def move(self, connection: PendingConnection, budgets: Budgets) -> None:
        """Count a connection against other budgets, in each queue in the order of its number."""
        entry = self._all.get(connection)
        if entry is None or entry[2] is budgets:
            return
        since, number, before = entry
        self._remove_from_budgets(connection, before)
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
        """Return the oldest connection of all, or of a budget, and when it became pending."""
        connections = self._all if budget is None else self._by_budget.get(budget)
        if not connections:
            return None
        connection = next(iter(connections))
        return connection, self._all[connection][0]

    def _remove_from_budgets(self, connection: PendingConnection, budgets: Budgets) -> None:
        for budget in budgets:
            of_budget = self._by_budget[budget]
            del of_budget[connection]
            if not of_budget:
                del self._by_budget[budget]


class PendingConnections:
    """All connections that have not joined, and those with an unanswered close.

    At `maximum` of them the oldest is evicted for the next one, so that no client can lock others
    out: first those with an unanswered close, then those that sent no byte. None is evicted before
    its grace, or many honest devices would evict each other.
    """

    def __init__(self, clock: IReactorTime, maximum: int = PENDING_CONNECTIONS) -> None:
        self._clock = clock
        self._closing = _Queue(CLOSING_GRACE_SECONDS)
        self._silent = _Queue(SILENT_GRACE_SECONDS)
        self._others = _Queue(PENDING_GRACE_SECONDS)
        self._queues = (self._closing, self._silent, self._others)
        """The queues in the order of eviction."""
        self.configure(maximum)

    def configure(self, maximum: int) -> None:
        """Apply another limit; connections beyond it stay until they are evicted for new ones."""
        self.maximum = maximum

    def __len__(self) -> int:
        return len(self._closing) + len(self._silent) + len(self._others)

    def add(self, connection: PendingConnection) -> None:
        """Add a new connection that has sent no byte."""
        self._silent.add(connection, self._clock.seconds(), connection.budgets)

    def add_closing(self, connection: PendingConnection) -> None:
        """Add a connection that waits for the answer to its close."""
        self._closing.add(connection, self._clock.seconds(), connection.budgets)

    def bytes_received(self, connection: PendingConnection) -> None:
        """Note that a connection is not silent. Others than pending ones are ignored."""
        entry = self._silent.remove(connection)
        if entry is not None:
            self._others.add(connection, *entry)

    def budgets_changed(self, connection: PendingConnection) -> None:
        """Count a connection against its current budgets; those of a closing one do not change."""
        self._silent.move(connection, connection.budgets)
        self._others.move(connection, connection.budgets)

    def remove(self, connection: PendingConnection) -> None:
        """Remove a connection that was lost or has joined. Others than pending ones are ignored."""
        for queue in (self._others, self._silent, self._closing):
            if queue.remove(connection) is not None:
                return

    @inlineCallbacks
    def wait_until_empty(self, seconds: float) -> Generator[Deferred[None], None, None]:
        """Fire when no connection is pending, after `seconds` at most."""
        until = self._clock.seconds() + seconds
        while len(self) and self._clock.seconds() < until:
            yield deferLater(self._clock, LAST_ANSWERS_TICK_SECONDS)

    def make_room(self) -> bool:
        """Return whether another connection may be added; evict the oldest for it if needed."""
        return len(self) < self.maximum or self.evict_oldest()

    def evict_oldest(self, budget: Budget | None = None) -> bool:
        """Evict the oldest connection, or that of one network, after its grace. Return whether.

        The network counts, since one client that renews silent connections could use up its budget
        and lock out the other clients. Until one of a network can be evicted, new connections from
        there are refused at once.
        """
        now = self._clock.seconds()
        if budget is not None and now < budget.grace_until:
            return False
        # All connections added later have at least this grace.
        grace_until = now + SILENT_GRACE_SECONDS
        for queue in self._queues:
            oldest = queue.oldest(budget)
            if oldest is None:
                continue
            connection, since = oldest
            if now - since >= queue.seconds:
                queue.remove(connection)
                connection.evict()
                return True
            grace_until = min(grace_until, since + queue.seconds)
        if budget is not None:
            budget.grace_until = grace_until
        return False
