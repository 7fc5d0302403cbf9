"""What a hostile relay can make the reference client hold, wait for or send: each has its bound."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.protocol import Protocol

from tests.client.world import InMemory, World, result
from tests.frames import BINARY, CONTINUATION, PING, TEXT, client_frame
from tests.memory import SEED
from vaultrelay.client import Closed, Device, Joined, Message, Refused, connect
from vaultrelay.client.event_queue import EVENT_BYTES, UNRECEIVED_BYTES
from vaultrelay.client.relay_endpoint import CONNECT_SECONDS
from vaultrelay.policy.limits.floods import FRAGMENTS_PER_MESSAGE
from vaultrelay.wire.announced import CHANNEL_DEVICES
from vaultrelay.wire.control.joining import Peer
from vaultrelay.wire.data import pack_data


@pytest.fixture
def world() -> World:
    return World()


class Reading:
    """How often the client stopped and went on reading its transport."""

    def __init__(self, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_paused = False
        transport = device._socket.transport

        def set_paused(is_paused: bool) -> Callable[[], None]:
            def note() -> None:
                self.is_paused = is_paused

            return note

        monkeypatch.setattr(transport, "pauseProducing", set_paused(True), raising=False)
        monkeypatch.setattr(transport, "resumeProducing", set_paused(False), raising=False)


def say(device: Device, opcode: int, payload: bytes, fin: bool = True) -> None:
    device._socket.dataReceived(client_frame(opcode, payload, fin=fin, masked=False))


def message(size: int) -> bytes:
    return pack_data(1, 2, 3, bytes(size))


def failure(world: World, device: Device) -> str:
    world.network.flush()
    try:
        while True:
            world.next(device)
    except Closed as closed:
        return str(closed)


@pytest.mark.parametrize("size", [1, 1000, UNRECEIVED_BYTES // 3, UNRECEIVED_BYTES - 16])
def test_messages_that_nobody_receives_hold_up_the_relay(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    device = world.join(b"device-a")
    reading = Reading(device, monkeypatch)
    for _ in range(UNRECEIVED_BYTES // (size + EVENT_BYTES) + 1):
        assert not reading.is_paused
        say(device, BINARY, message(size))
    assert reading.is_paused
    world.clock.advance(600)
    assert device._socket.can_send, "the silence is our own"
    assert isinstance(world.next(device), Message)
    assert not reading.is_paused


def test_a_device_that_leaves_keeps_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device = world.join(b"device-a")
    reading = Reading(device, monkeypatch)
    for _ in range(3):
        say(device, BINARY, message(UNRECEIVED_BYTES // 2))
    assert reading.is_paused
    device.close()
    assert not reading.is_paused
    for _ in range(9):
        say(device, BINARY, message(UNRECEIVED_BYTES // 2))
    assert not reading.is_paused


def test_a_message_has_so_many_fragments(world: World) -> None:
    device = world.join(b"device-a")
    for _ in range(3):
        say(device, BINARY, message(1), fin=False)
        for _ in range(FRAGMENTS_PER_MESSAGE - 2):
            say(device, CONTINUATION, b"", fin=False)
        say(device, CONTINUATION, b"")
        assert isinstance(world.next(device), Message)
    say(device, BINARY, b"", fin=False)
    for _ in range(FRAGMENTS_PER_MESSAGE):
        say(device, CONTINUATION, b"", fin=False)
    assert "a message in too many fragments" in failure(world, device)


def test_a_channel_has_so_many_peers(world: World) -> None:
    device = world.join(b"device-a")
    for number in range(2, CHANNEL_DEVICES[1] + 9):
        say(device, TEXT, Joined(Peer(number, bytes(8))).encode())
    assert len(device.peers) <= CHANNEL_DEVICES[1] + 1
    assert "more peers than a channel has devices" in failure(world, device)


def test_a_relay_that_reads_no_pongs_gets_no_more_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = world.join(b"device-a")
    sent: list[bytes] = []
    monkeypatch.setattr(device._socket, "sendPong", sent.append)
    say(device, PING, b"1")
    device._socket.room.pauseProducing()
    say(device, PING, b"2")
    device._socket.room.resumeProducing()
    say(device, PING, b"3")
    assert sent == [b"1", b"3"]


def test_what_comes_before_the_welcome_is_not_kept(world: World) -> None:
    kept: list[Any] = []
    device = world.join(b"device-a")
    socket: Any = device._socket
    socket.welcomed, welcomed = type("Waiting", (), {"called": False})(), socket.welcomed
    socket.on_event = kept.append
    for _ in range(100):
        say(device, TEXT, Joined(Peer(9, bytes(8))).encode())
        say(device, BINARY, message(1000))
    socket.welcomed = welcomed
    assert kept == []


class Saying(Protocol):
    """A server that says this as soon as it is asked, and stays."""

    answer = b""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self.answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "an endless HTTP head"),
        (b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"y" * 70_000, "an endless HTTP head"),
        (b"x" * 70_000, "does not speak HTTP"),
        (b"HTTP/1.1 " + b"9" * 5000 + b" No\r\n\r\n" + b"x" * 65536, "does not speak HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n" + b"x" * 65536,
            "does not speak HTTP",
        ),
    ],
    ids=["headers", "header", "line", "status", "length"],
)
def test_an_answer_that_is_no_upgrade_is_read_so_far(
    world: World, answer: bytes, said: str
) -> None:
    def build() -> Saying:
        server = Saying()
        server.answer = answer
        return server

    network = InMemory(world.clock, build)
    connecting = connect(world.clock, "ws://relay.test", SEED, b"device-a", endpoint=network)
    world.network = network
    with pytest.raises(Refused, match=said):
        result(world.start(connecting))
    assert not [call for call in world.clock.getDelayedCalls() if call.getTime() > CONNECT_SECONDS]
