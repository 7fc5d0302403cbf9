"""The factory of connections: what it makes, knows and lends."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.address import IPv4Address

from tests.frames import BINARY, CONTINUATION, PING, TEXT, client_frame, close_frame
from tests.memory import Relay, Transport, Wire
from tests.websocket.parts import RecordingListener, make_factory
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import FRAME_READER_BYTES, SPARE_FRAME_READERS
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.connection import DeviceConnection
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.upgrade import Upgrade

UPGRADE = AdmittedUpgrade(Upgrade(3, "dGhlIHNhbXBsZSBub25jZQ==", None, None))


def connect(factory: DeviceFactory) -> Any:
    connection = factory.buildProtocol(UPGRADE)
    transport = Transport()
    transport.protocol = connection
    connection.makeConnection(transport)
    return connection


def test_it_is_a_factory_of_autobahn() -> None:
    assert isinstance(make_factory(), WebSocketServerFactory)


def test_it_makes_a_connection_for_an_admitted_upgrade_and_nothing_else() -> None:
    factory = make_factory()
    connection = factory.buildProtocol(UPGRADE)
    assert isinstance(connection, DeviceConnection)
    assert factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1)) is None
    assert factory.buildProtocol(None) is None
    assert factory.count == 0, "one that was not made yet"


def test_it_knows_all_connections_and_when_they_are_gone() -> None:
    closing: list[Any] = []
    closed: list[Any] = []
    factory = make_factory(on_closing=closing.append, on_closed=closed.append)
    gone: list[None] = []
    factory.all_gone().addCallback(gone.append)
    assert gone == [None]
    first, second = connect(factory), connect(factory)
    assert factory.count == 2
    factory.all_gone().addCallback(gone.append)
    first.close(4000, "restart")
    first.close(4000, "restart")
    assert (closing, closed) == ([first], [])
    assert factory.count == 2
    first.connectionLost()
    second.connectionLost()
    assert closed == [first, second]
    assert gone == [None, None]
    assert factory.count == 0
    clock: Any = factory.reactor
    assert clock.getDelayedCalls() == []


def test_it_cuts_all_connections_off() -> None:
    factory = make_factory()
    connections = [connect(factory) for _ in range(3)]
    factory.abort_all()
    assert all(connection.transport.aborted for connection in connections)


def test_it_relieves_the_memory_of_those_that_hold_most() -> None:
    ledger = Ledger(2 * FRAME_READER_BYTES + 1000)
    factory = make_factory(ledger=ledger)
    little, most = connect(factory), connect(factory)
    little.dataReceived(client_frame(BINARY, bytes(400), fin=False))
    most.dataReceived(client_frame(BINARY, bytes(800), fin=False))
    assert not ledger.is_over
    assert little.is_open
    assert not most.is_open


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
    most = MANY // 10 * FRAME_READER_BYTES
    factory = make_factory(ledger=Ledger(most))
    connections = [connect(factory) for _ in range(MANY)]
    for connection in connections:
        connection.dataReceived(BEGUN["a ping"])
        assert factory.ledger.held <= most
    assert factory.ledger.held == most
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
    factory.relieve()
    assert factory.ledger.held == 0
    factory.ledger.add(1)
    factory.relieve()
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
    stuck.transport.own_unsent = 1 << 20
    factory.ledger.add(1 << 20)
    factory.ledger.configure(1000)
    for _ in range(2):
        factory.relieve()
        assert stuck.transport.aborted
        assert other.transport.aborted
        assert factory.ledger.held == 1 << 20


def test_what_no_connection_holds_is_not_looked_for() -> None:
    factory = make_factory(ledger=Ledger(10))
    connection = connect(factory)
    factory.ledger.add(100)
    factory.relieve()
    assert connection.is_open
    assert not connection.transport.aborted


# Instances of Autobahn's protocol.


def test_spare_instances_are_few() -> None:
    factory = make_factory()
    lent = [factory.borrow_frames(RecordingListener()) for _ in range(2 * SPARE_FRAME_READERS)]
    assert len(set(map(id, lent))) == len(lent)
    for frames in lent:
        factory.return_frames(frames)
    assert factory._spare == lent[:SPARE_FRAME_READERS]


def test_connections_in_mid_message_have_one_each_and_give_it_back() -> None:
    factory = make_factory()
    connections = [connect(factory) for _ in range(3 * SPARE_FRAME_READERS)]
    for connection in connections:
        connection.dataReceived(client_frame(BINARY, b"1", fin=False))
    assert len({id(each._receiver._foreign) for each in connections}) == len(connections)
    assert factory._spare == []
    for connection in connections[::2]:
        connection.connectionLost()
    for connection in connections[1::2]:
        connection.dataReceived(client_frame(CONTINUATION, b"2"))
        assert connection._receiver._foreign is None
    assert len(factory._spare) == SPARE_FRAME_READERS
    assert factory.ledger.held == 0


def test_one_instance_goes_round_for_whole_frames() -> None:
    relay = Relay()
    for number in range(20):
        relay.join(number.to_bytes(8, "big")).send(client_frame(PING))
    assert len(relay.service.devices._spare) == 1


def test_a_violation_costs_an_instance_and_no_other_device_gets_it() -> None:
    relay = Relay()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    first.send(client_frame(PING))
    (spare,) = relay.service.devices._spare
    first.send(client_frame(TEXT, b"\xff"))
    second.send(client_frame(PING, b"p"))
    assert first.closed_with()[0] == 1007
    assert spare not in relay.service.devices._spare
    assert second.frames()[-1].payload == b"p"


def test_the_texts_of_two_devices_do_not_mix() -> None:
    relay = Relay()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    euro = "€".encode()
    first.send(client_frame(TEXT, b'{"type":"keepalive","x":"' + euro[:1], fin=False))
    second.send(client_frame(TEXT, b'{"type":"keepalive","x":"' + euro[:2], fin=False))
    first.send(client_frame(CONTINUATION, euro[1:] + b'","ping_seconds":60}'))
    second.send(client_frame(CONTINUATION, euro[2:] + b'","ping_seconds":61}'))
    assert first.control()["ping_seconds"] == 60
    assert second.control()["ping_seconds"] == 61


# Memory and imports.


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def joined(relay: Relay, numbers: range) -> list[Wire]:
    return [
        relay.join(number.to_bytes(8, "big"), seed=bytes([number // 2]) * 32) for number in numbers
    ]


def test_an_idle_device_takes_little(request: pytest.FixtureRequest) -> None:
    """Without its transport, which is not there."""
    relay = Relay()
    joined(relay, range(100))
    request.getfixturevalue("traced")
    wires = joined(relay, range(100, 200))
    relay.clock.advance(60)
    patterns = ("*/vaultrelay/*", "*/autobahn/*", "*/base64.py")
    taken = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, pattern) for pattern in patterns]
    )
    assert sum(trace.size for trace in taken.traces) / len(wires) < 1780


def run(code: str, **environment: str) -> str:
    """What a Python of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return done.stdout


def test_to_import_it_installs_no_reactor() -> None:
    code = (
        "import vaultrelay.websocket.factory, sys; print('twisted.internet.reactor' in sys.modules)"
    )
    assert run(code) == "False\n"


@pytest.mark.parametrize("nvx", ["0", "1"])
def test_texts_are_checked_with_and_without_the_compiled_part_of_autobahn(nvx: str) -> None:
    code = (
        "from tests.memory import Relay\n"
        "from tests.frames import TEXT, client_frame\n"
        "from autobahn.websocket import USES_NVX\n"
        "wire = Relay().join()\n"
        "wire.send(client_frame(TEXT, b'ab\\xff'))\n"
        "print(int(USES_NVX), wire.closed_with()[0])\n"
    )
    assert run(code, AUTOBAHN_USE_NVX=nvx, PYTHONPATH=".") == f"{nvx} 1007\n"
