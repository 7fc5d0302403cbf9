"""The streams of a mailbox, with the store in memory."""

from collections.abc import Sequence

import pytest

from tests.broker.fakes import Nack
from tests.mailbox.relay import LIMITS, MailDevice, MailRelay
from vaultrelay.broker.outbox import Room
from vaultrelay.mailbox.device_stream import TRANSITIONS, Event, State
from vaultrelay.policy.limits.mailbox import (
    FEW_PUTS_SHARE,
    MAX_PAGES,
    MAX_WAITING_BYTES,
    ROOM_SECONDS,
    ROOMS_AT_ONCE,
    WAITING_PUT_BYTES,
)
from vaultrelay.store.store import StoreFull, StoreUnavailable
from vaultrelay.wire.control.joining import Welcome
from vaultrelay.wire.control.mailbox import Erased, Gap, MailboxState
from vaultrelay.wire.control.mailbox import State as Told
from vaultrelay.wire.mailbox import NO_CURSOR, Item, PutReason, Stored

OPEN = MailboxState(Told.OPEN)


def numbers(got: Sequence[object]) -> list[int]:
    """The numbers of the items among what a device got."""
    return [int.from_bytes(each.item_id, "big") for each in got if isinstance(each, Item)]


def nack(device: MailDevice, id: int, reason: PutReason) -> Nack:
    return Nack(device._session.number, 0, id, reason)


@pytest.fixture
def relay() -> MailRelay:
    relay = MailRelay()
    relay.work()
    return relay


def test_the_welcome_has_the_limits_only_if_asked(relay: MailRelay) -> None:
    asked, silent = relay.mail_device(1), relay.join(2)
    asked.open()
    welcomes = [each for each in asked.read() if isinstance(each, Welcome)]
    assert [each.mailbox for each in welcomes] == [LIMITS]
    assert [each.mailbox for each in silent.outbox.got if isinstance(each, Welcome)] == [None]


def test_an_empty_log_is_open_and_live(relay: MailRelay) -> None:
    device = relay.mail_device().open()
    device.read()
    relay.work()
    assert device.read() == [OPEN, MailboxState(Told.LIVE, cursor=None)]


def test_two_devices_that_are_never_on_together_pass_an_item(relay: MailRelay) -> None:
    sender = relay.live(1)
    id = sender.put(7, b"for later")
    assert sender.read() == []
    relay.work()
    [stored] = sender.read()
    assert isinstance(stored, Stored)
    assert stored.id == id
    assert stored.cursor != NO_CURSOR
    sender.leave()
    receiver = relay.mail_device(2).open()
    receiver.read()
    relay.work()
    opened, item, live = receiver.read()
    assert opened == OPEN
    assert isinstance(item, Item)
    assert (item.payload, item.cursor) == (b"for later", stored.cursor)
    assert live == MailboxState(Told.LIVE, cursor=stored.cursor)


def test_a_live_device_gets_items_as_they_are_stored_and_its_sender_none(relay: MailRelay) -> None:
    sender, receiver, other_vault = relay.live(1), relay.live(2), relay.live(3, vault=2)
    sender.read()
    for number in (1, 2, 3):
        sender.put(number)
    relay.work()
    assert numbers(receiver.read()) == [1, 2, 3]
    assert [type(each) for each in sender.read()] == [Stored] * 3
    assert other_vault.read() == []


def test_a_device_with_a_cursor_gets_what_follows_it(relay: MailRelay) -> None:
    sender = relay.live(1)
    for number in (1, 2, 3):
        sender.put(number)
    relay.work()
    first, *_ = (each for each in sender.read() if isinstance(each, Stored))
    receiver = relay.mail_device(2).open(first.cursor)
    relay.work()
    assert numbers(receiver.read()) == [2, 3]


