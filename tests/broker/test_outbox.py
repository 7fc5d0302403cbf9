"""The Outbox of the broker's tests keeps what the real one promises; and so does their clock."""

import pytest

from tests.broker.fakes import Closed, FakeClock, Nack, RecordingOutbox
from tests.outbox_contract import OutboxContract
from vaultrelay.broker.outbox import Clock, Room
from vaultrelay.wire.data import Reason, pack_nack


class FakeCase:
    """The recording outbox, as full as it is told to be."""

    def __init__(self) -> None:
        self.outbox = RecordingOutbox()

    def fill(self, room: Room) -> None:
        self.outbox.room = room

    def empty(self) -> None:
        self.outbox.room = Room.OPEN

    def taken(self) -> list[bytes]:
        got, self.outbox.got = self.outbox.got, []
        return [in_bytes(item) for item in got if not isinstance(item, Closed)]


def in_bytes(item: object) -> bytes:
    """What the outbox decoded, as it came."""
    if isinstance(item, Nack) and isinstance(item.reason, Reason):
        return pack_nack(item.to, item.peer, item.id, item.reason)
    encode = getattr(item, "encode", None)
    return encode() if encode else bytes(item)  # type: ignore[call-overload, no-any-return]


class TestTheFake(OutboxContract):
    @pytest.fixture
    def case(self) -> FakeCase:
        return FakeCase()


def test_only_an_open_queue_passes_without_a_second_look() -> None:
    assert [bool(room) for room in (Room.OPEN, Room.HIGH, Room.FULL)] == [False, True, True]


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
