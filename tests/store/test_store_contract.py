"""What every Store promises, whatever the engine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.engines import ENGINES, Engine
from tests.store.samples import (
    CHANNEL,
    DAY,
    LIMITS,
    NOW,
    OTHER,
    WEEK,
    erase,
    housekeep,
    numbers,
    put,
    read,
    refusal,
    store_one,
)
from vaultrelay.policy.limits.mailbox import CHANNEL_COST, ITEM_COST
from vaultrelay.store.store import Cursor, Page, Refused, Store, Stored, StoreLimits
from vaultrelay.wire.control.mailbox import Gap
from vaultrelay.wire.mailbox import PutReason


class House:
    """A store that can be opened again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = engine.open(LIMITS)

    def reopen(self, change: Callable[[], None] = lambda: None) -> Store:
        """Close the store, change what it has left, and open it."""
        self.store.close()
        change()
        self.store = self.engine.open(LIMITS)
        return self.store


@pytest.fixture(params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    found = House(ENGINES[request.param](tmp_path))
    yield found
    found.store.close()


@pytest.fixture
def store(house: House) -> Store:
    return house.store


def test_a_cursor_has_sixteen_bytes() -> None:
    cursor = Cursor(b"a run...", 2**63)
    assert Cursor.read(cursor.pack()) == cursor
    assert len(cursor.pack()) == 16


def test_items_are_read_in_the_order_of_the_log(store: Store) -> None:
    places = store.put([put(3), put(1), put(2, OTHER), put(2)], NOW)
    cursors = [result.cursor for result in places if isinstance(result, Stored)]
    assert [cursor.place for cursor in cursors] == [1, 2, 1, 3]
    page = read(store)
    assert numbers(page) == [3, 1, 2]
    assert page.items[0].payload == b"payload"
    assert [item.cursor for item in page.items] == [cursors[0], cursors[1], cursors[3]]
    assert page[1:] == (page.items[-1].cursor, True, None)


def test_a_page_ends_where_another_item_would_exceed_it(store: Store) -> None:
    store.put([put(each, payload=bytes(100)) for each in range(5)], NOW)
    cost = 100 + ITEM_COST
    first = store.page(CHANNEL, None, 3 * cost - 1, NOW)
    assert (numbers(first), first.is_end) == ([0, 1], False)
    second = store.page(CHANNEL, first.cursor, 99, NOW)
    assert (numbers(second), second.is_end) == ([2], False)
    last = store.page(CHANNEL, second.cursor, 2 * cost, NOW)
    assert (numbers(last), last.is_end, last.gap) == ([3, 4], True, None)
    assert read(store, last.cursor) == Page([], last.cursor, True, None)


def test_a_page_of_empty_items_is_bounded(store: Store) -> None:
    store.put([put(each, payload=b"") for each in range(20)], NOW)
    page = store.page(CHANNEL, None, 10 * ITEM_COST, NOW)
    assert (numbers(page), page.is_end) == (list(range(10)), False)


def test_what_was_deleted_is_a_gap_on_each_page_also_without_a_cursor(store: Store) -> None:
    store.put([put(1), put(2), put(3, ttl=60), put(4)], NOW)
    late = NOW + 60
    assert [read(store, None, time).gap for time in (NOW, late)] == [None, Gap.GONE]
    housekeep(store, late)
    first = store.page(CHANNEL, None, 0, late)
    assert (numbers(first), first.gap) == ([1], Gap.GONE)
    assert read(store, first.cursor, late).gap is Gap.GONE


def test_unknown_erased_and_foreign_channels_look_alike(store: Store) -> None:
    assert read(store) == Page([], None, True, None)
    cursor = store_one(store, put(1))
    foreign = read(store, cursor, channel=OTHER)
    assert foreign == Page([], None, True, Gap.UNKNOWN)
    store_one(store, put(1, OTHER))
    assert read(store, cursor, channel=OTHER).gap is Gap.UNKNOWN
    assert erase(store, b"e" * 32, None) is None


def test_the_same_id_is_stored_once(store: Store) -> None:
    cursor = store_one(store, put(1, payload=b"first"))
    again = store.put([put(1, payload=b"second"), put(2), put(2)], NOW)
    assert again[0] == Stored(cursor, is_new=False)
    assert [result.is_new for result in again if isinstance(result, Stored)] == [False, True, False]
    assert [item.payload for item in read(store).items] == [b"first", b"payload"]


def test_a_newer_item_replaces_the_one_with_its_key_without_a_gap(store: Store) -> None:
    cursor = store_one(store, put(1))
    store.put([put(2, key=b"k" * 16), put(3, OTHER, key=b"k" * 16), put(4, key=b"k" * 16)], NOW)
    page = read(store, cursor)
    assert (numbers(page), page.gap) == ([4], None)
    assert numbers(read(store, channel=OTHER)) == [3]


def test_a_replacement_needs_room_for_what_it_grows_only(store: Store) -> None:
    store.limits = StoreLimits(channel_items=1, channel_bytes=ITEM_COST + 10)
    store_one(store, put(1, payload=bytes(10), key=b"k" * 16))
    assert refusal(store, put(2, payload=bytes(1))) is PutReason.FULL
    assert refusal(store, put(2, payload=bytes(11), key=b"k" * 16)) is PutReason.FULL
    store_one(store, put(3, payload=bytes(10), key=b"k" * 16))
    assert numbers(read(store)) == [3]


def test_limits_refuse_the_new_and_keep_the_old(store: Store) -> None:
    store.limits = StoreLimits(item_bytes=10, channel_items=2)
    assert refusal(store, put(1, payload=bytes(11))) is PutReason.TOO_BIG
    results = store.put([put(1), put(2), put(3), put(1), put(3, OTHER)], NOW)
    assert [isinstance(result, Stored) for result in results] == [True, True, False, True, True]
    assert results[2] == Refused(PutReason.FULL)
    assert numbers(read(store)) == [1, 2]
    erase(store, CHANNEL, None)
    store_one(store, put(3))


def test_a_channel_with_no_room_for_its_first_item_is_not_created(store: Store) -> None:
    store.limits = StoreLimits(channel_bytes=ITEM_COST)
    assert refusal(store, put(1)) is PutReason.FULL
    assert store.usage().channels == 0


def test_the_total_includes_channels_that_are_empty(store: Store) -> None:
    store.limits = StoreLimits(total_bytes=2 * CHANNEL_COST + ITEM_COST + 7)
    store_one(store, put(1))
    erase(store, CHANNEL, None)
    store_one(store, put(1, OTHER))
    assert refusal(store, put(1, b"e" * 32)) is PutReason.AWAY
    assert store.usage().bytes == store.limits.total_bytes


def test_a_channel_counts_for_the_payer_that_stored_last(store: Store) -> None:
    cost = CHANNEL_COST + ITEM_COST + 7
    store.limits = StoreLimits(payer_bytes=2 * cost + ITEM_COST)
    store.put([put(1, payer=b"a"), put(1, OTHER, payer=b"a")], NOW)
    third = b"e" * 32
    assert refusal(store, put(1, third, payer=b"a")) is PutReason.RATE
    store_one(store, put(1, third, payer=b"b"))
    # The whole channel would move.
    assert refusal(store, put(2, OTHER, payer=b"b")) is PutReason.RATE
    store_one(store, put(2, OTHER))
    store_one(store, put(1, b"f" * 32, payer=b"a"))
    assert refusal(store, put(3, payer=b"a")) is PutReason.RATE


def test_quotas_hold_after_a_restart(house: House) -> None:
    house.store.put([put(1, payer=b"a"), put(1, OTHER, payer=b"a")], NOW)
    before = house.store.usage()
    store = house.reopen()
    assert store.usage()[:3] == before[:3]
    store.limits = StoreLimits(payer_bytes=before.bytes + ITEM_COST)
    assert refusal(store, put(2, payer=b"a")) is PutReason.RATE
    store_one(store, put(2, payer=b"b"))


def test_nothing_is_read_after_its_time(store: Store) -> None:
    cursor = store_one(store, put(1))
    store.put([put(2, ttl=60), put(3)], NOW)
    assert numbers(read(store, cursor, NOW + 59)) == [2, 3]
    late = read(store, cursor, NOW + 60)
    assert (numbers(late), late.gap) == ([3], Gap.GONE)
    housekeep(store, NOW + 60)
    assert read(store, cursor, NOW + 60) == late
    assert store.usage().expired == 1


def test_a_ttl_cannot_exceed_the_retention(store: Store) -> None:
    store_one(store, put(1, ttl=2 * WEEK))
    assert numbers(read(store, None, NOW + WEEK - 1)) == [1]
    assert numbers(read(store, None, NOW + WEEK)) == []


def test_expiry_is_no_gap_for_a_device_that_has_seen_the_items(store: Store) -> None:
    store_one(store, put(1, ttl=60))
    second = store_one(store, put(2, ttl=60))
    third = store_one(store, put(3))
    housekeep(store, NOW + 60)
    assert read(store, second, NOW + 60).gap is None
    assert numbers(read(store, second, NOW + 60)) == [3]
    assert read(store, third, NOW + 60).gap is None


def test_a_shorter_retention_applies_to_what_is_stored(store: Store) -> None:
    store.put([put(1), put(2, ttl=600)], NOW)
    store.limits = StoreLimits(retention=3600)
    housekeep(store, NOW)
    assert store.usage().next_expiry == NOW + 600
    assert numbers(read(store, None, NOW + 3599)) == [1]
    assert numbers(read(store, None, NOW + 3600)) == []


def test_nothing_is_shortened_by_a_clock_that_is_behind(store: Store) -> None:
    store_one(store, put(1))
    housekeep(store, NOW - DAY, latest=NOW)
    assert store.usage().next_expiry == NOW + WEEK


def test_a_channel_goes_after_the_retention_and_comes_back_as_another(store: Store) -> None:
    cursor = store_one(store, put(1))
    housekeep(store, NOW + WEEK)
    assert store.usage()[:2] == (0, 1)
    assert read(store, cursor, NOW + WEEK).gap is None
    housekeep(store, NOW + WEEK + DAY)
    assert store.usage()[:3] == (0, 0, 0)
    assert read(store, cursor, NOW + WEEK + DAY).gap is Gap.UNKNOWN
    # The same place in the same opening, but of another life of the channel.
    store_one(store, put(2), NOW + WEEK + DAY)
    assert read(store, cursor, NOW + WEEK + DAY).gap is Gap.UNKNOWN


def test_erase_deletes_up_to_a_cursor(store: Store) -> None:
    first = store_one(store, put(1))
    second = store_one(store, put(2))
    store_one(store, put(3))
    assert erase(store, CHANNEL, second) == second
    assert numbers(read(store)) == [3]
    assert read(store, first).gap is Gap.GONE
    assert read(store, second).gap is None
    assert erase(store, CHANNEL, second) == second, "again is the same"
    assert store.usage().items == 1


def test_erase_all_returns_the_end_of_the_log(store: Store) -> None:
    store_one(store, put(1))
    last = store_one(store, put(2))
    assert erase(store, CHANNEL, None) == last
    assert numbers(read(store)) == []
    assert read(store, last).gap is None
    assert store_one(store, put(3)).place == 3


@pytest.mark.parametrize("cursor", [Cursor(bytes(8), 1), Cursor(bytes(8), 2**64 - 1)])
def test_erase_by_a_cursor_of_another_history_deletes_nothing(store: Store, cursor: Cursor) -> None:
    good = store_one(store, put(1))
    assert erase(store, CHANNEL, cursor) is None
    assert erase(store, CHANNEL, Cursor(good.run, 2)) is None
    assert erase(store, CHANNEL, Cursor(good.run, 0)) is None
    assert numbers(read(store)) == [1]


def test_an_erased_id_can_be_stored_again(store: Store) -> None:
    store_one(store, put(1))
    erase(store, CHANNEL, None)
    assert store_one(store, put(1)).place == 2


@pytest.mark.parametrize("place", [0, 3, 2**63, 2**64 - 1])
def test_a_forged_cursor_is_unknown_and_gets_all(store: Store, place: int) -> None:
    run = store_one(store, put(1)).run
    store_one(store, put(2))
    page = read(store, Cursor(run, place))
    assert (numbers(page), page.gap) == ([1, 2], Gap.UNKNOWN)


def test_cursors_hold_over_a_restart(house: House) -> None:
    first = store_one(house.store, put(1))
    store = house.reopen()
    second = store_one(store, put(2))
    assert second.run != first.run
    for cursor, left in ((first, [2]), (second, [])):
        page = read(store, cursor)
        assert (numbers(page), page.gap) == (left, None)


def test_a_cursor_at_the_last_deleted_place_holds_over_a_restart(house: House) -> None:
    last = store_one(house.store, put(1))
    erase(house.store, CHANNEL, None)
    store = house.reopen()
    store_one(store, put(2))
    assert read(store, last).gap is None
    # Also when all of the next run is deleted, too.
    housekeep(store, NOW + WEEK)
    assert read(store, last).gap is not None


def test_an_old_run_is_kept_while_an_item_of_it_is_left(house: House) -> None:
    first = store_one(house.store, put(1))
    store = house.reopen()
    store.put([put(2, ttl=60), put(3, ttl=60)], NOW)
    housekeep(store, NOW + 60)
    page = read(store, None, NOW + 60)
    assert [item.cursor for item in page.items] == [first]
    assert read(store, first, NOW + 60).gap is Gap.GONE


def test_a_restored_copy_is_noticed_for_ever(house: House) -> None:
    store = house.store
    old = store_one(store, put(1))
    store = house.reopen()
    in_copy = store_one(store, put(2))
    copies: list[object] = []
    house.reopen(lambda: copies.append(house.engine.copy()))
    lost = store_one(house.store, put(3))
    store = house.reopen(lambda: house.engine.restore(copies[0]))
    assert [read(store, cursor).gap for cursor in (old, in_copy, lost)] == [None, None, Gap.UNKNOWN]
    assert numbers(read(store, lost)) == [1, 2]
    # The new history passes the lost place.
    store.put([put(4), put(5)], NOW)
    assert [read(store, cursor).gap for cursor in (old, in_copy, lost)] == [None, None, Gap.UNKNOWN]


def test_a_copy_from_the_same_opening_is_noticed(house: House) -> None:
    store_one(house.store, put(1))
    copies: list[object] = []
    store = house.reopen(lambda: copies.append(house.engine.copy()))
    lost = store_one(store, put(2))
    store = house.reopen(lambda: house.engine.restore(copies[0]))
    other = store_one(store, put(2))
    assert lost.place == other.place
    assert read(store, lost).gap is Gap.UNKNOWN


def test_the_time_is_kept(house: House) -> None:
    assert house.store.saved_time() is None
    house.store.save_time(NOW)
    assert house.store.saved_time() == NOW


def test_a_backup_needs_a_new_file(house: House, tmp_path: Path) -> None:
    calls: list[bool] = []
    house.store.backup(tmp_path / "backup", lambda: calls.append(True))
    assert calls
    with pytest.raises(FileExistsError):
        house.store.backup(tmp_path / "backup", lambda: None)


def test_a_sound_store_passes_its_check(store: Store) -> None:
    store.put([put(1), put(2, key=b"k" * 16), put(3, key=b"k" * 16)], NOW)
    store.check()
    assert store.is_writable()