def test_a_gap_on_several_pages_is_reported_once_before_live(relay: MailRelay) -> None:
    sender = relay.live(1)
    for number in range(1, 10):
        sender.put(number, bytes(40_000))
        relay.work()
    first = next(each for each in sender.read() if isinstance(each, Stored))
    [log] = relay.disk.values()
    for place in (3, 6, 9):
        log.items[place].expires = 0
    reader = relay.mail_device(2).open(first.cursor)
    relay.work()
    got = [each for each in reader.read() if isinstance(each, MailboxState)]
    assert [(each.state, each.gap) for each in got] == [(Told.OPEN, Gap.GONE), (Told.LIVE, None)]
    assert relay.streams.counters.gaps == {Gap.GONE: 1}


def test_what_is_gone_after_live_is_reported_again(relay: MailRelay) -> None:
    sender, reader = relay.live(1), relay.live(2)
    for number in (1, 3):
        sender.put(number)
        relay.work()
        reader.outbox.room, reader.outbox.is_empty = Room.FULL, False
        sender.put(number + 1)
        relay.work()
        sender.erase()
        relay.work()
        reader.take_all()
        relay.work()
    gaps = [each.gap for each in reader.read() if isinstance(each, MailboxState)]
    assert gaps == [Gap.GONE, None, Gap.GONE, None]


def test_an_unknown_cursor_is_told(relay: MailRelay) -> None:
    device = relay.mail_device().open(bytes(range(16)))
    device.read()
    relay.work()
    assert device.read()[0] == MailboxState(Told.OPEN, gap=Gap.UNKNOWN)


def test_a_put_during_replay_is_stored_without_a_cursor_and_comes_as_an_item(
    relay: MailRelay,
) -> None:
    sender = relay.live(1)
    sender.put(1)
    relay.work()
    reader = relay.mail_device(2).open()
    reader.outbox.is_empty = False
    reader.put(2)
    relay.work()
    got = reader.read()
    assert [each.cursor for each in got if isinstance(each, Stored)] == [NO_CURSOR]
    reader.take_all()
    relay.work()
    assert numbers(got + reader.read()) == [1, 2]


def test_a_repeated_put_is_answered_and_stored_once(relay: MailRelay) -> None:
    sender, receiver = relay.live(1), relay.live(2)
    sender.put(1)
    relay.work()
    sender.read()
    sender.put(1)
    relay.work()
    [again] = sender.read()
    assert isinstance(again, Stored)
    assert again.cursor == NO_CURSOR
    assert numbers(receiver.read()) == [1]
    assert relay.streams.counters.puts == {"stored": 1, "again": 1}


def test_a_slow_device_reads_the_rest_from_the_store_in_order(relay: MailRelay) -> None:
    sender, slow = relay.live(1), relay.live(2)
    slow.outbox.room, slow.outbox.is_empty = Room.HIGH, False
    for number in range(1, 6):
        sender.put(number)
    relay.work()
    got = slow.read()
    assert numbers(got) == [1]
    slow.take_all()
    relay.work()
    got += slow.read()
    assert numbers(got) == [1, 2, 3, 4, 5]
    assert isinstance(got[-1], MailboxState)
    assert got[-1].state == Told.LIVE


def test_a_full_queue_takes_no_item_and_loses_none(relay: MailRelay) -> None:
    sender, slow = relay.live(1), relay.live(2)
    slow.outbox.room, slow.outbox.is_empty = Room.FULL, False
    sender.put(1)
    relay.work()
    assert numbers(slow.read()) == []
    slow.take_all()
    relay.work()
    assert numbers(slow.read()) == [1]


def test_pages_follow_when_the_device_has_taken_the_last_one(relay: MailRelay) -> None:
    sender = relay.live(1)
    for number in range(1, 8):
        sender.put(number, bytes(40_000))
        relay.work()
    reader = relay.mail_device(2).open()
    got: list[object] = []
    for _ in range(10):
        reader.outbox.is_empty = False
        relay.work()
        page = reader.read()
        assert len(numbers(page)) <= 2
        got += page
        reader.take_all()
    assert numbers(got) == list(range(1, 8))


