"""Messages of one read come to the same, together or one by one."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.broker.fakes import Device, RecordingOutbox, Relay
from vaultrelay.broker.outbox import Room
from vaultrelay.wire.data import EVERYONE, pack_data

SENDER, MEMBERS, GONE = 1, 4, 9
MESSAGES = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([2, 2, 2, 3, GONE, EVERYONE, EVERYONE]),
            st.just(SENDER),
            st.integers(0, 9).map(bytes),
        ),
        st.tuples(st.just(2), st.sampled_from([SENDER, SENDER, 7]), st.just(b"")),
        st.just((SENDER, SENDER, b"")),
    ),
    min_size=1,
    max_size=30,
)
ROOMS = st.sampled_from([Room.OPEN, Room.OPEN, Room.OPEN, Room.HIGH, Room.FULL])


class Scene:
    """A channel whose members have the same room in both scenes."""

    def __init__(self, rooms: list[Room], messages: int, octets: int) -> None:
        self.relay = Relay(messages_per_second=messages, bytes_per_second=octets)
        self.sender, *self.others = self.members = self.relay.meet(MEMBERS)
        for member, room in zip(self.members, rooms, strict=True):
            member.outbox.room = room

    def outcome(self) -> list[Any]:
        """All that can be seen of what was sent."""
        session, counters = self.sender.session, self.relay.broker.counters
        return [
            [each.read() for each in self.members],
            [each.outbox.switches for each in self.members],
            (session.messages_in, session.bytes_in, counters.messages, counters.bytes),
            session.rates.affordable(1),
            counters.undelivered,
            session.stage,
        ]


def together(sender: Device, messages: list[bytes]) -> int:
    """Send messages as one read brings them; return how many were taken until a pause."""
    end = 0
    while end < len(messages) and not sender.paused():
        end = sender.session.data_received(messages, end)
    return end


def singly(sender: Device, messages: list[bytes]) -> int:
    """Do the same, one after another."""
    for count, message in enumerate(messages):
        if sender.paused():
            return count
        assert sender.session.data_received([message]) == 1
    return len(messages)


@given(
    MESSAGES,
    st.lists(ROOMS, min_size=MEMBERS, max_size=MEMBERS),
    st.sampled_from([0, 1, 7, 20, 1000]),
    st.sampled_from([0, 40, 300, 10_000]),
)
@settings(max_examples=400)
def test_a_read_comes_to_the_same_together_or_one_by_one(
    sent: list[tuple[int, int, bytes]], rooms: list[Room], messages: int, octets: int
) -> None:
    packed = [
        pack_data(to, sender, id, payload) for id, (to, sender, payload) in enumerate(sent, 1)
    ]
    outcomes: list[Any] = []
    ways: list[Callable[[Device, list[bytes]], int]] = [together, singly]
    for way in ways:
        scene = Scene(rooms, messages, octets)
        outcomes.append((way(scene.sender, packed), scene.outcome()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("to", [2, EVERYONE])
def test_a_run_is_delivered_at_once(to: int) -> None:
    scene = Scene([Room.OPEN] * MEMBERS, 0, 0)
    messages = [pack_data(to, SENDER, id, b"") for id in range(20)]
    assert scene.sender.session.data_received(messages) == 20
    assert scene.others[0].read() == messages


@pytest.mark.parametrize("room", [Room.HIGH, Room.FULL])
def test_what_one_receiver_has_to_wait_for_goes_to_all_alone(room: Room) -> None:
    scene = Scene([Room.OPEN] * (MEMBERS - 1) + [room], 0, 0)
    messages = [pack_data(EVERYONE, SENDER, id, b"") for id in range(20)]
    assert scene.sender.session.data_received(messages) == 1
    assert scene.others[0].read() == messages[:1]
    assert scene.sender.paused()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[RecordingOutbox]:
    """The outboxes that are asked whether they are clear; those without a `room` are not."""
    asked: list[RecordingOutbox] = []

    def is_clear(outbox: RecordingOutbox) -> bool:
        asked.append(outbox)
        return outbox.room is Room.OPEN

    monkeypatch.setattr(RecordingOutbox, "is_clear", property(is_clear))
    monkeypatch.setattr(RecordingOutbox, "deliver", lambda *_: Room.OPEN)
    return asked


def test_no_receiver_is_looked_at_for_a_message_that_is_no_run(
    looks: list[RecordingOutbox],
) -> None:
    scene = Scene([Room.OPEN] * MEMBERS, 0, 0)
    messages = [pack_data(to, SENDER, 1, b"") for to in (EVERYONE, 2, EVERYONE, 3)]
    assert together(scene.sender, messages) == 4
    assert looks == []


def test_one_that_is_full_is_looked_at_alone(looks: list[RecordingOutbox]) -> None:
    scene = Scene([Room.OPEN] * (MEMBERS - 1) + [Room.FULL], 0, 0)
    messages = [pack_data(EVERYONE, SENDER, id, b"") for id in range(20)]
    assert together(scene.sender, messages) == 20
    outboxes = [each.outbox for each in scene.others]
    assert looks == outboxes + outboxes[-1:] * 18
    outboxes[-1].room = Room.OPEN
    assert scene.sender.session.data_received(messages) == 20


def test_a_full_one_that_left_or_sends_itself_is_not_asked(looks: list[RecordingOutbox]) -> None:
    scene = Scene([Room.OPEN] * (MEMBERS - 1) + [Room.FULL], 0, 0)
    messages = [pack_data(EVERYONE, SENDER, id, b"") for id in range(20)]
    last = scene.others[-1]
    assert scene.sender.session.data_received(messages) == 1
    from_last = [pack_data(EVERYONE, last.number, id, b"") for id in range(20)]
    assert last.session.data_received(from_last) == 20
    last.leave()
    assert scene.sender.session.data_received(messages) == 20
