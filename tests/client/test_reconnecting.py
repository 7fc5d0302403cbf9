"""Reconnecting: the decision vectors, and Connection against relays that refuse and close."""

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from vaultrelay.client import Closed, Connection, Ended, Refused, TlsFailed, Untrusted
from vaultrelay.client.reconnecting import Reconnecting
from vaultrelay.client.refused import NO_ANSWER, NO_RELAY
from vaultrelay.wire.answer import Answer

Json = dict[str, Any]
DOCS = Path(__file__).parents[2] / "docs"
DECISIONS: list[Json] = json.loads((DOCS / "vectors.json").read_bytes())["decisions"]


def lowest(low: float, high: float) -> float:
    return low


def highest(low: float, high: float) -> float:
    return high


def error_of(event: Json) -> Exception:
    """What a client raises for an event of a vector."""
    kind = event["event"]
    if kind == "unanswered":
        return Refused(0, NO_ANSWER, "")
    if kind == "refused":
        headers = {name.lower(): value for name, value in event["headers"].items()}
        answer = Answer(event["status"], headers)
        return Refused(event["status"], event.get("error", NO_RELAY), "", answer)
    if kind == "violation":
        return Closed(1002, "the relay broke the protocol")
    return Closed(event.get("code", 1006), event.get("reason", ""))


@pytest.mark.parametrize(("between", "edge"), [(lowest, 0), (highest, 1)])
@pytest.mark.parametrize("vector", DECISIONS, ids=lambda vector: vector["name"])
def test_a_decision(vector: Json, between: Any, edge: int) -> None:
    reconnecting, now = Reconnecting(between), 100.0
    decided: float | None = 0.0
    for event in vector["events"]:
        if event["event"] == "welcome":
            reconnecting.opened(now)
        elif event["event"] == "draining":
            reconnecting.draining(tuple(event["reconnect"]))
        else:
            now += event.get("after", 0)
            decided = reconnecting.ended(error_of(event), now)
            now += decided or 0
    assert (decided is None) == (vector["action"] == "stop")
    if vector["name"] == "close-4001":
        # The page leaves the choice; this client goes by the back-off.
        assert decided == (1, 2)[edge]
    elif decided is not None:
        assert decided == vector["wait"][edge]


def test_a_certificate_that_is_not_valid_is_final() -> None:
    reconnecting = Reconnecting(lowest)
    assert reconnecting.ended(Untrusted(), 0) is None
    assert reconnecting.ended(TlsFailed(), 0) == 2


def test_the_delay_of_many_failures_is_a_minute() -> None:
    reconnecting = Reconnecting(highest)
    delays = [reconnecting.ended(ConnectError(), 0) for _ in range(2000)]
    assert delays[-1] == 60


class World:
    """A connection to a relay that is not there."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", 1)
        self.connection = Connection(
            self.reactor, "ws://relay.test", bytes(32), bytes(8), endpoint=endpoint
        )

    def next(self) -> Deferred[Any]:
        return ensureDeferred(self.connection.receive())

    def refuse(self) -> None:
        connector = self.reactor.connectors[-1]
        self.reactor.tcpClients[-1][2].clientConnectionFailed(connector, Failure(ConnectError()))


def test_a_connection_dials_again_after_its_delay() -> None:
    world = World()
    event = world.next()
    world.reactor.advance(0)
    world.refuse()
    ended: Any = event.result
    assert isinstance(ended, Ended)
    assert isinstance(ended.error, ConnectError)
    assert ended.retry_seconds is not None
    dialling = world.next()
    world.reactor.advance(ended.retry_seconds - 0.1)
    assert len(world.reactor.tcpClients) == 1
    world.reactor.advance(0.2)
    assert len(world.reactor.tcpClients) == 2
    world.connection.close()
    last: Any = dialling.result
    assert last.retry_seconds is None


def wait_for_retry(world: World) -> Deferred[Any]:
    """Let an attempt fail, and wait for the next one."""
    event = world.next()
    world.reactor.advance(0)
    world.refuse()
    ended: Any = event.result
    assert ended.retry_seconds > 0
    return world.next()


@pytest.mark.parametrize("tell", [Connection.woke, Connection.network_changed])
def test_a_connection_that_waits_dials_at_once_when_told_so(tell: Any) -> None:
    world = World()
    wait_for_retry(world)
    tell(world.connection)
    world.reactor.advance(0)
    assert len(world.reactor.tcpClients) == 2
    # Told again while it dials, it goes on.
    tell(world.connection)
    world.reactor.advance(0)
    assert len(world.reactor.tcpClients) == 2


def test_a_connection_told_between_two_attempts_dials_at_once() -> None:
    world = World()
    event = world.next()
    world.reactor.advance(0)
    world.refuse()
    assert event.called
    world.connection.woke()
    world.next()
    world.reactor.advance(0)
    assert len(world.reactor.tcpClients) == 2


def test_a_time_of_the_relay_holds_when_the_network_returns() -> None:
    reconnecting = Reconnecting(lowest)
    assert reconnecting.ended(Closed(4006, "relay_full;retry=60"), 0) == 60
    assert reconnecting.is_delay_given
    assert reconnecting.ended(Closed(4509, "replaced"), 0) == 30
    assert reconnecting.is_delay_given
    reconnecting.ended(Closed(1006, ""), 0)
    assert not reconnecting.is_delay_given


@pytest.mark.parametrize(
    ("error", "may_dial"), [("address_not_allowed", True), ("origin_not_allowed", False)]
)
def test_another_network_lifts_the_refusal_of_an_address(error: str, may_dial: bool) -> None:
    world = World()
    ended = world.connection._ended(Refused(403, error, ""))
    assert ended.retry_seconds is None
    world.connection.woke()
    world.next().addErrback(lambda failure: failure.trap(RuntimeError))
    world.reactor.advance(0)
    assert world.reactor.tcpClients == []
    assert world.connection.network_changed() is may_dial
    world.next().addErrback(lambda failure: failure.trap(RuntimeError))
    world.reactor.advance(0)
    assert len(world.reactor.tcpClients) == may_dial
    world.connection.close()
    assert not world.connection.network_changed()


def test_a_bad_url_is_final() -> None:
    reactor = MemoryReactorClock()
    connection = Connection(reactor, "relay.example.org", bytes(32), bytes(8))
    event = ensureDeferred(connection.receive())
    reactor.advance(0)
    ended: Any = event.result
    assert isinstance(ended.error, ValueError)
    assert ended.retry_seconds is None


def test_a_closed_connection_dials_no_more() -> None:
    world = World()
    event = world.next()
    world.connection.close()
    assert isinstance(event.result, Ended)
    assert event.result.retry_seconds is None
    world.next().addErrback(lambda failure: failure.trap(RuntimeError))
    world.reactor.advance(100)
    assert world.reactor.tcpClients == []