def test_no_page_is_read_while_memory_is_short(relay: MailRelay) -> None:
    sender = relay.live(1)
    sender.put(1)
    relay.work()
    relay.hold_memory()
    reader = relay.mail_device(2).open()
    relay.work()
    assert numbers(reader.read()) == []
    relay.free_memory()
    relay.clock.advance(0)
    relay.work()
    assert numbers(reader.read()) == [1]


def test_replays_of_many_devices_that_take_nothing_leave_memory_to_others(
    relay: MailRelay,
) -> None:
    vaults, devices = range(1, 9), range(1, 51)
    for vault in vaults:
        sender = relay.live(1, vault)
        sender.put(1, bytes(LIMITS.item_bytes))
        relay.work()
        sender.leave()
    assert len(vaults) * len(devices) * LIMITS.item_bytes > relay.ledger.limit
    for vault in vaults:
        for tag in devices:
            relay.mail_device(tag, vault).take_nothing().open()
    for _ in vaults:
        relay.work()
    assert relay.ledger.limit // 2 < relay.ledger.held < relay.ledger.full


def test_devices_that_come_and_go_while_memory_is_short_leave_nothing(relay: MailRelay) -> None:
    relay.hold_memory()
    for tag in range(1, 10):
        relay.mail_device(tag).open().leave()
    assert not relay.streams._turns._waiting


def test_what_waits_for_the_store_is_held_by_the_ledger(relay: MailRelay) -> None:
    sender = relay.live(1)
    sender.put(1, bytes(1000))
    assert relay.ledger.held == 1052 + WAITING_PUT_BYTES
    relay.work()
    assert relay.ledger.held == 0


def test_beyond_the_window_a_put_is_busy_and_room_follows(relay: MailRelay) -> None:
    sender = relay.live(1)
    ids = [sender.put(number, bytes(60_000)) for number in range(1, 6)]
    assert sender.read() == [nack(sender, ids[-1], PutReason.BUSY)]
    relay.work()
    got = sender.read()
    assert [type(each) for each in got[:4]] == [Stored] * 4
    assert got[4:] == [MailboxState(Told.ROOM)]


def test_too_large_an_item_is_refused(relay: MailRelay) -> None:
    sender = relay.live(1)
    id = sender.put(1, bytes(LIMITS.item_bytes + 1))
    assert sender.read() == [nack(sender, id, PutReason.TOO_BIG)]


def test_a_full_channel_refuses_the_new_and_an_erase_makes_room() -> None:
    relay = MailRelay(channel_items=1)
    relay.work()
    sender = relay.live(1)
    sender.put(1)
    relay.work()
    [stored] = sender.read()
    id = sender.put(2)
    relay.work()
    assert sender.read() == [nack(sender, id, PutReason.FULL)]
    relay.wait(5)
    relay.streams.tick()
    assert MailboxState(Told.ROOM) not in sender.read()
    sender.erase()
    relay.work()
    assert isinstance(stored, Stored)
    assert sender.read() == [Erased(stored.cursor), MailboxState(Told.ROOM)]
    sender.put(2)
    relay.work()
    assert isinstance(sender.read()[0], Stored)


def test_a_full_channel_may_be_tried_again_after_a_minute() -> None:
    relay = MailRelay(channel_items=1)
    relay.work()
    sender = relay.live(1)
    sender.put(1)
    sender.put(2)
    relay.work()
    sender.read()
    relay.clock.advance(61)
    relay.streams.tick()
    assert sender.read() == [MailboxState(Told.ROOM)]


