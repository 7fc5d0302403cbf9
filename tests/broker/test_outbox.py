"""What an Outbox promises, which the recording one of these tests must keep like the real one."""

import pytest

from tests.broker.fakes import Closed, FakeClock, RecordingOutbox
from vaultrelay.broker.outbox import Clock, Outbox, Room
from vaultrelay.wire.control import Left
from vaultrelay.wire.data import Reason, pack_data, pack_nack

LEFT = Left(2, "closed")


@pytest.fixture
def outbox() -> Outbox:
    return RecordingOutbox()


def test_only_an_open_queue_passes_without_a_second_look() -> None:
    assert [bool(room) for room in (Room.OPEN, Room.HIGH, Room.FULL)] == [False, True, True]


@pytest.mark.parametrize(
    ("room", "taken"), [(Room.OPEN, True), (Room.HIGH, True), (Room.FULL, False)]
)
def test_a_message_is_taken_unless_the_queue_is_full(room: Room, taken: bool) -> None:
    outbox = RecordingOutbox()
    outbox.room = room
    message = pack_data(2, 1, 1, b"")
    assert outbox.deliver(message) is room
    assert [item is message for item in outbox.got] == [True] * taken


def test_a_full_queue_takes_control_messages_and_nacks() -> None:
    outbox = RecordingOutbox()
    outbox.room = Room.FULL
    outbox.tell(LEFT.encode())
    outbox.notify(pack_nack(1, 2, 3, Reason.BUSY))
    assert outbox.got == [LEFT, (1, 2, 3, Reason.BUSY)]


def test_what_goes_out_is_said_and_a_pong_is_heard(outbox: Outbox) -> None:
    outbox.ping()
    assert outbox.said
    assert outbox.heard


def test_after_its_close_an_outbox_does_nothing() -> None:
    outbox = RecordingOutbox()
    outbox.close(4000, "restart")
    outbox.close(4001, "idle")
    outbox.tell(LEFT.encode())
    outbox.deliver(pack_data(2, 1, 1, b""))
    outbox.notify(pack_nack(1, 2, 3, Reason.GONE))
    outbox.ping()
    outbox.pause()
    outbox.resume()
    assert outbox.got == [Closed(4000, "restart")]
    assert (outbox.pings, outbox.switches) == (0, [])


def test_a_clock_makes_its_calls_in_the_order_of_their_moments() -> None:
    fake = FakeClock()
    clock: Clock = fake
    start = clock.seconds()
    moments: list[float] = []
    for delay in (3.0, 1.0, 2.0):
        clock.callLater(delay, lambda: moments.append(clock.seconds() - start))
    fake.advance(2.5)
    assert moments == [1.0, 2.0]
    fake.advance(0.5)
    assert moments == [1.0, 2.0, 3.0]
