"""Who is evicted, compared with the rules written down plainly, for random histories."""

from collections.abc import Callable
from random import Random
from typing import Any
from weakref import ref

import pytest
from twisted.internet.task import Clock

from vaultrelay.policy.budgets import Budget, Budgets
from vaultrelay.policy.limits.pending import (
    CLOSING_GRACE_SECONDS,
    PENDING_GRACE_SECONDS,
    SILENT_GRACE_SECONDS,
)
from vaultrelay.policy.network_limits import NetworkLimits
from vaultrelay.transport.pending_connections import PendingConnections

NETWORKS = 3


class Connection:
    """A connection of some networks, by number; `name` says which of two equal ones it is."""

    def __init__(self, name: int, evicted: list[int]) -> None:
        self.name = name
        self.budgets: Budgets = ()
        self._evicted = evicted

    def evict(self) -> None:
        self._evicted.append(self.name)


class Plain:
    """The same rules, by looking at all that wait."""

    def __init__(self, clock: Any, maximum: int) -> None:
        self._clock, self.maximum = clock, maximum
        self._closing: dict[Connection, float] = {}
        self._silent: dict[Connection, float] = {}
        self._others: dict[Connection, float] = {}

    def __len__(self) -> int:
        return len(self._closing) + len(self._silent) + len(self._others)

    def configure(self, maximum: int) -> None:
        self.maximum = maximum

    def add(self, connection: Connection) -> None:
        self._silent[connection] = self._clock.seconds()

    def add_closing(self, connection: Connection) -> None:
        self._closing[connection] = self._clock.seconds()

    def bytes_received(self, connection: Connection) -> None:
        since = self._silent.pop(connection, None)
        if since is not None:
            self._others[connection] = since

    def budgets_changed(self, connection: Connection) -> None:
        """They are read when they are needed."""

    def remove(self, connection: Connection) -> None:
        for connections in (self._closing, self._silent, self._others):
            connections.pop(connection, None)

    def make_room(self) -> bool:
        return len(self) < self.maximum or self.evict_oldest()

    def evict_oldest(self, budget: Budget | None = None) -> bool:
        now = self._clock.seconds()
        if budget is not None and now < budget.grace_until:
            return False
        grace_until = now + SILENT_GRACE_SECONDS
        for connections, sure in (
            (self._closing, CLOSING_GRACE_SECONDS),
            (self._silent, SILENT_GRACE_SECONDS),
            (self._others, PENDING_GRACE_SECONDS),
        ):
            oldest = next((each for each in connections if budget in (None, *each.budgets)), None)
            if oldest is None:
                continue
            if now - connections[oldest] >= sure:
                del connections[oldest]
                oldest.evict()
                return True
            grace_until = min(grace_until, connections[oldest] + sure)
        if budget is not None:
            budget.grace_until = grace_until
        return False


class Story:
    """One of both, its connections and networks, and what it answered."""

    def __init__(self, make: Callable[[Any, int], Any]) -> None:
        self.clock: Any = Clock()
        self.pending = make(self.clock, 4)
        self.networks = [Budget(bytes([n]), NetworkLimits("address")) for n in range(NETWORKS)]
        self.connections: list[Connection] = []
        self.evicted: list[int] = []
        self.answers: list[object] = []

    def take(self, step: str, number: int, networks: list[int]) -> None:
        """One step; `number` is that of the connection, of the network, or a time."""
        if step == "advance":
            self.clock.advance(number / 8)
        elif step == "configure":
            self.pending.configure(number)
        elif step == "evict_oldest":
            budget = self.networks[number] if number < NETWORKS else None
            self.answers.append(self.pending.evict_oldest(budget))
        elif step == "make_room":
            self.answers.append(self.pending.make_room())
        elif step in ("add", "add_closing"):
            connection = Connection(len(self.connections), self.evicted)
            connection.budgets = tuple(self.networks[each] for each in networks)
            self.connections.append(connection)
            getattr(self.pending, step)(connection)
        elif number < len(self.connections):
            connection = self.connections[-1 - number]
            if step == "budgets_changed":
                connection.budgets = tuple(self.networks[each] for each in networks)
            getattr(self.pending, step)(connection)
        self.answers.append(len(self.pending))


STEPS = {
    "add": 4,
    "add_closing": 1,
    "bytes_received": 2,
    "budgets_changed": 3,
    "remove": 1,
    "evict_oldest": 3,
    "make_room": 1,
    "advance": 2,
    "configure": 1,
}
"""What happens, and how often."""


@pytest.mark.parametrize("seed", range(10))
def test_the_same_ones_are_evicted_as_by_looking_at_all(seed: int) -> None:
    random = Random(seed)
    real, plain = Story(PendingConnections), Story(Plain)
    closing: set[int] = set()
    for step in random.choices(list(STEPS), list(STEPS.values()), k=2000):
        number, networks = random.randrange(8), random.sample(range(NETWORKS), random.randrange(3))
        if step == "add_closing":
            closing.add(len(real.connections))
        if step == "budgets_changed" and len(real.connections) - 1 - number in closing:
            continue
        real.take(step, number, networks)
        plain.take(step, number, networks)
        assert (real.answers[-2:], real.evicted) == (plain.answers[-2:], plain.evicted)
        sure = [each.grace_until for each in real.networks]
        assert sure == [each.grace_until for each in plain.networks]
    assert len(real.evicted) > 100, "or else this shows little"


def test_nothing_is_kept_of_a_connection_that_was_removed() -> None:
    clock: Any = Clock()
    pending = PendingConnections(clock)
    budgets = tuple(Budget(bytes([n]), NetworkLimits("address")) for n in range(NETWORKS))
    connection = Connection(0, [])
    connection.budgets = budgets[:2]
    kept = [ref(connection)]
    pending.add(connection)
    pending.bytes_received(connection)
    connection.budgets = budgets[1:]
    pending.budgets_changed(connection)
    pending.remove(connection)
    del connection
    assert kept[0]() is None
    assert not any(pending.evict_oldest(each) for each in (None, *budgets))
    held = [queue._by_budget for queue in pending._queues]
    assert held == [{}, {}, {}]