def test_every_device_with_a_mailbox_is_told_of_an_erase(relay: MailRelay) -> None:
    eraser, peer, without = relay.live(1), relay.live(2), relay.join(3)
    without.read()
    eraser.put(1)
    relay.work()
    for each in (eraser, peer):
        each.read()
    eraser.erase()
    relay.work()
    assert [type(each) for each in eraser.read()] == [Erased]
    assert [type(each) for each in peer.read()] == [Erased]
    assert without.read() == []
    late = relay.mail_device(4).open()
    relay.work()
    assert numbers(late.read()) == []


def test_an_erase_comes_after_the_puts_before_it(relay: MailRelay) -> None:
    device = relay.live(1)
    device.put(1)
    relay.clerk.round()
    # The next commit is not due yet.
    device.put(2)
    device.erase()
    relay.clerk.round()
    relay.work()
    assert [type(each) for each in device.read()] == [Stored, Stored, Erased]
    late = relay.mail_device(2).open()
    relay.work()
    assert numbers(late.read()) == []


def test_an_erase_that_deletes_nothing_is_told_to_its_device_only(relay: MailRelay) -> None:
    eraser, peer = relay.live(1), relay.live(2)
    for _ in range(2):
        eraser.erase(bytes(range(16)))
    relay.work()
    assert eraser.read() == [Erased(None)] * 2
    assert peer.read() == []


def test_erases_that_wait_delete_all_that_was_asked_for(relay: MailRelay) -> None:
    device = relay.live(1)
    for number in (1, 2, 3):
        device.put(number)
    relay.work()
    first, second, third = (each.cursor for each in device.read() if isinstance(each, Stored))
    device.erase(first)
    device.erase(second)
    device.erase(first)
    relay.work()
    assert device.read() == [Erased(first), Erased(second)]
    device.erase(first)
    device.erase()
    device.erase(second)
    relay.work()
    assert device.read() == [Erased(first), Erased(third)]


def test_a_stream_that_could_not_be_read_goes_on_when_a_full_store_has_room(
    relay: MailRelay,
) -> None:
    device = relay.mail_device().open()
    device.read()
    fault = StoreFull("no room even to read")
    relay.clerk._supervisor._store.fault = fault  # type: ignore[union-attr]
    relay.work()
    assert relay.clerk.state.value == "full"
    relay.clerk._supervisor._store.fault = None  # type: ignore[union-attr]
    relay.clock.advance(60)
    relay.work()
    assert device.read() == [
        MailboxState(Told.AWAY),
        OPEN,
        MailboxState(Told.LIVE, cursor=None),
    ]


def test_while_the_store_is_away_puts_are_refused_and_streams_wait(relay: MailRelay) -> None:
    sender, peer = relay.live(1), relay.live(2)
    relay.fault = StoreUnavailable("unplugged")
    relay.clerk._supervisor._fail(relay.clerk.state.AWAY, relay.fault)
    relay.work()
    assert sender.read() == peer.read() == [MailboxState(Told.AWAY)]
    id = sender.put(1)
    assert sender.read() == [nack(sender, id, PutReason.AWAY)]
    late = relay.mail_device(3).open()
    relay.work()
    assert late.read()[-1] == MailboxState(Told.AWAY)
    relay.fault = None
    relay.clock.advance(60)
    relay.work()
    live = MailboxState(Told.LIVE, cursor=None)
    assert peer.read() == late.read() == [OPEN, live]
    assert sender.read() == [MailboxState(Told.ROOM), OPEN, live]
    sender.put(1)
    relay.work()
    assert numbers(peer.read()) == [1]


def test_an_outage_while_a_page_is_read_repeats_no_item(relay: MailRelay) -> None:
    sender = relay.live(1)
    sender.put(1)
    relay.work()
    reader = relay.mail_device(2).open()
    reader.read()
    relay.streams.store_left()
    relay.streams.store_returned()
    relay.work()
    got = reader.read()
    assert numbers(got) == [1]
    assert [each.state for each in got if isinstance(each, MailboxState)] == [Told.OPEN, Told.LIVE]


