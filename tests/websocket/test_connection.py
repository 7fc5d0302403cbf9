"""A device's connection: frames in, frames out, and every way in which it ends."""

import gc
import json
import weakref
from typing import Any

import pytest
from twisted.logger import LogEvent

from tests.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    client_frame,
    close_frame,
)
from tests.memory import Relay, Transport, Wire
from vaultrelay.policy.limits.floods import CONTROLS_BURST
from vaultrelay.policy.limits.memory import CONTROL_RESERVE, HIGH_MARK
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS, PING_SECONDS
from vaultrelay.websocket.connection import DeviceConnection
from vaultrelay.wire.data import Kind, Reason, pack_data, read_header

SMALL = 4096


@pytest.fixture
def relay() -> Relay:
    return Relay(limits=SessionLimits(message_bytes=SMALL))


@pytest.fixture
def pair(relay: Relay) -> tuple[Wire, Wire]:
    """Two devices of one channel, with nothing left to read."""
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    return first, second


def controls(wire: Wire) -> list[dict[str, Any]]:
    return [json.loads(frame.payload) for frame in wire.frames() if frame.opcode == TEXT]


def test_the_upgrade_names_the_version_and_the_challenge_follows(relay: Relay) -> None:
    wire = relay.connect()
    head = wire.upgrade()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nX-VaultMesh-Protocol: 3" in head
    assert b"Sec-WebSocket-Extensions" not in head
    assert b"\r\nServer:" not in head
    challenge = wire.control()
    assert (challenge["type"], challenge["protocol"]) == ("challenge", 3)


def test_a_browser_gets_the_subprotocol_that_it_offered(relay: Relay) -> None:
    head = relay.connect().upgrade(
        X_VaultMesh_Protocol="", Sec_WebSocket_Protocol="vaultmesh.4, vaultmesh.3"
    )
    assert b"\r\nSec-WebSocket-Protocol: vaultmesh.3" in head


def test_compression_is_never_negotiated(relay: Relay) -> None:
    head = relay.connect().upgrade(Sec_WebSocket_Extensions="permessage-deflate")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"deflate" not in head


def test_frames_that_come_with_the_upgrade_are_read(relay: Relay) -> None:
    wire = relay.connect()
    first, second = b"GET / HTTP/1.1\r\nHost: a\r\n", client_frame(PING, b"early")
    rest = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-VaultMesh-Protocol: 3\r\n\r\n"
    )
    wire.send(first + rest.encode() + second)
    assert wire.taken().endswith(b"\x8a\x05early")


def test_peers_get_the_very_same_bytes(pair: tuple[Wire, Wire]) -> None:
    first, second = pair
    sent = [first.data(b"to all", id=1), first.data(b"to one", to=second.session, id=2)]
    assert second.frames() == [Frame(BINARY, True, message) for message in sent]
    assert first.frames() == []


def test_a_fragmented_message_arrives_whole_with_a_ping_between(pair: tuple[Wire, Wire]) -> None:
    first, second = pair
    message = pack_data(second.session, first.session, 7, b"in three parts")
    first.send(client_frame(BINARY, message[:5], fin=False))
    first.send(client_frame(PING, b"between"))
    first.send(client_frame(CONTINUATION, message[5:20], fin=False))
    first.send(client_frame(CONTINUATION, message[20:]))
    assert second.frames() == [Frame(BINARY, True, message)]
    assert first.frames() == [Frame(PONG, True, b"between")]


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_it_does_not_matter_how_tcp_cuts_the_stream(pair: tuple[Wire, Wire], step: int) -> None:
    first, second = pair
    messages = [pack_data(second.session, first.session, id, b"x" * id * 40) for id in range(1, 5)]
    stream = b"".join(client_frame(BINARY, message) for message in messages)
    for start in range(0, len(stream), step):
        first.send(stream[start : start + step])
    assert [frame.payload for frame in second.frames()] == messages


