"""Devices that take more than their share of memory or of the disk, and one that does not."""

import pytest

from tests.mailbox.relay import LIMITS, MailDevice, MailRelay
from tests.policy.book import ELSEWHERE, ONE, a_book, settle
from vaultrelay.broker.outbox import Room
from vaultrelay.policy.limits.mailbox import (
    MAX_WAITING_BYTES,
    PAGE_BYTES,
    WAITING_PUT_BYTES,
    WINDOW_BYTES,
)
from vaultrelay.policy.limits.memory import MIN_BUFFER
from vaultrelay.wire.control.mailbox import MailboxState
from vaultrelay.wire.control.mailbox import State as Told
from vaultrelay.wire.mailbox import Item, Stored

HONEST, GREEDY = 99, 1
"""The vaults. Each address may have more, from these on."""
ITEM = 60_000
PUTS = WINDOW_BYTES // ITEM


class SharedRelay(MailRelay):
    """A relay with the least memory, whose devices have one of two addresses."""

    def __init__(self, memory: int = MIN_BUFFER) -> None:
        super().__init__()
        book = a_book()
        self.greedy, self.other = settle(book, ONE), settle(book, ELSEWHERE)
        self.ledger.configure(memory)
        self.work()

    def device(self, tag: int, vault: int = GREEDY) -> MailDevice:
        return self.mail_device(tag, vault, self.other if vault >= HONEST else self.greedy)

    def live_device(self, tag: int, vault: int = GREEDY) -> MailDevice:
        device = self.device(tag, vault).open()
        self.work()
        device.read()
        return device

    def greedy_devices(self, count: int) -> list[MailDevice]:
        """Live devices of three vaults."""
        return [self.live_device(tag, GREEDY + tag % 3) for tag in range(count)]


def fill_windows(devices: list[MailDevice]) -> None:
    """Send as many PUTs as may be unanswered."""
    for tag, device in enumerate(devices, 1):
        for number in range(PUTS):
            device.put(100 * tag + number, bytes(ITEM))


def answers(device: MailDevice) -> list[str]:
    """What became of the PUTs."""
    return [
        each.reason.name if hasattr(each, "reason") else "STORED"
        for each in device.read()
        if isinstance(each, Stored) or hasattr(each, "reason")
    ]


@pytest.fixture
def relay() -> SharedRelay:
    return SharedRelay()


def pages_that_nobody_takes(relay: SharedRelay, devices: int) -> None:
    writer = relay.live_device(1000)
    writer.put(1, bytes(LIMITS.item_bytes))
    relay.work()
    writer.leave()
    for tag in range(devices):
        relay.device(tag).take_nothing().open()
    for _ in range(devices):
        relay.work()


def test_pages_that_nobody_takes_leave_memory_to_others(relay: SharedRelay) -> None:
    pages_that_nobody_takes(relay, 90)
    assert relay.ledger.is_pressed
    assert relay.ledger.held < relay.ledger.full
    held = relay.ledger.held
    honest = relay.live_device(1, HONEST)
    honest.put(1)
    relay.work()
    assert answers(honest) == ["STORED"]
    reader = relay.device(2, HONEST).open()
    relay.work()
    assert [each for each in reader.read() if isinstance(each, Item)]
    assert relay.ledger.held == held


