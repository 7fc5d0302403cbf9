"""The reference client against a relay in memory."""

from typing import Any

import pytest
from autobahn.exception import PayloadExceededError
from twisted.internet.defer import ensureDeferred
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from tests.client.world import URL, World, result, scripted
from tests.frames import BINARY, TEXT, client_frame
from tests.memory import SEED
from vaultrelay import __version__
from vaultrelay.client import (
    EVERYONE,
    Busy,
    Closed,
    Device,
    Draining,
    Joined,
    Keepalive,
    Left,
    Message,
    Nack,
    Ready,
    Refused,
    connect,
)
from vaultrelay.policy.limits.memory import BUSY_SECONDS
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.limits.timeouts import PING_SECONDS
from vaultrelay.wire import base64url
from vaultrelay.wire.control.joining import Challenge, Peer
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.data import HEADER_BYTES, Reason
from vaultrelay.wire.json_object import write_object
from vaultrelay.wire.mailbox import pack_item
from vaultrelay.wire.proof import channel_of


def test_devices_find_each_other(world: World) -> None:
    first = world.join(b"device-a")
    second = world.join(b"device-b")
    assert world.next(first) == Joined(Peer(second.session, b"device-b"))
    assert first.peers == {second.session: b"device-b"}
    assert second.peers == {first.session: b"device-a"}
    assert first.relay_version == __version__
    assert first.node == "relay-2"
    assert first.limits.message_bytes == SessionLimits().message_bytes


def test_messages_arrive_in_order_with_the_ids_of_their_sender(
    world: World, pair: tuple[Device, Device]
) -> None:
    first, second = pair
    assert [first.send(b"one"), first.send(b"two", to=second.session)] == [1, 2]
    world.network.flush()
    assert world.next(second) == Message(first.session, EVERYONE, 1, b"one")
    assert world.next(second) == Message(first.session, second.session, 2, b"two")


def test_a_message_larger_than_the_relay_takes_is_not_sent(
    world: World, pair: tuple[Device, Device]
) -> None:
    sender, receiver = pair
    maximum = sender.limits.message_bytes - HEADER_BYTES
    with pytest.raises(PayloadExceededError, match="does not accept a message of 1048577 bytes"):
        sender.send(bytes(maximum + 1))
    sender.send(bytes(maximum))
    assert world.next(receiver).payload == bytes(maximum)


def test_a_message_to_nobody_comes_back_as_a_nack(
    world: World, pair: tuple[Device, Device]
) -> None:
    first, _ = pair
    first.send(b"hello?", to=99)
    world.network.flush()
    assert world.next(first) == Nack(99, 1, Reason.GONE)


def test_a_peer_that_closes_has_left(world: World, pair: tuple[Device, Device]) -> None:
    first, second = pair
    closing = second.close()
    world.network.flush()
    assert closing.called
    assert world.next(first) == Left(second.session, "closed")
    assert first.peers == {}
    with pytest.raises(Closed) as closed:
        world.next(second)
    assert closed.value.code == 1000
    with pytest.raises(Closed):
        world.next(second)
    with pytest.raises(Closed):
        second.send(b"too late")


def test_the_older_of_two_equal_devices_learns_that_it_was_replaced(world: World) -> None:
    older = world.join(b"device-a")
    world.join(b"device-a")
    with pytest.raises(Closed) as closed:
        world.next(older)
    assert (closed.value.code, closed.value.reason) == (4509, "replaced")


def test_a_draining_relay_says_so(world: World, pair: tuple[Device, Device]) -> None:
    first, _ = pair
    world.relay.broker.drain(20)
    world.network.flush()
    assert world.next(first) == Draining("restart", 20, (2, 12))


def test_a_peer_that_takes_nothing_is_busy_until_it_is_ready(
    world: World, pair: tuple[Device, Device]
) -> None:
    first, second = pair
    sessions = {session.number: session for session in world.relay.broker.sessions}
    slow = sessions[second.session]
    slow.queue_full()
    slow.hold_sender(sessions[first.session])
    world.relay.advance(BUSY_SECONDS)
    world.network.flush()
    assert world.next(first) == Busy(second.session)
    slow.queue_drained()
    world.network.flush()
    assert world.next(first) == Ready(second.session)


def test_another_ping_interval_can_be_asked_for(world: World, pair: tuple[Device, Device]) -> None:
    first, second = pair
    first.keep_alive(300)
    world.network.flush()
    assert world.next(first) == Keepalive(300)
    world.clock.pump([1.0] * 400)
    first.send(b"still here")
    world.network.flush()
    with pytest.raises(Closed):
        world.next(second)


@pytest.mark.parametrize(
    ("settings", "url", "status", "error"),
    [
        ({}, "ws://relay.test/nowhere", 404, "not_found"),
        ({"max_connections": 1}, URL, 503, "relay_full"),
    ],
)
def test_a_refusal_is_told_with_its_sentence(
    settings: dict[str, Any], url: str, status: int, error: str
) -> None:
    world = World(**settings)
    world.relay.join(seed=bytes(32))
    with pytest.raises(Refused) as refused:
        world.join(b"device-b", url)
    assert (refused.value.status, refused.value.error) == (status, error)
    assert refused.value.detail.endswith(".")