def test_a_frame_over_the_limit_is_refused_by_its_header_alone(pair: tuple[Wire, Wire]) -> None:
    first, second = pair
    first.send(client_frame(BINARY, bytes(SMALL + 1))[:8])
    assert first.closed_with() == (4502, f"too_big;limit={SMALL}")
    assert controls(second) == [{"type": "left", "session": first.session, "reason": "closed"}]


def test_a_message_of_exactly_the_limit_passes(pair: tuple[Wire, Wire]) -> None:
    first, second = pair
    message = first.data(bytes(SMALL - 16))
    assert second.frames() == [Frame(BINARY, True, message)]


def test_fragments_over_the_limit_are_refused_before_they_are_kept(
    pair: tuple[Wire, Wire],
) -> None:
    first, _ = pair
    first.send(client_frame(BINARY, bytes(SMALL), fin=False))
    first.send(client_frame(CONTINUATION, b"x")[:6])
    assert first.closed_with()[0] == 4502


def test_what_follows_a_close_of_ours_is_dropped(pair: tuple[Wire, Wire]) -> None:
    first, second = pair
    first.send(client_frame(BINARY, bytes(SMALL + 1)))
    first.data(b"too late")
    first.say(type="keepalive", ping_seconds=60)
    assert first.closed_with()[0] == 4502
    assert [frame.opcode for frame in second.frames()] == [TEXT]


def test_a_control_message_over_its_limit_is_refused(pair: tuple[Wire, Wire]) -> None:
    first, _ = pair
    first.send(client_frame(TEXT, b" " * 4097)[:8])
    assert first.closed_with() == (4501, "bad_message;rule=control_size")


def test_data_before_the_welcome_is_refused_by_its_header_alone(relay: Relay) -> None:
    wire = relay.connect()
    wire.upgrade()
    wire.frames()
    wire.send(client_frame(BINARY, bytes(100))[:6])
    assert wire.closed_with() == (4501, "bad_message;rule=data_before_welcome")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(client_frame(BINARY, b"x", masked=False), 1002, id="unmasked"),
        pytest.param(client_frame(BINARY, b"x", rsv=4), 1002, id="reserved bit"),
        pytest.param(client_frame(3, b"x"), 1002, id="reserved data opcode"),
        pytest.param(client_frame(11, b"x"), 1002, id="reserved control opcode"),
        pytest.param(client_frame(CONTINUATION, b"x"), 1002, id="continuation of nothing"),
        pytest.param(client_frame(PING, b"x", fin=False), 1002, id="fragmented ping"),
        pytest.param(client_frame(PING, bytes(126)), 1002, id="long ping"),
        pytest.param(client_frame(CLOSE, b"x"), 1002, id="close of one byte"),
        pytest.param(close_frame(1005), 1002, id="forbidden close code"),
        pytest.param(client_frame(TEXT, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(client_frame(CLOSE, b"\x03\xe8\xff"), 1007, id="reason not UTF-8"),
    ],
)
def test_what_breaks_rfc_6455_gets_its_codes(
    relay: Relay, pair: tuple[Wire, Wire], frame: bytes, code: int
) -> None:
    first, second = pair
    first.send(frame)
    assert first.closed_with()[0] == code
    assert controls(second) == [{"type": "left", "session": first.session, "reason": "closed"}]
    assert relay.broker.joined == 1


def test_a_ping_is_answered(pair: tuple[Wire, Wire]) -> None:
    first, _ = pair
    first.send(client_frame(PING, b"are you there"))
    assert first.frames() == [Frame(PONG, True, b"are you there")]


def test_a_flood_of_pings_is_closed(pair: tuple[Wire, Wire]) -> None:
    first, _ = pair
    first.send(client_frame(PING) * (CONTROLS_BURST + 1))
    assert first.closed_with() == (4005, "rate;retry=30")


