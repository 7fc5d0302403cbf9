"""The factory of connections: what it makes, knows and lends."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.address import IPv4Address

from tests.frames import BINARY, CONTINUATION, PING, TEXT, client_frame
from tests.memory import Relay, Wire
from tests.websocket.parts import UPGRADE, RecordingListener, connect, make_factory
from vaultrelay.policy.limits.memory import SPARE_FRAME_READERS
from vaultrelay.websocket.connection import DeviceConnection


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
