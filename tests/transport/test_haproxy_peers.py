"""HAProxy as a peer: its hello, what it learns and when, and how it is kept within bounds."""

from collections.abc import Iterable
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.recorded_log import RecordedLog
from vaultrelay.policy.limits.haproxy import (
    ANNOUNCE_TICK_SECONDS,
    ANNOUNCED_AT_FIRST,
    DOUBT_SECONDS,
    MAX_HAPROXIES,
    MAX_NEW_CHANNELS,
    NEW_CHANNELS_A_TICK,
    PEER_MESSAGES_BURST,
    PEER_MESSAGES_PER_SECOND,
    PEER_SILENT_SECONDS,
    TICKS_A_ROUND,
)
from vaultrelay.policy.limits.pending import HEAD_SECONDS, PENDING_GRACE_SECONDS
from vaultrelay.transport.haproxy_peers import Announcer, HAProxyPeer
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.wire.haproxy_peers import (
    ACCEPTED,
    BAD_PROTOCOL,
    BAD_VERSION,
    HEARTBEAT,
    HELLO_BYTES,
    RESYNC_PARTIAL,
    TRY_LATER,
    channel_digest,
    table_definition,
)

HELLO = b"HAProxyS 2.1\nw1\nhere 528 1\n"
SILENT_TICKS = int(PEER_SILENT_SECONDS / ANNOUNCE_TICK_SECONDS) + 1
GREETING = ACCEPTED + table_definition()


def channel(number: int) -> bytes:
    return number.to_bytes(32, "big")


class Scene:
    """A relay with channels, and HAProxies that connect."""

    def __init__(self, channels: Iterable[int] = ()) -> None:
        self.clock: Any = Clock()
        self.channels = {channel(number): None for number in channels}
        self.announcer = Announcer(self.clock, lambda: self.channels, log=RecordedLog())
        self.waiting = PendingConnections(self.clock, 2)

    def connect(self, *sent: bytes) -> Any:
        peer = HAProxyPeer(self.announcer, self.waiting)
        transport: Any = StringTransport()
        # What the tests look at: it stays when the connection is over.
        transport.protocol = peer
        peer.makeConnection(transport)
        for piece in sent:
            peer.dataReceived(piece)
        return transport

    def tick(self, ticks: int = 1, *alive: Any) -> None:
        for _ in range(ticks):
            for transport in alive:
                transport.protocol.dataReceived(HEARTBEAT)
            self.clock.advance(ANNOUNCE_TICK_SECONDS)

    def learned(self, transport: Any) -> list[int]:
        """The channels that a HAProxy was told of, in order; forgotten by the asking."""
        told, numbers = transport.value(), {channel_digest(each): each for each in self.channels}
        transport.clear()
        found = sorted((told.find(digest), each) for digest, each in numbers.items())
        return [int.from_bytes(each, "big") for at, each in found if at >= 0]


@pytest.fixture
def scene() -> Scene:
    return Scene(range(3))


def is_over(transport: Any) -> bool:
    return bool(transport.disconnecting or transport.disconnected)