def test_a_silent_device_is_pinged_and_its_pong_is_heard(
    relay: Relay, pair: tuple[Wire, Wire]
) -> None:
    first, _ = pair
    relay.advance(PING_SECONDS * 1.1 + 1)
    (ping,) = first.frames()
    assert ping.opcode == PING
    first.send(client_frame(PONG))
    relay.advance(PING_SECONDS)
    assert CLOSE not in [frame.opcode for frame in first.frames()]


def test_a_device_that_answers_no_ping_is_lost(relay: Relay, pair: tuple[Wire, Wire]) -> None:
    first, second = pair
    for _ in range(8):
        relay.advance(10)
        second.send(client_frame(PONG))
    assert first.closed_with() == (4002, "ping_timeout")
    left = [told for told in controls(second) if told["type"] == "left"]
    assert left == [{"type": "left", "session": first.session, "reason": "lost"}]


def test_a_close_of_the_device_is_answered_and_the_peers_learn_it_at_once(
    relay: Relay, pair: tuple[Wire, Wire]
) -> None:
    first, second = pair
    first.send(close_frame(1000, "bye"))
    assert first.closed_with() == (1000, "")
    assert first.transport.disconnecting
    assert not first.transport.aborted
    assert controls(second) == [{"type": "left", "session": first.session, "reason": "closed"}]


def test_a_peer_that_lingers_after_a_close_is_cut_off(
    relay: Relay, pair: tuple[Wire, Wire]
) -> None:
    first, _ = pair
    first.send(close_frame(1000))
    relay.advance(CLOSE_SECONDS - 1)
    assert not first.transport.aborted
    relay.advance(2)
    assert first.transport.aborted


def test_a_device_that_ignores_our_close_is_cut_off(relay: Relay, pair: tuple[Wire, Wire]) -> None:
    first, _ = pair
    first.say(type="nonsense")
    assert first.closed_with() == (4501, "bad_message;rule=unknown_type")
    assert not first.transport.disconnecting
    relay.advance(CLOSE_SECONDS + 1)
    assert first.transport.aborted


def test_a_device_that_answers_our_close_is_let_go_gently(
    relay: Relay, pair: tuple[Wire, Wire]
) -> None:
    first, _ = pair
    first.say(type="nonsense")
    first.send(close_frame(4501))
    assert first.transport.disconnecting
    assert not first.transport.aborted
    first.hang_up()
    relay.advance(CLOSE_SECONDS + 1)
    assert not first.transport.aborted
    assert relay.clock.getDelayedCalls() == []


@pytest.mark.parametrize("clean", [True, False])
def test_a_device_that_vanishes_without_a_close_is_lost(
    pair: tuple[Wire, Wire], clean: bool
) -> None:
    first, second = pair
    first.hang_up(clean)
    assert controls(second) == [{"type": "left", "session": first.session, "reason": "lost"}]


def test_an_internal_error_closes_with_a_reference_that_the_log_has(
    relay: Relay,
    pair: tuple[Wire, Wire],
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[LogEvent],
) -> None:
    first, second = pair

    def fail(*_: object) -> int:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("vaultrelay.broker.channel.Channel.relay", fail)
    first.data(b"x")
    code, reason = first.closed_with()
    (event,) = logged_errors
    logged_errors.clear()
    assert (code, reason) == (4008, f"internal;ref={event['reference']}")
    assert controls(second) == [{"type": "left", "session": first.session, "reason": "closed"}]


