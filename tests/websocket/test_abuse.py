"""What one connection can make the relay hold or do, however it tries."""

from typing import Any

import pytest

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
from tests.memory import Relay, Wire
from vaultrelay.policy.limits.floods import AFTER_CLOSE_BYTES, FRAGMENTS_PER_MESSAGE, FRAMES_BURST
from vaultrelay.policy.limits.memory import FRAME_READER_BYTES
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS, PONG_SECONDS, STANDSTILL_SECONDS
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import EVERYONE, pack_data


@pytest.fixture
def relay() -> Relay:
    return Relay()


def kept_by(wire: Wire) -> int:
    """The bytes that Autobahn and the connection keep of what came."""
    receiver: Any = wire.protocol._receiver
    reader, foreign = receiver.reader, receiver._foreign
    kept = [
        *(receiver._held._messages if receiver._held else ()),
        reader._head,
        reader.partial._payload if reader.partial else b"",
    ]
    if foreign is not None:
        kept += [foreign.data, *(getattr(foreign, "control_frame_data", None) or ())]
        kept += foreign.message._parts if foreign.message is not None else []
    return sum(map(len, kept), int(reader.rest_bytes))


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_nothing_is_kept_of_a_control_frame_that_claims_to_be_huge(
    relay: Relay, opcode: int
) -> None:
    wire = relay.connect()
    wire.upgrade()
    wire.frames()
    wire.send(bytes([0x80 | opcode, 0xFF]) + (1 << 40).to_bytes(8, "big") + bytes(4))
    assert wire.closed_with()[0] == 1002
    for _ in range(50):
        wire.send(bytes(65536))
    assert kept_by(wire) == 0


def test_nothing_is_kept_of_what_comes_after_the_end(relay: Relay) -> None:
    wire = relay.join()
    wire.send(close_frame(1000))
    for _ in range(50):
        wire.send(bytes(65536))
    assert kept_by(wire) == 0


@pytest.mark.parametrize("opcode", [BINARY, TEXT, CONTINUATION])
def test_nothing_is_kept_of_a_message_that_claims_to_be_huge_after_a_refusal(
    relay: Relay, opcode: int
) -> None:
    wire = relay.join()
    wire.send(client_frame(TEXT, b"{}"))
    assert wire.closed_with()[0] == CloseCode.BAD_MESSAGE.number
    wire.send(bytes([0x80 | opcode, 0xFF]) + (1 << 62).to_bytes(8, "big") + bytes(4))
    while wire.is_read and not wire.transport.disconnecting:
        wire.send(b"\xff" * 65536)
        assert kept_by(wire) == 0
        assert relay.service.devices.ledger.held == FRAME_READER_BYTES
    wire.hang_up()
    assert relay.service.devices.ledger.held == 0


def test_what_comes_after_the_connection_was_lost_goes_nowhere(relay: Relay) -> None:
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    message = client_frame(BINARY, pack_data(EVERYONE, first.session, 1, b"x"))
    first.send(message)
    first.hang_up()
    second.frames()
    first.send(message)
    assert second.frames() == []


def test_a_message_has_so_many_fragments_and_no_more(relay: Relay) -> None:
    wire = relay.join()
    wire.send(client_frame(BINARY, b"", fin=False))
    wire.send(client_frame(CONTINUATION, b"", fin=False) * (FRAGMENTS_PER_MESSAGE - 1))
    assert wire.frames() == []
    wire.send(client_frame(CONTINUATION, b"", fin=False))
    assert wire.closed_with() == (4501, "bad_message;rule=fragments")


@pytest.mark.parametrize(
    "frame",
    [client_frame(PONG), client_frame(BINARY, b"", fin=False)],
    ids=["pongs", "fragments"],
)
def test_before_the_join_a_flood_of_frames_ends_the_connection(relay: Relay, frame: bytes) -> None:
    wire = relay.connect()
    wire.upgrade()
    wire.frames()
    wire.send(frame * (FRAMES_BURST + 1))
    assert wire.closed_with()[0] in (4005, 4501)


def test_after_the_join_a_flood_of_pongs_is_read_at_the_rate_of_frames(relay: Relay) -> None:
    wire = relay.join()
    wire.send(client_frame(PONG) * (FRAMES_BURST + 100))
    assert wire.transport.producerState == "paused"
    relay.advance(1, tick=0.1)
    assert wire.transport.producerState == "producing"


def test_a_device_whose_queue_is_above_its_high_mark_gets_its_pongs_later(
    relay: Relay,
) -> None:
    first, second = relay.join(), relay.join(b"device-b")
    second.fill_up()
    while not second.queue_is_high:
        first.data(bytes(1000))
    second.send(client_frame(PING, b"x"))
    second.empty()
    assert PONG not in [frame.opcode for frame in second.frames()]
    relay.clock.advance(0)
    assert second.frames() == [Frame(PONG, True, b"x")]