def test_what_is_reserved_counts_before_the_next_measurement() -> None:
    relay = SharedRelay(8 * MIN_BUFFER)
    greedy = relay.live_device(1)
    for vault in range(2, 5):
        relay.live_device(1, vault).take_nothing().outbox.held_bytes = 1
    relay.ledger.add(relay.ledger.limit // 2)
    memory = relay.streams._memory
    stream = relay.streams._streams[greedy.session]
    before = relay.ledger.held
    while not memory.is_short(stream, PAGE_BYTES):
        memory.reserve(stream, PAGE_BYTES)
    # Three channels leave a share to the fourth.
    assert relay.ledger.held - before <= relay.ledger.full // 4 + PAGE_BYTES
    assert relay.ledger.has_room(PAGE_BYTES)


def test_the_next_page_is_read_when_the_share_is_free_again(relay: SharedRelay) -> None:
    pages_that_nobody_takes(relay, 90)
    waiting = len(relay.streams._turns._short)
    assert waiting
    held = relay.connections[0].held_bytes
    assert held > LIMITS.item_bytes
    for outbox in relay.connections[:2]:
        relay.ledger.add(-outbox.held_bytes)
        outbox.held_bytes = 0
    for _ in range(5):
        relay.work()
    assert waiting - 2 <= len(relay.streams._turns._short) < waiting


def test_a_device_within_its_share_does_not_wait_for_those_above_theirs(
    relay: SharedRelay,
) -> None:
    pages_that_nobody_takes(relay, 90)
    turns = relay.streams._turns
    assert turns._short
    assert turns._call is not None
    relay.device(2, HONEST).open()
    assert turns._under_way == 1


def test_a_device_that_left_waits_for_no_page(relay: SharedRelay) -> None:
    pages_that_nobody_takes(relay, 90)
    turns = relay.streams._turns
    for stream in tuple(turns._short):
        stream.session.connection_lost(clean=True)
    assert not turns._short


def test_an_item_that_is_not_sent_at_once_is_not_counted_as_live(relay: SharedRelay) -> None:
    writer, taker, sleeper = (relay.live_device(tag) for tag in range(3))
    sleeper.outbox.room = Room.HIGH
    relay.ledger.add(relay.ledger.limit // 2 + 1)
    assert relay.ledger.is_pressed
    writer.put(1)
    relay.work()
    assert [each for each in taker.read() if isinstance(each, Item)]
    assert relay.streams.counters.delivered_live == 1


def test_a_page_under_way_is_held_by_the_ledger(relay: SharedRelay) -> None:
    relay.device(1).open()
    assert relay.ledger.held == PAGE_BYTES
    relay.work()
    assert not relay.ledger.held


def test_puts_that_wait_for_the_disk_leave_memory_to_others(relay: SharedRelay) -> None:
    honest = relay.live_device(1, HONEST)
    *crowd, late = relay.greedy_devices(20)
    fill_windows(crowd)
    assert MIN_BUFFER // 8 <= relay.ledger.held <= MIN_BUFFER // 4
    relay.clock.advance(1)
    honest.put(1)
    late.put(1)
    assert answers(late) == ["BUSY"]
    relay.work()
    assert answers(honest) == ["STORED"]
    assert not relay.ledger.held


def test_many_channels_together_hold_no_more_puts_than_all_may(relay: SharedRelay) -> None:
    crowd = [relay.live(1, vault) for vault in range(1, 41)]
    fill_windows(crowd)
    assert MIN_BUFFER // 4 - ITEM < relay.ledger.held <= MIN_BUFFER // 4 + WAITING_PUT_BYTES


def test_puts_count_to_the_shares_of_memory(relay: SharedRelay) -> None:
    honest = relay.live_device(1, HONEST).take_nothing()
    *crowd, late = relay.greedy_devices(3)
    # Small messages, so that shares may be small.
    relay.ledger.configure(MIN_BUFFER, LIMITS.item_bytes)
    # Two networks leave a third of the memory to the next one.
    honest.outbox.held_bytes = 1
    crowd[0].take_nothing().outbox.held_bytes = relay.ledger.full // 3 - 5 * ITEM
    relay.ledger.add(MIN_BUFFER // 2)
    fill_windows(crowd)
    relay.clock.advance(1)
    assert relay.ledger.has_room(ITEM)
    honest.put(1)
    late.put(1, bytes(ITEM))
    assert answers(late) == ["BUSY"]
    assert answers(honest) == []


def test_puts_of_devices_that_left_count_to_their_share(relay: SharedRelay) -> None:
    honest = relay.live_device(1, HONEST)
    *crowd, late = relay.greedy_devices(20)
    fill_windows(crowd)
    for device in crowd:
        device.leave()
    late.put(1)
    honest.put(1)
    assert answers(late) == ["BUSY"]
    assert answers(honest) == []
    relay.work()
    assert answers(honest) == ["STORED"]
    assert not relay.streams._memory._putting


def test_a_slow_disk_is_shared_also_where_memory_suffices() -> None:
    relay = SharedRelay(1 << 28)
    honest = relay.live_device(1, HONEST)
    fill_windows(relay.greedy_devices(30))
    assert not relay.ledger.is_pressed
    assert MAX_WAITING_BYTES // 2 < relay.clerk.waiting_bytes < MAX_WAITING_BYTES * 3 // 4
    honest.put(1)
    assert answers(honest) == []
    relay.work()
    assert answers(honest) == ["STORED"]


def test_a_crowd_takes_no_more_than_its_share_at_once() -> None:
    relay = SharedRelay(1 << 28)
    others = [relay.live_device(tag, HONEST + tag % 3) for tag in range(12)]
    crowd = [relay.live_device(tag) for tag in range(12)]
    fill_windows(others)
    before = relay.clerk.waiting_bytes
    fill_windows(crowd)
    # Three channels leave a share to the fourth.
    taken = relay.clerk.waiting_bytes - before
    assert MAX_WAITING_BYTES // 5 < taken < MAX_WAITING_BYTES // 4 + ITEM


def test_one_below_its_share_is_told_of_room_while_others_hold_theirs(relay: SharedRelay) -> None:
    honest = relay.live_device(1, HONEST)
    *crowd, late = relay.greedy_devices(20)
    relay.hold_memory()
    honest.put(1)
    relay.free_memory()
    fill_windows(crowd)
    late.put(1)
    assert answers(honest) == answers(late) == ["BUSY"]
    relay.streams.tick()
    assert honest.read() == [MailboxState(Told.ROOM)]
    assert late.read() == []
    relay.work()
    for _ in crowd:
        relay.streams.tick()
    assert MailboxState(Told.ROOM) in late.read()
    assert answers(crowd[0]) == ["STORED"] * PUTS


@pytest.mark.parametrize("is_pressed", [False, True], ids=["roomy", "pressed"])
def test_while_memory_is_short_an_item_waits_for_no_slow_device(
    relay: SharedRelay, is_pressed: bool
) -> None:
    sender, receiver = relay.live_device(1), relay.live_device(2)
    sender.put(1)
    receiver.outbox.room = Room.HIGH
    receiver.outbox.is_empty = False
    if is_pressed:
        relay.ledger.add(MIN_BUFFER // 2 + 1)
    relay.work()
    got = [each for each in receiver.read() if isinstance(each, Item)]
    assert bool(got) is not is_pressed
    receiver.take_all()
    for _ in range(3):
        relay.work()
    got += [each for each in receiver.read() if isinstance(each, Item)]
    assert len(got) == 1