def test_an_internal_error_at_the_start_closes_too(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(relay.service.devices, "open_session", fail)
    wire = relay.connect()
    wire.upgrade()
    assert wire.closed_with()[0] == 4008
    assert len(logged_errors) == 1
    logged_errors.clear()


class TestAReceiverThatDoesNotRead:
    """Its transport says that its buffer is full; the test plays the transport."""

    @pytest.fixture
    def stuck(self, pair: tuple[Wire, Wire]) -> tuple[Wire, Wire]:
        first, second = pair
        second.fill_up()
        return first, second

    def fill(self, sender: Wire, size: int) -> None:
        """Frames of SMALL bytes, as they go out."""
        for _ in range(size // SMALL):
            sender.data(bytes(SMALL - 16 - 4))

    def test_gets_more_until_its_high_mark_and_then_its_sender_waits(
        self, stuck: tuple[Wire, Wire]
    ) -> None:
        first, second = stuck
        self.fill(first, HIGH_MARK)
        assert first.transport.producerState == "producing"
        self.fill(first, SMALL)
        assert first.transport.producerState == "paused"
        assert first.frames() == []
        second.empty()
        assert len(second.taken()) == HIGH_MARK + SMALL

    def test_lets_its_sender_go_on_when_it_has_drained(self, stuck: tuple[Wire, Wire]) -> None:
        first, second = stuck
        self.fill(first, HIGH_MARK + SMALL)
        second.empty()
        assert first.transport.producerState == "producing"

    def test_is_busy_beyond_its_budget_and_the_sender_learns_it(
        self, stuck: tuple[Wire, Wire]
    ) -> None:
        first, second = stuck
        self.fill(first, HIGH_MARK + SMALL)
        first.data(b"one too many", to=second.session, id=99)
        (nack,) = first.frames()
        assert read_header(nack.payload) == (
            Kind.NACK,
            0,
            Reason.BUSY,
            first.session,
            second.session,
            99,
        )

    def test_is_closed_when_even_control_messages_do_not_fit(
        self, relay: Relay, stuck: tuple[Wire, Wire]
    ) -> None:
        first, second = stuck
        self.fill(first, HIGH_MARK + SMALL)
        connection = relay.broker.channels
        (channel,) = connection.values()
        outbox = channel.sessions[second.session].outbox
        for _ in range(CONTROL_RESERVE // 1000 + 1):
            outbox.send_control(b" " * 1000)
        assert relay.broker.joined == 2
        relay.clock.advance(0)
        second.empty()
        assert second.closed_with() == (4004, "slow;rule=unread")
        assert relay.broker.joined == 1

    def test_is_told_of_its_peers_all_the_same(
        self, relay: Relay, stuck: tuple[Wire, Wire]
    ) -> None:
        first, second = stuck
        self.fill(first, HIGH_MARK + SMALL)
        third = relay.join(b"device-c")
        second.empty()
        assert [told["session"] for told in controls(second)] == [third.session]


class Watched(DeviceConnection):
    """A connection that can be referred to weakly."""


ENDS: dict[str, bytes] = {
    "a close": close_frame(1000),
    "a text": client_frame(TEXT, b"{}"),
    "a violation": client_frame(TEXT, b"\xff"),
    "the loss of the connection": b"",
    "that in the middle of fragments": client_frame(BINARY, b"x", fin=False),
    "that in the middle of a message": client_frame(BINARY, bytes(99))[:50],
    "that in the middle of a ping": client_frame(PING, bytes(99))[:50],
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_nothing_keeps_a_closed_connection_alive(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr("vaultrelay.websocket.factory.DeviceConnection", Watched)
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.data(b"x")
    gc.collect()
    gc.disable()
    try:
        gone = weakref.ref(first.protocol)
        first.send(end)
        first.hang_up()
        # As streams do.
        first.transport.protocol = None
        del first
        assert gone() is None
    finally:
        gc.enable()
    assert second.frames()


def test_a_transport_of_twisted_has_no_allowance(relay: Relay, monkeypatch: Any) -> None:
    """Endpoints of Twisted plugins bring their own transports."""
    monkeypatch.delattr(Transport, "read_again")
    wire = relay.join()
    connection = wire.protocol
    ledger = relay.service.hub.ledger
    ledger.add(ledger.full - 1000)
    wire.send(client_frame(BINARY, pack_data(wire.session, 0, 1, b"x" * 100))[:-1])
    assert connection.partial is not None
    relay.clock.advance(1)
    assert connection.partial.is_reserved
    wire.send(close_frame(1000))
    connection.close(4000, "restart")
    assert not connection.is_open