def test_another_audience_is_told_as_a_close() -> None:
    world = World(public_urls=("relay.example.org",))
    with pytest.raises(Closed) as closed:
        world.join(b"device-a")
    assert (closed.value.code, closed.value.reason) == (4504, "audience;rule=other_audience")


def test_a_relay_that_falls_silent_is_left(world: World, pair: tuple[Device, Device]) -> None:
    first, _ = pair
    world.clock.pump([1.0] * int(PING_SECONDS * 1.5 - 1))
    first.send(b"nobody has noticed")
    world.clock.pump([1.0])
    world.network.flush()
    with pytest.raises(Closed) as closed:
        world.next(first)
    assert closed.value.code == 1006


def test_a_device_can_cut_its_connection_off(world: World, pair: tuple[Device, Device]) -> None:
    first, second = pair
    first.abort()
    world.network.flush()
    assert world.next(second) == Left(first.session, "lost")
    with pytest.raises(Closed) as closed:
        world.next(first)
    assert closed.value.code == 1006


def test_room_fires_when_what_was_sent_is_on_its_way(
    world: World, pair: tuple[Device, Device]
) -> None:
    first, _ = pair
    socket = first._socket
    assert first.room().called
    socket.room.pauseProducing()
    waiting = first.room()
    assert not waiting.called
    socket.room.resumeProducing()
    assert waiting.called
    socket.room.pauseProducing()
    ended = first.room()
    first.close()
    world.network.flush()
    assert ended.called
    socket.room.stopProducing()


def test_the_token_goes_into_a_header_and_the_channel_is_named() -> None:
    server, connecting = scripted(
        b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", url="ws://any:s3%40cret@relay.test:8080/v3"
    )
    with pytest.raises(Refused):
        result(connecting)
    head = server.received
    assert head.startswith(b"GET /v3 HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic YW55OnMzQGNyZXQ=\r\n" in head
    assert b"\r\nHost: relay.test:8080\r\n" in head
    channel = base64url.encode(channel_of(SEED)).encode()
    assert b"\r\nX-VaultMesh-Channel: " + channel + b"\r\n" in head
    assert b"permessage" not in head


class TestARelayThatBreaksTheProtocol:
    """A true WebSocket with frames of the test's choice behind it."""

    def closed_after(self, world: World, *frames: bytes) -> Exception:
        """What a device's connect or receive raises when these frames come."""
        device = world.join(b"device-a")
        for frame in frames:
            device._socket.dataReceived(frame)
        world.network.flush()
        with pytest.raises(Closed) as closed:
            world.next(device)
        return closed.value

    @pytest.mark.parametrize(
        "frame",
        [
            pytest.param(client_frame(TEXT, b"{", masked=False), id="bad JSON"),
            pytest.param(
                client_frame(TEXT, Challenge(bytes(32), "1").encode(), masked=False),
                id="another challenge",
            ),
            pytest.param(
                client_frame(TEXT, write_object("left", session=0, reason="x"), masked=False),
                id="bad field",
            ),
        ],
    )
    def test_is_left(self, world: World, frame: bytes) -> None:
        assert "the relay " in str(self.closed_after(world, frame))

    def test_but_what_we_do_not_know_is_ignored(self, world: World) -> None:
        device = world.join(b"device-a")
        unknown = [
            client_frame(TEXT, write_object("weather", session=5), masked=False),
            client_frame(TEXT, MailboxState("away").encode(), masked=False),
            client_frame(TEXT, Erased(None).encode(), masked=False),
            client_frame(BINARY, pack_item(b"i" * 16, b"c" * 16, b""), masked=False),
            client_frame(BINARY, b"short", masked=False),
            client_frame(BINARY, b"\x77" + bytes(15), masked=False),
            client_frame(BINARY, b"\x10\x01" + bytes(20), masked=False),
            client_frame(BINARY, b"\x11\0\0\x63" + bytes(7) + b"\x03\0\0\0\x07", masked=False),
        ]
        for frame in unknown:
            device._socket.dataReceived(frame)
        assert world.next(device) == Nack(3, 7, 0x63)


def test_nothing_can_be_sent_while_the_connection_ends(
    world: World, pair: tuple[Device, Device]
) -> None:
    first, _ = pair
    first.close()
    with pytest.raises(Closed, match="about to end"):
        first.send(b"too late")


@pytest.mark.parametrize("tag", [b"", b"seven b", b"nine byte"])
def test_a_tag_of_another_length_is_refused_before_anything_is_dialled(tag: bytes) -> None:
    clock: Any = MemoryReactorClock()
    joining = ensureDeferred(connect(clock, "ws://relay.example.org", SEED, tag))
    failure = joining.result
    assert isinstance(failure, Failure)
    assert str(failure.value) == f"a device tag has 8 bytes, not {len(tag)}"
    joining.addErrback(lambda _: None)
    assert not clock.tcpClients
    assert not clock.getDelayedCalls()
