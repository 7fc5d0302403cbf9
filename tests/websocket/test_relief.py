"""Relief: when the relay holds too much, the connections that hold most are closed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.frames import BINARY, CONTINUATION, PING, TEXT, client_frame, close_frame
from tests.websocket.parts import connect, make_factory
from vaultrelay.broker.relief import relieve
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import FRAME_READER_BYTES


def test_it_relieves_the_memory_of_those_that_hold_most() -> None:
    ledger = Ledger(2 * FRAME_READER_BYTES + 1000)
    factory = make_factory(ledger=ledger)
    little, maximum = connect(factory), connect(factory)
    little.dataReceived(client_frame(BINARY, bytes(400), fin=False))
    maximum.dataReceived(client_frame(BINARY, bytes(800), fin=False))
    assert not ledger.is_over
    assert little.is_open
    assert not maximum.is_open


BEGUN = {
    "a ping": client_frame(PING, bytes(100))[:50],
    "a header": client_frame(TEXT, bytes(100))[:1],
    "fragments": client_frame(TEXT, b"", fin=False) + client_frame(CONTINUATION, b"", fin=False),
}
MANY = 1000


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN.keys())
def test_connections_in_mid_frame_are_counted_with_an_instance_each(begun: bytes) -> None:
    factory = make_factory()
    connections = [connect(factory) for _ in range(MANY)]
    for connection in connections:
        connection.dataReceived(begun)
    held = sum(connection.held_bytes for connection in connections)
    assert factory.ledger.held == held >= MANY * FRAME_READER_BYTES
    # An empty fragment is an object, too.
    assert held <= MANY * (FRAME_READER_BYTES + 100)
    for connection in connections:
        connection.connectionLost()
    assert factory.ledger.held == 0


def test_connections_in_mid_frame_do_not_take_more_than_there_is() -> None:
    """Each is closed first, and cut off since its instance is lent until it is gone."""
    maximum = MANY // 10 * FRAME_READER_BYTES
    factory = make_factory(ledger=Ledger(maximum))
    connections = [connect(factory) for _ in range(MANY)]
    for connection in connections:
        connection.dataReceived(BEGUN["a ping"])
        assert factory.ledger.held <= maximum
    assert factory.ledger.held == maximum
    aborted = [connection for connection in connections if connection.transport.aborted]
    assert len(aborted) == MANY - MANY // 10
    assert all(connection.held_bytes == 0 for connection in aborted)
    for connection in connections:
        connection.connectionLost()
    assert factory.ledger.held == 0


def abort(connection: Any) -> None:
    connection.transport.abortConnection()
    # A stream that was cut off ignores it.
    connection.transport.resumeProducing = lambda: None


STATES: dict[str, Callable[[Any], object]] = {
    "open": lambda connection: None,
    "closed by the relay": lambda connection: connection.close(4000, "restart"),
    "ended by a close": lambda connection: connection.dataReceived(close_frame(1000)),
    "ended by a violation": lambda connection: connection.dataReceived(b"\xff\x00" * 2),
    "relieved": lambda connection: connection.relieve(),
    "aborted": abort,
}


@pytest.mark.parametrize("begun", ["", *BEGUN])
@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_relief_ends_in_any_state_and_frees_all(begun: str, state: Callable[[Any], object]) -> None:
    factory = make_factory()
    connections = [connect(factory) for _ in range(3)]
    for connection in connections:
        connection.dataReceived(client_frame(TEXT, b"hello"))
        connection.dataReceived(BEGUN.get(begun, b""))
        state(connection)
    factory.ledger.configure(0)
    relieve(factory._connections, factory.ledger)
    assert factory.ledger.held == 0
    factory.ledger.add(1)
    relieve(factory._connections, factory.ledger)
    assert factory.ledger.held == 1, "held by something else"
    for connection in connections:
        connection.dataReceived(client_frame(PING, bytes(100))[:50])
        connection.connectionLost()
    assert factory.ledger.held == 1


def test_relief_does_not_wait_for_what_a_transport_still_holds() -> None:
    """One that was cut off, and holds most until it is gone, keeps no other from its turn."""
    factory = make_factory()
    stuck, other = connect(factory), connect(factory)
    other.dataReceived(BEGUN["a ping"])
    stuck.transport.tls_bytes = 1 << 20
    factory.ledger.add(1 << 20)
    factory.ledger.configure(1000)
    for _ in range(2):
        relieve(factory._connections, factory.ledger)
        assert stuck.transport.aborted
        assert other.transport.aborted
        assert factory.ledger.held == 1 << 20


def test_what_no_connection_holds_is_not_looked_for() -> None:
    factory = make_factory(ledger=Ledger(10))
    connection = connect(factory)
    factory.ledger.add(100)
    relieve(factory._connections, factory.ledger)
    assert connection.is_open
    assert not connection.transport.aborted
