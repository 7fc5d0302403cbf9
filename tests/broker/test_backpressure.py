"""Backpressure: of many readers each goes on in the end, and the memory suffices."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.broker.fakes import FakeClock
from vaultrelay.broker.backpressure import Backpressure
from vaultrelay.broker.current_shares import measure
from vaultrelay.broker.pressed_reader import holding_of
from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import SLOW_SECONDS, UNFINISHED_SECONDS
from vaultrelay.policy.limits.pressure import RESUMED_AT_ONCE
from vaultrelay.policy.limits.streams import ONE_READ_BYTES
from vaultrelay.websocket.frame_reader import FrameReader

KIB = 1024
LIMIT = 4096 * KIB
MESSAGE = 1024 * KIB


class Reader:
    """A device that sends messages of given sizes; its peer holds them until it takes them."""

    def __init__(self, relay: "Relay", channel: int, sizes: list[int]) -> None:
        self.relay = relay
        self.sizes = sizes
        self.gate = ReadGate(self)  # type: ignore[arg-type]
        self.session: Any = SimpleNamespace(
            channel=SimpleNamespace(key=b"%d" % channel),
            budgets=(),
            flow=SimpleNamespace(gate=self.gate),
        )
        self.shared_bytes = 0
        self.is_paused = False
        self.received = self.counted = self.queued = 0
        self.most = MESSAGE
        self.received_since_tick = self.relieved = False
        self.transport: Any = self

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    @property
    def held_bytes(self) -> int:
        return self.counted + self.queued

    @property
    def partial_bytes(self) -> int | None:
        return self.received or None

    @property
    def partial(self) -> "Reader | None":
        return self if self.received else None

    @property
    def missing_bytes(self) -> int:
        return self.sizes[0] - self.received if self.received else 0

    @property
    def is_reserved(self) -> bool:
        return self.counted > self.received

    def reserve(self) -> None:
        self._count(self.sizes[0])

    def read_again(self) -> None:
        """The test reads all."""

    def unreserve(self) -> None:
        self._count(self.received)

    def relieve(self) -> None:
        self.relieved = True
        self.gate.close()
        self.session = None
        self._count(0)
        self.take()
        self.sizes, self.received = [], 0

    def _count(self, size: int) -> None:
        self.relay.ledger.add(size - self.counted)
        self.counted = size

    def read(self) -> bool:
        """Read once, if the relay does; return whether it did."""
        ledger = self.relay.ledger
        if self.is_paused or not self.sizes:
            return False
        allowed = min(self.missing_bytes, 1 << 18) if self.is_reserved else 0
        size = min(ledger.read_bytes or allowed, self.most, self.sizes[0] - self.received)
        if not size:
            return False
        self.received += size
        if self.received == self.sizes[0]:
            self._count(0)
            self.queued += self.sizes.pop(0)
            ledger.add(self.received)
            self.received = 0
        elif self.received > self.counted:
            self._count(self.received)
        if ledger.is_pressed:
            self.relay.pressure.check(self)
        return True

    def take(self) -> None:
        """The peer takes all that waits for it."""
        queued, self.queued = self.queued, 0
        self.relay.ledger.add(-queued)


class Relay:
    def __init__(self, sizes: list[list[int]], message_bytes: int = MESSAGE) -> None:
        self.clock = FakeClock()
        self.ledger = Ledger(LIMIT, message_bytes)
        self.readers: list[Reader] = []
        self.pressure = Backpressure(self.ledger, self.clock, self.readers)
        self.readers += [Reader(self, number, each) for number, each in enumerate(sizes)]

    def turn(self) -> None:
        self.clock.advance(0)

    def is_done(self) -> bool:
        return not any(each.sizes for each in self.readers)


SIZES = st.lists(
    st.lists(st.integers(KIB, MESSAGE), min_size=1, max_size=4), min_size=1, max_size=40
)
ORDER = st.lists(st.tuples(st.integers(0, 39), st.sampled_from(["read", "read", "take"])))


@given(SIZES, ORDER)
@settings(max_examples=50, deadline=None)
def test_all_messages_end_within_the_limit_if_receivers_take(
    sizes: list[list[int]], order: list[tuple[int, str]]
) -> None:
    relay = Relay([list(each) for each in sizes])
    readers = relay.readers
    for number, what in order:
        getattr(readers[number % len(readers)], what)()
        relay.turn()
        assert relay.ledger.held == sum(each.held_bytes for each in readers) <= LIMIT
    for _ in range(2000):
        for each in readers:
            each.read()
            assert relay.ledger.held <= LIMIT
        relay.turn()
        for each in readers:
            each.take()
        relay.clock.advance(0.1)
        if relay.is_done():
            break
    assert relay.is_done(), "each reader has had its turn"
    assert not any(each.relieved for each in readers)
    assert relay.ledger.held == 0
    relay.clock.advance(2)
    assert relay.pressure.waiting == 0
    assert not any(each.is_paused for each in readers)
    assert relay.clock.pending == 0, "nothing is left to do without pressure"


DEVICES = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.lists(st.integers(MESSAGE // 4, MESSAGE), min_size=1, max_size=3),
        st.sampled_from(["sends", "sends", "drips", "falls silent"]),
        st.sampled_from([1, 10, 30, 4 * SLOW_SECONDS]),
    ),
    min_size=10,
    max_size=25,
)
"""The channel of each, the sizes of its messages, how it sends them, and how many quarters of a
second its receiver takes between two looks. A slower one is closed by a rule of its own."""


@given(DEVICES)
@settings(max_examples=15, deadline=None)
def test_some_can_always_go_on_whatever_others_do(
    devices: list[tuple[int, list[int], str, int]],
) -> None:
    relay = Relay([list(sizes) for _, sizes, _, _ in devices])
    sent = list(zip(relay.readers, devices, strict=True))
    for each, (channel, _, sending, _) in sent:
        each.session.channel.key = b"%d" % channel
        if sending == "drips":
            # Somewhat more than the least progress.
            each.most = 5 * KIB
    for step in range(1200):
        for each, (_, _, sending, takes_after) in sent:
            if sending != "falls silent" or not each.received:
                each.read()
            if step % takes_after == takes_after - 1:
                each.take()
            assert relay.ledger.held <= LIMIT
        assert relay.ledger.held == sum(each.held_bytes for each in relay.readers)
        relay.clock.advance(0.25)
        if step % 8 == 0:
            assert_only_reservations_are_waited_for(relay)
    assert not [each for each, (_, _, sending, _) in sent if sending == "sends" and each.sizes]


def assert_only_reservations_are_waited_for(relay: Relay) -> None:
    """Those of channels below their shares wait for nothing else, but for a moment."""
    found = waiting_without_need(relay)
    relay.clock.advance(0.25)
    assert not found & waiting_without_need(relay)


def waiting_without_need(relay: Relay) -> set[Reader]:
    shares = measure(relay.readers, relay.ledger)
    waiting = {each for each in relay.readers if each.is_paused and each.session}
    return {
        each for each in waiting if not each.missing_bytes and not shares.is_over(holding_of(each))
    }


def full_of_partials() -> Relay:
    relay = Relay([[MESSAGE] for _ in range(300)])
    for each in relay.readers:
        each.read()
    return relay


def test_one_of_many_messages_that_fill_the_memory_can_always_end() -> None:
    relay = full_of_partials()
    relay.turn()
    assert 0 < relay.pressure.waiting <= relay.pressure.waits
    assert any(each.is_reserved for each in relay.readers)


def test_what_never_goes_on_is_given_up() -> None:
    relay = full_of_partials()
    relay.clock.advance(100)
    assert any(each.relieved for each in relay.readers)


def test_where_nothing_is_freed_the_largest_share_is_closed_first() -> None:
    relay = Relay([[KIB]] * 2)
    first, second = relay.readers
    second.sizes = []
    second.queued = 64 * KIB
    first.queued = LIMIT - MESSAGE - ONE_READ_BYTES
    relay.ledger.add(first.queued + second.queued)
    relay.pressure.check(first)
    assert first.is_paused
    relay.clock.advance(UNFINISHED_SECONDS - 1)
    assert not first.relieved
    relay.clock.advance(3)
    assert (first.relieved, second.relieved) == (True, False)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_those_that_hold_their_shares_leave_one_to_the_next(channels: int) -> None:
    relay = Relay([[32 * KIB] * 200 for _ in range(channels)] + [[KIB]], 32 * KIB)
    *crowd, newcomer = relay.readers
    for _ in range(LIMIT // (32 * KIB)):
        for each in crowd:
            each.read()
        # Shares are measured anew from time to time.
        relay.clock.advance(0.01)
    assert relay.ledger.read_bytes
    assert newcomer.read()
    assert not newcomer.is_paused


def test_the_rest_of_a_message_counts_before_it_has_come() -> None:
    """One snapshot of the shares would let a whole crowd reserve otherwise."""
    relay = Relay([[MESSAGE]] * 8)
    for each in relay.readers:
        each.session.channel.key = b"one channel"
        each.read()
    relay.ledger.add(LIMIT // 2)
    relay.pressure.check(relay.readers[0])
    relay.turn()
    share = relay.ledger.least_share
    assert sum(each.held_bytes for each in relay.readers) <= share + MESSAGE, "one in the last part"
    assert any(each.is_paused for each in relay.readers)


def test_one_message_ends_in_the_last_part_while_others_hold_reservations() -> None:
    relay = Relay([[MESSAGE]] * 12)
    for each in relay.readers:
        each.received = 1
        each.reserve() if each is relay.readers[0] else each.unreserve()
    relay.ledger.add(relay.ledger.full - relay.ledger.held)
    relay.pressure.check(relay.readers[1])
    relay.clock.advance(0.1)
    assert [each.is_reserved for each in relay.readers].count(True) == 2
    assert relay.readers[1].is_reserved, "it waits longest"
    assert relay.ledger.held <= LIMIT


def test_those_that_wait_are_checked_against_their_share_again() -> None:
    relay = Relay([[256 * KIB]] * 3, 256 * KIB)
    first, second, third = relay.readers
    for each in relay.readers:
        each.received = 1
        each.unreserve()
    relay.ledger.add(relay.ledger.full - relay.ledger.held)
    for each in relay.readers:
        relay.pressure.check(each)
    relay.clock.advance(0.1)
    assert first.is_reserved, "in the last part"
    # Its queue grows while it waits.
    second.queued = relay.ledger.full // 3
    relay.clock.advance(0.1)
    relay.ledger.add(-512 * KIB)
    relay.clock.advance(0)
    assert (second.is_reserved, third.is_reserved) == (False, True)


def waiting_for_room(count: int) -> Relay:
    """Small messages that have begun, in a relay that is full."""
    relay = Relay([[KIB]] * count, 32 * KIB)
    for each in relay.readers:
        each.received = 1
        each.unreserve()
    relay.ledger.add(relay.ledger.full - relay.ledger.held)
    for each in relay.readers:
        relay.pressure.check(each)
    assert all(each.is_paused for each in relay.readers)
    return relay


def test_none_waits_behind_those_that_have_room() -> None:
    relay = waiting_for_room(3 * RESUMED_AT_ONCE + 1)
    *crowd, newcomer = relay.readers
    relay.pressure.forget(newcomer)
    newcomer.gate.remove_reason(relay.pressure)
    relay.ledger.add(-len(crowd) * 2 * KIB)
    relay.pressure.check(newcomer)
    assert newcomer.is_reserved
    assert all(each.is_paused for each in crowd), "not looked at yet"
    relay.turn()
    assert all(each.is_reserved for each in crowd), "without any time between them"


def test_a_message_with_room_waits_behind_one_without() -> None:
    relay = waiting_for_room(3)
    first, second, newcomer = relay.readers
    relay.clock.advance(0.1)
    assert first.is_reserved, "in the last part"
    second.sizes = [relay.ledger.least_share - KIB]
    relay.pressure.forget(newcomer)
    newcomer.gate.remove_reason(relay.pressure)
    relay.ledger.add(-8 * KIB)
    relay.pressure.check(newcomer)
    assert newcomer.is_paused


def test_messages_far_above_their_share_are_closed_after_a_while() -> None:
    relay = Relay([[64 * KIB]] * 8, 64 * KIB)
    *crowd, busy, _, _ = relay.readers
    busy.queued = 64 * KIB
    relay.ledger.add(busy.queued)
    for each in crowd:
        each.received = 1
        each.unreserve()
        each.session.channel.key = b"one channel"
        each.queued = 450 * KIB
        relay.ledger.add(each.queued)
    for each in crowd:
        relay.pressure.check(each)
    for _ in range(UNFINISHED_SECONDS):
        # Something is freed all the time.
        relay.ledger.add(1)
        relay.ledger.add(-1)
        relay.clock.advance(0.9)
        assert not any(each.relieved for each in relay.readers)
    relay.clock.advance(5)
    assert any(each.relieved for each in crowd)
    assert not busy.relieved


def test_a_closed_reader_is_forgotten() -> None:
    relay = full_of_partials()
    relay.turn()
    for each in list(relay.readers):
        relay.readers.remove(each)
        relay.pressure.forget(each)
        each.relieve()
    relay.clock.advance(2)
    assert relay.pressure.waiting == relay.ledger.held == relay.clock.pending == 0


def test_a_pause_of_a_full_relay_is_no_silence() -> None:
    relay = Relay([[KIB]])
    relay.ledger.add(LIMIT)
    relay.turn()
    assert relay.readers[0].received_since_tick


def test_a_frame_reader_counts_its_reservation() -> None:
    ledger = Ledger(LIMIT)
    reader = FrameReader(ledger)
    reader.message_bytes = MESSAGE
    reader.feed(b"\x82\xfe\x03\xe8abcd" + bytes(100))
    partial = reader.partial
    assert partial is not None
    partial.reserve()
    assert (partial.missing_bytes, reader.bytes_allowed, ledger.held) == (900, 900, 1000)
    partial.unreserve()
    assert (reader.bytes_allowed, ledger.held) == (0, 100)
    partial.reserve()
    assert len(reader.feed(bytes(900))) == 1
    assert ledger.held == 0


class Crowd(list[Reader]):
    """Connections of which most are idle."""

    def __len__(self) -> int:
        return 20_000


def test_all_that_waited_go_on_once_memory_is_free_though_nothing_more_is_freed() -> None:
    relay = Relay([[MESSAGE] for _ in range(300)])
    relay.pressure._connections = Crowd(relay.readers)
    relay.ledger.add(relay.ledger.full)
    for each in relay.readers:
        each.received = 1
        each.unreserve()
        relay.pressure.check(each)
    assert relay.pressure.waiting == 300
    # The limit is raised, or one connection ends that held most. None of the others sends more.
    relay.ledger.configure(1 << 40)
    for _ in range(20):
        relay.turn()
    assert relay.pressure.waiting == 0
    assert not any(each.is_paused for each in relay.readers)


@pytest.mark.parametrize("waiting", [0, 2])
def test_bytes_freed_now_and_then_do_not_keep_a_full_relay_full(waiting: int) -> None:
    """Such as a ping of one that has not joined, which borrows and returns a frame reader."""
    relay = Relay([[KIB]] * 40)
    for each in relay.readers:
        each.queued = relay.ledger.full // 39
        relay.ledger.add(each.queued)
    for each in relay.readers[:waiting]:
        each.received = 1
        each.unreserve()
        relay.pressure.check(each)
    for _ in range(UNFINISHED_SECONDS * 2 + 4):
        relay.ledger.add(1)
        relay.ledger.add(-1)
        relay.clock.advance(0.5)
    assert any(each.relieved for each in relay.readers)


def test_a_full_relay_takes_reservations_back_in_one_series_of_looks() -> None:
    relay = Relay([[KIB]] * 2)
    relay.ledger.add(relay.ledger.full)
    for each in relay.readers:
        each.received = 1
        each.unreserve()
        relay.pressure.check(each)
    relay.clock.advance(UNFINISHED_SECONDS - 1)
    assert relay.pressure.waiting
    assert relay.clock.pending == 2, "the next look at all, and the one at those that wait"


def test_of_a_group_far_above_its_share_only_as_many_are_closed_as_it_takes() -> None:
    """A neighbor in the network of an attacker would be closed with it otherwise."""
    relay = Relay([[64 * KIB]] * 8, 64 * KIB)
    neighbor, *attackers = relay.readers[:5]
    for each in relay.readers:
        each.received = 1
        each.unreserve()
    for each in (neighbor, *attackers):
        each.session.channel.key = b"one group"
    for each in attackers:
        each.queued = 600 * KIB
        relay.ledger.add(each.queued)
    for each in (neighbor, *attackers):
        relay.pressure.check(each)
    for _ in range(UNFINISHED_SECONDS + 5):
        relay.ledger.add(1)
        relay.ledger.add(-1)
        relay.clock.advance(1)
    assert any(each.relieved for each in attackers)
    assert not neighbor.relieved


def test_a_message_that_failed_while_memory_was_short_before_has_all_its_time_again() -> None:
    relay = Relay([[64 * KIB] * 3] * 8, 64 * KIB)
    crowd = relay.readers[:5]

    def queue_much() -> None:
        for each in crowd:
            each.session.channel.key = b"one channel"
            each.received = 1
            each.unreserve()
            each.queued = 450 * KIB
            relay.ledger.add(each.queued)
        for each in crowd:
            relay.pressure.check(each)

    queue_much()
    relay.clock.advance(UNFINISHED_SECONDS - 1)
    assert any(each.is_paused for each in crowd)
    for each in crowd:
        each.take()
        each.received = 0
        each.unreserve()
    relay.clock.advance(UNFINISHED_SECONDS)
    assert relay.pressure.waiting == 0
    queue_much()
    relay.clock.advance(UNFINISHED_SECONDS - 1)
    assert relay.pressure.waiting
    assert not any(each.relieved for each in relay.readers)


def test_a_message_that_never_goes_on_is_closed_though_its_group_is_below_its_share() -> None:
    relay = Relay([[MESSAGE]] * 3)
    silent, busy, _ = relay.readers
    relay.ledger.add(relay.ledger.full - 2)
    for each in (silent, busy):
        each.received = 1
        each.unreserve()
        relay.pressure.check(each)
    for _ in range(UNFINISHED_SECONDS * 5):
        if busy.is_reserved:
            # Its message comes, and the next one begins.
            busy.sizes = [MESSAGE]
            busy.received = busy.counted - 1
            busy.unreserve()
            busy._count(1)
            busy.received = 1
            relay.pressure.check(busy)
        relay.ledger.add(-1)
        relay.ledger.add(1)
        relay.clock.advance(1)
    assert silent.relieved


def test_the_end_of_a_reader_costs_no_look_at_all_reservations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = full_of_partials()
    monkeypatch.setattr(relay.pressure._reserved, "prune", lambda: pytest.fail("looked at all"))
    for each in relay.readers:
        relay.pressure.forget(each)
    assert len(relay.pressure._reserved) == 0
