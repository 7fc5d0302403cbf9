"""Pending connections: their limit, and which one is evicted for another."""

from typing import Any

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


class Connection:
    """Remembers being cut off."""

    is_gone = False
    budgets: Budgets = ()

    def evict(self) -> None:
        self.is_gone = True


@pytest.fixture
def clock() -> Any:
    return Clock()


def test_there_is_room_until_all_places_are_taken(clock: Any) -> None:
    waiting = PendingConnections(clock, 2)
    for _ in range(2):
        assert waiting.make_room()
        waiting.add(Connection())
    assert not waiting.make_room()
    assert len(waiting) == 2


def test_whoever_leaves_makes_room(clock: Any) -> None:
    waiting, connection = PendingConnections(clock, 1), Connection()
    waiting.add(connection)
    waiting.remove(connection)
    waiting.remove(connection)
    assert waiting.make_room()
    assert not connection.is_gone


def test_the_oldest_goes_once_it_has_had_its_time(clock: Any) -> None:
    waiting, oldest, younger = PendingConnections(clock, 2), Connection(), Connection()
    waiting.add(oldest)
    clock.advance(SILENT_GRACE_SECONDS / 2)
    waiting.add(younger)
    assert not waiting.make_room()
    clock.advance(SILENT_GRACE_SECONDS / 2)
    assert waiting.make_room()
    assert (oldest.is_gone, younger.is_gone) == (True, False)
    waiting.add(Connection())
    assert not waiting.make_room()


def test_who_has_said_something_is_sure_of_its_place_for_longer(clock: Any) -> None:
    waiting, older, silent = PendingConnections(clock, 2), Connection(), Connection()
    waiting.add(older)
    waiting.bytes_received(older)
    waiting.add(silent)
    clock.advance(SILENT_GRACE_SECONDS)
    assert waiting.make_room()
    assert (older.is_gone, silent.is_gone) == (False, True)
    waiting.add_closing(Connection())
    assert not waiting.make_room()
    waiting.add(Connection())
    clock.advance(PENDING_GRACE_SECONDS - SILENT_GRACE_SECONDS)
    for _ in range(3):
        assert not older.is_gone
        assert waiting.evict_oldest()
    assert older.is_gone
    assert len(waiting) == 0


def test_who_does_not_answer_a_close_keeps_no_health_check_waiting(clock: Any) -> None:
    waiting, silent, closing = PendingConnections(clock, 2), Connection(), Connection()
    waiting.add(silent)
    waiting.add_closing(closing)
    assert not waiting.make_room()
    clock.advance(CLOSING_GRACE_SECONDS)
    assert waiting.make_room()
    assert (silent.is_gone, closing.is_gone) == (False, True)


def test_who_does_not_wait_may_speak_and_leave(clock: Any) -> None:
    waiting, connection = PendingConnections(clock), Connection()
    waiting.bytes_received(connection)
    waiting.remove(connection)
    assert len(waiting) == 0


def test_nobody_goes_for_nobody(clock: Any) -> None:
    assert not PendingConnections(clock).evict_oldest()


class Counting(Connection):
    """Counts how often it is looked at."""

    looks = 0

    def __init__(self, *budgets: Budget) -> None:
        self._budgets = budgets

    @property
    def budgets(self) -> Budgets:  # type: ignore[override]
        self.looks += 1
        return self._budgets


def test_those_beyond_a_network_are_refused_without_looking_at_all_that_wait(clock: Any) -> None:
    full, other = (Budget(key, NetworkLimits("address")) for key in (b"full", b"other"))
    waiting, connections = PendingConnections(clock), [Counting(other) for _ in range(9)]
    connections.append(mine := Counting(full, other))
    for connection in connections:
        waiting.add(connection)
    clock.advance(SILENT_GRACE_SECONDS / 2)
    for _ in range(100):
        assert not waiting.evict_oldest(full)
    assert [connection.looks for connection in connections] == [1] * 10
    # Neither for others, nor for longer than the oldest of its own is sure.
    clock.advance(SILENT_GRACE_SECONDS / 2)
    assert waiting.evict_oldest(full)
    assert mine.is_gone
    assert waiting.evict_oldest(other)


def test_a_network_waits_no_longer_than_its_next_connection_is_sure(clock: Any) -> None:
    network = Budget(b"full", NetworkLimits("address"))
    waiting, older, silent = PendingConnections(clock), Counting(network), Counting(network)
    waiting.add(older)
    waiting.bytes_received(older)
    assert not waiting.evict_oldest(network)
    waiting.add(silent)
    clock.advance(SILENT_GRACE_SECONDS)
    assert waiting.evict_oldest(network)
    assert (older.is_gone, silent.is_gone) == (False, True)