class TestARest:
    """A device over its rate is not served what was read of it already, until it has paid."""

    @pytest.fixture
    def pair(self) -> tuple[Relay, Wire, Wire]:
        relay = Relay(limits=SessionLimits(messages_per_second=10))
        first, second = relay.join(b"device-a"), relay.join(b"device-b")
        first.frames()
        return relay, first, second

    def messages(self, first: Wire, count: int, start: int = 0) -> list[bytes]:
        return [pack_data(EVERYONE, first.session, id, b"x") for id in range(start, start + count)]

    @pytest.mark.parametrize("fragmented", [False, True])
    def test_one_read_full_of_messages_passes_in_order_at_its_rate(
        self, pair: tuple[Relay, Wire, Wire], fragmented: bool
    ) -> None:
        relay, first, second = pair
        sent = self.messages(first, 1000)
        if fragmented:
            halves = [(message[:8], message[8:]) for message in sent]
            frames = [
                client_frame(BINARY, a, fin=False) + client_frame(CONTINUATION, b)
                for a, b in halves
            ]
        else:
            frames = [client_frame(BINARY, message) for message in sent]
        first.send(b"".join(frames))
        passed = [frame.payload for frame in second.frames()]
        assert len(passed) == 11, "the one that cost too much was the last"
        first.send(client_frame(PING, b"behind them"))
        for _ in range(2 * len(sent)):
            relay.advance(1, tick=0.1)
            passed += [frame.payload for frame in second.frames() if frame.opcode == BINARY]
            second.send(client_frame(PONG))
            if len(passed) == len(sent):
                break
        assert passed == sent
        relay.advance(2, tick=0.1)
        assert Frame(PONG, True, b"behind them") in first.frames()
        assert first.transport.producerState == "producing"

    def test_what_is_left_is_dropped_with_the_session(self, pair: tuple[Relay, Wire, Wire]) -> None:
        relay, first, second = pair
        first.send(b"".join(client_frame(BINARY, each) for each in self.messages(first, 50)))
        second.frames()
        first.hang_up()
        relay.advance(10)
        assert [frame.opcode for frame in second.frames() if frame.opcode == BINARY] == []
        assert relay.clock.getDelayedCalls() == []

    def test_an_error_in_what_is_left_closes_too(
        self,
        pair: tuple[Relay, Wire, Wire],
        monkeypatch: pytest.MonkeyPatch,
        logged_errors: list[Any],
    ) -> None:
        relay, first, _ = pair
        first.send(b"".join(client_frame(BINARY, each) for each in self.messages(first, 50)))

        def fail(*_: object) -> int:
            raise RuntimeError("a mistake of ours")

        monkeypatch.setattr("vaultrelay.broker.channel.Channel.relay", fail)
        relay.advance(2, tick=0.1)
        assert first.closed_with()[0] == 4008
        assert len(logged_errors) == 1
        logged_errors.clear()

    def test_a_second_reason_to_wait_is_waited_for(self, pair: tuple[Relay, Wire, Wire]) -> None:
        relay, first, second = pair
        first.send(b"".join(client_frame(BINARY, each) for each in self.messages(first, 50)))
        passed = len(second.frames())
        connection = first.protocol
        connection.resume()
        connection.pause()
        relay.clock.advance(0)
        assert second.frames() == []
        connection.resume()
        relay.advance(10, tick=0.1)
        frames = [frame for frame in second.frames() if frame.opcode == BINARY]
        assert passed + len(frames) == 50

    def test_a_close_of_ours_is_heard_at_once(self, pair: tuple[Relay, Wire, Wire]) -> None:
        relay, first, _ = pair
        first.send(b"".join(client_frame(BINARY, each) for each in self.messages(first, 50)))
        relay.broker.drain(0)
        relay.broker.tick()
        assert first.closed_with() == (4000, "restart")
        assert first.transport.producerState == "producing"


def test_nobody_is_judged_for_the_time_in_which_the_relay_stood_still(relay: Relay) -> None:
    wire = relay.join()
    relay.advance(60)
    assert [frame.opcode for frame in wire.frames()] == [PING]
    relay.advance(PONG_SECONDS + STANDSTILL_SECONDS, tick=PONG_SECONDS + STANDSTILL_SECONDS)
    wire.send(client_frame(PONG))
    relay.advance(3)
    assert wire.frames() == []
    assert relay.broker.joined == 1


def test_one_connection_that_cannot_be_written_to_keeps_nothing_from_the_others(
    logged_errors: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay()
    first, broken, third = (relay.join(bytes([65 + n]) * 8) for n in range(3))
    for wire in (first, broken, third):
        wire.frames()

    def fail(data: bytes) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(broken.transport, "write", fail)
    message = first.data(b"to both")
    assert [frame.payload for frame in third.frames()] == [message]
    assert broken.transport.aborted
    assert len(logged_errors) == 1
    logged_errors.clear()


@pytest.mark.parametrize("kind", ["pings", "data", "texts"])
def test_a_device_that_talks_on_after_its_close_is_not_read_for_long(kind: str) -> None:
    relay = Relay()
    wire = relay.join()
    wire.send(client_frame(TEXT, b"{}"))
    assert wire.closed_with()[0] == CloseCode.BAD_MESSAGE.number
    said = {
        "pings": client_frame(PING) * 10_000,
        "data": client_frame(BINARY, bytes(60_000)),
        "texts": client_frame(TEXT, b"{}") * 1000,
    }[kind]
    rounds = AFTER_CLOSE_BYTES // len(said) + 2
    for _ in range(rounds):
        if wire.transport.producerState == "paused":
            break
        wire.send(said)
    assert wire.transport.producerState == "paused"
    wire.send(client_frame(CLOSE, (1000).to_bytes(2, "big")))
    relay.advance(CLOSE_SECONDS)
    assert wire.transport.aborted


def test_what_was_under_way_at_a_close_does_not_keep_its_answer_from_being_heard() -> None:
    relay = Relay()
    wire = relay.join()
    wire.send(client_frame(TEXT, b"{}"))
    for _ in range(50):
        wire.send(client_frame(BINARY, bytes(60_000)))
    wire.send(client_frame(CLOSE, (4501).to_bytes(2, "big")))
    assert wire.transport.disconnecting
    assert not wire.transport.aborted