def test_haproxy_learns_all_channels_at_once(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    assert transport.value().startswith(GREETING)
    assert transport.value().endswith(HEARTBEAT)
    assert b"\x04\x01\x02w1" in transport.value()
    assert scene.learned(transport) == [0, 1, 2]


def test_a_hello_may_come_byte_by_byte(scene: Scene) -> None:
    transport = scene.connect(*(HELLO[at : at + 1] for at in range(len(HELLO))))
    assert scene.learned(transport) == [0, 1, 2]


def test_a_hello_that_never_ends_is_cut_off(scene: Scene) -> None:
    for sent in (b"", b"HAProxyS 2.1\n", b"HAProxyS 2.1\nw1\nhere"):
        transport = scene.connect(sent)
        scene.clock.advance(HEAD_SECONDS)
        assert is_over(transport)
    assert is_over(scene.connect(b"HAProxyS " + b"x" * HELLO_BYTES))


@pytest.mark.parametrize(
    ("hello", "answer"),
    [
        (HELLO.replace(b"2.1", b"3.0"), BAD_VERSION),
        (HELLO.replace(b"w1", b"w 1"), BAD_PROTOCOL),
        (HELLO.replace(b"here", b""), BAD_PROTOCOL),
    ],
)
def test_a_hello_that_is_none_learns_nothing(scene: Scene, hello: bytes, answer: bytes) -> None:
    transport = scene.connect(hello)
    assert (transport.value(), is_over(transport)) == (answer, True)


def test_every_channel_is_announced_in_each_round() -> None:
    scene = Scene(range(5 * TICKS_A_ROUND - 2))
    transport = scene.connect(HELLO)
    transport.clear()
    for _ in range(2):
        # The last tick of a round begins the next one.
        scene.tick(TICKS_A_ROUND + 1, transport)
        assert sorted(scene.learned(transport)) == list(range(5 * TICKS_A_ROUND - 2))


def test_the_parts_of_a_round_are_small() -> None:
    scene = Scene(range(100 * TICKS_A_ROUND))
    transport = scene.connect(HELLO)
    transport.clear()
    scene.tick(1, transport)
    for _ in range(TICKS_A_ROUND):
        scene.tick(1, transport)
        assert len(scene.learned(transport)) == 100


def test_many_channels_are_learned_in_parts() -> None:
    scene = Scene(range(2 * ANNOUNCED_AT_FIRST + 1))
    transport = scene.connect(HELLO)
    assert len(scene.learned(transport)) == ANNOUNCED_AT_FIRST
    scene.tick(1, transport)
    assert len(scene.learned(transport)) == ANNOUNCED_AT_FIRST
    scene.tick(1, transport)
    assert 2 * ANNOUNCED_AT_FIRST in scene.learned(transport)


def test_a_new_channel_is_announced_with_the_next_tick(scene: Scene) -> None:
    scene.channels |= {channel(number): None for number in range(10, 1000)}
    transport = scene.connect(HELLO)
    scene.tick(1, transport)
    transport.clear()
    scene.channels[channel(5000)] = None
    scene.announcer.began(channel(5000))
    scene.tick(1, transport)
    assert 5000 in scene.learned(transport)


def test_a_crowd_of_new_channels_waits_for_its_round(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    transport.clear()
    crowd = range(10_000, 10_000 + 2 * MAX_NEW_CHANNELS)
    scene.channels |= {channel(number): None for number in crowd}
    for number in crowd:
        scene.announcer.began(channel(number))
    told: list[int] = []
    for _ in range(MAX_NEW_CHANNELS // NEW_CHANNELS_A_TICK):
        scene.tick(1, transport)
        part = scene.learned(transport)
        assert len(part) <= NEW_CHANNELS_A_TICK + len(scene.channels) // TICKS_A_ROUND + 1
        told += part
    # Nobody waits for longer than a round, whether it was new at the right moment or not.
    scene.tick(TICKS_A_ROUND, transport)
    assert {*told, *scene.learned(transport)} == {*range(3), *crowd}


def test_a_channel_that_is_gone_is_not_announced(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    scene.announcer.began(channel(77))
    transport.clear()
    scene.tick(1, transport)
    del scene.channels[channel(2)]
    transport.clear()
    scene.tick(2 * TICKS_A_ROUND, transport)
    for gone in (2, 77):
        assert channel_digest(channel(gone)) not in transport.value()


def test_what_is_gone_when_its_turn_comes_is_not_announced() -> None:
    """As when the relay begins to drain just after HAProxy has connected."""
    scene = Scene(range(ANNOUNCED_AT_FIRST + 10))
    transport = scene.connect(HELLO)
    transport.clear()
    last = channel(ANNOUNCED_AT_FIRST + 5)
    del scene.channels[last]
    scene.tick(1, transport)
    assert channel_digest(last) not in transport.value()
    assert channel_digest(channel(ANNOUNCED_AT_FIRST + 6)) in transport.value()


def test_after_a_standstill_channels_are_in_doubt(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    scene.tick(1, transport)
    transport.clear()
    scene.clock.advance(PEER_SILENT_SECONDS + 1)
    assert_in_doubt(scene, transport)


def test_after_a_haproxy_was_silent_channels_are_in_doubt(scene: Scene) -> None:
    scene.connect(HELLO)
    scene.tick(SILENT_TICKS)
    assert_in_doubt(scene, scene.connect(HELLO))


def test_a_haproxy_that_hangs_up_leaves_no_doubt(scene: Scene) -> None:
    scene.connect(HELLO).protocol.connectionLost(Failure(ConnectionDone()))
    assert scene.learned(scene.connect(HELLO)) == [0, 1, 2]


def assert_in_doubt(scene: Scene, transport: Any) -> None:
    """What was there is not announced until it must have been missed; a new channel is at once."""
    scene.channels[channel(9)] = None
    scene.announcer.began(channel(9))
    scene.tick(2 * TICKS_A_ROUND, transport)
    assert scene.learned(transport) == [9]
    scene.tick(int(DOUBT_SECONDS / ANNOUNCE_TICK_SECONDS) + 2 * TICKS_A_ROUND, transport)
    assert sorted(scene.learned(transport)) == [0, 1, 2, 9]


def test_each_haproxy_hears_its_own_name_for_the_relay(scene: Scene) -> None:
    one, two = scene.connect(HELLO), scene.connect(HELLO.replace(b"w1", b"10.0.0.2:8080"))
    assert b"\x02w1" in one.value()
    assert b"10.0.0.2:8080" in two.value()
    scene.tick(2, one, two)
    assert b"10.0.0.2:8080" not in one.value()


def test_a_resync_is_said_to_be_partial(scene: Scene) -> None:
    transport = scene.connect(HELLO + b"\x00\x00")
    assert transport.value().endswith(RESYNC_PARTIAL)


def test_many_requests_for_a_resync_have_one_answer(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    transport.clear()
    transport.protocol.dataReceived(100 * b"\x00\x00")
    assert transport.value() == RESYNC_PARTIAL


def test_a_haproxy_that_does_not_read_gets_no_answers(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    transport.producer.pauseProducing()
    transport.clear()
    transport.protocol.dataReceived(b"\x00\x00")
    assert transport.value() == b""


@pytest.mark.parametrize(
    "message", [b"\x00\x00", HEARTBEAT, b"\x0a\x80\x00", b"\x01\x7f", b"\x0a\x84\x01\x00"]
)
def test_a_flood_of_messages_is_cut_off_before_they_are_read(scene: Scene, message: bytes) -> None:
    transport = scene.connect(HELLO, PEER_MESSAGES_BURST * message)
    assert not is_over(transport)
    scene.clock.advance(1)
    transport.protocol.dataReceived(PEER_MESSAGES_PER_SECOND * message)
    assert not is_over(transport)
    transport.protocol.dataReceived(30_000 * message)
    assert is_over(transport)


def test_hellos_that_are_not_whole_give_way_to_others(scene: Scene) -> None:
    whole = scene.connect(HELLO)
    one, two = scene.connect(b"HAProxyS "), scene.connect(b"HAProxyS 2.1\nw1\n")
    assert not scene.waiting.make_room(), "the first is still sure of its place"
    scene.clock.advance(PENDING_GRACE_SECONDS)
    assert scene.waiting.make_room()
    assert (is_over(one), is_over(two), is_over(whole)) == (True, False, False)
    two.protocol.connectionLost(Failure(ConnectionDone()))
    assert len(scene.waiting) == 0


def test_a_broken_message_ends_the_connection(scene: Scene) -> None:
    assert is_over(scene.connect(HELLO, b"\x0a\x80" + b"\xff" * 9))


def test_a_silent_haproxy_is_cut_off_and_a_lively_one_is_not(scene: Scene) -> None:
    silent, lively = scene.connect(HELLO), scene.connect(HELLO)
    scene.tick(SILENT_TICKS, lively)
    assert (is_over(silent), is_over(lively)) == (True, False)


def test_a_haproxy_that_does_not_read_costs_no_memory(scene: Scene) -> None:
    transport = scene.connect(HELLO)
    transport.producer.pauseProducing()
    transport.clear()
    scene.tick(10, transport)
    assert transport.value() == b""
    transport.producer.resumeProducing()
    scene.tick(2, transport)
    assert scene.learned(transport)


def test_there_are_so_many_haproxies_and_no_more(scene: Scene) -> None:
    first, *_ = [scene.connect(HELLO) for _ in range(MAX_HAPROXIES)]
    refused = scene.connect(HELLO)
    assert (refused.value(), is_over(refused)) == (TRY_LATER, True)
    first.protocol.connectionLost(Failure(ConnectionDone()))
    assert not is_over(scene.connect(HELLO))


def test_without_a_haproxy_nothing_is_done(scene: Scene) -> None:
    scene.announcer.began(channel(1))
    assert not scene.clock.getDelayedCalls()
    transport = scene.connect(HELLO)
    transport.protocol.connectionLost(Failure(ConnectionDone()))
    assert not scene.clock.getDelayedCalls()


def test_all_end_when_the_relay_stops(scene: Scene) -> None:
    transports = [scene.connect(HELLO) for _ in range(2)]
    scene.announcer.close()
    assert all(map(is_over, transports))