def test_the_answer_to_a_put_of_a_device_that_left_is_dropped(relay: MailRelay) -> None:
    sender, peer = relay.live(1), relay.live(2)
    sender.put(1)
    sender.leave()
    peer.read()
    relay.work()
    assert numbers(peer.read()) == [1]
    assert relay.ledger.held == 0


def test_a_page_for_a_device_that_left_makes_room_for_another(relay: MailRelay) -> None:
    for tag in range(1, 10):
        relay.mail_device(tag).open().leave()
    relay.work()
    device = relay.live(20)
    device.put(1)
    relay.work()
    assert len(device.read()) == 1


def test_refused_pages_make_room_for_others(relay: MailRelay) -> None:
    relay.fault = StoreUnavailable("unplugged")
    relay.clerk._supervisor._fail(relay.clerk.state.AWAY, relay.fault)
    devices = [relay.mail_device(tag).open() for tag in range(1, MAX_PAGES + 3)]
    relay.work()
    relay.fault = None
    relay.clock.advance(60)
    relay.work()
    assert [each.read()[-1] for each in devices] == [
        MailboxState(Told.LIVE, cursor=None) for _ in devices
    ]


def test_a_put_of_a_device_without_a_mailbox_breaks_a_rule(relay: MailRelay) -> None:
    device = relay.mail_device()
    device._device.join()
    device.put(1)
    assert device.closed().startswith("4501 bad_message;rule=kind")


def test_a_malformed_put_breaks_a_rule(relay: MailRelay) -> None:
    device = relay.live(1)
    device._session.data_received([bytes([0x12]) + bytes(20)])
    assert device.closed().startswith("4501 bad_message;rule=data_size")


def test_an_erase_of_a_device_without_a_mailbox_is_unknown(relay: MailRelay) -> None:
    device = relay.mail_device()
    device._device.join()
    device.erase()
    assert device.closed() == "4501 bad_message;rule=unknown_type"


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_each_event_leads_from_each_state_where_the_table_says(state: State, event: Event) -> None:
    relay = MailRelay()
    relay.work()
    relay.live(1)
    [stream] = relay.streams._streams.values()
    stream.state = state
    target = TRANSITIONS[state].get(event)
    assert stream.advance(event) is (target is not None)
    assert stream.state is (target or state)


def test_few_devices_are_told_of_room_at_once_in_the_order_of_their_refusals(
    relay: MailRelay,
) -> None:
    senders = [relay.live(tag) for tag in range(1, 2 * ROOMS_AT_ONCE + 1)]
    relay.hold_memory()
    for number, sender in enumerate(senders, 1):
        sender.put(number)
        assert len(sender.read()) == 1
    relay.free_memory()
    room = [MailboxState(Told.ROOM)]
    relay.streams.tick()
    assert [sender.read() for sender in senders[:ROOMS_AT_ONCE]] == [room] * ROOMS_AT_ONCE
    assert [sender.read() for sender in senders[ROOMS_AT_ONCE:]] == [[]] * ROOMS_AT_ONCE
    senders[ROOMS_AT_ONCE].leave()
    relay.streams.tick()
    assert all(MailboxState(Told.ROOM) in sender.read() for sender in senders[ROOMS_AT_ONCE + 1 :])


def test_nobody_is_told_of_room_while_many_puts_wait_but_after_a_minute(relay: MailRelay) -> None:
    crowd = [relay.live(tag) for tag in range(2, 13)]
    refused = relay.live(1)
    relay.hold_memory()
    refused.put(1)
    relay.free_memory()
    refused.read()
    number = 1
    for sender in crowd:
        for _ in range(3):
            number += 1
            sender.put(number, bytes(60_000))
    assert relay.clerk.waiting_bytes > MAX_WAITING_BYTES // FEW_PUTS_SHARE
    relay.streams.tick()
    assert refused.read() == []
    relay.clock.advance(ROOM_SECONDS)
    relay.streams.tick()
    assert refused.read() == [MailboxState(Told.ROOM)]
