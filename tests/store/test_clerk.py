"""The clerk, mostly in rounds without its thread, and by a clock of the test."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, current_thread
from typing import Any

import pytest

from tests.store.memory_store import MemoryStore
from tests.store.samples import CHANNEL, NOW, OTHER, WEEK, numbers, put
from vaultrelay.policy.limits.mailbox import (
    CHECK_SECONDS,
    CLOCK_SAVED_SECONDS,
    COMMIT_SECONDS,
    FIRST_CHECK_SECONDS,
    HOUSEKEEPING_SECONDS,
    MAX_BATCH_PUTS,
    MAX_JOBS,
    RETRY_SECONDS,
)
from vaultrelay.store.clerk import Clerk
from vaultrelay.store.clock import StoreClock
from vaultrelay.store.sqlite.opening import open_sqlite_store
from vaultrelay.store.store import (
    Page,
    Refused,
    Store,
    Stored,
    StoreDamaged,
    StoreFull,
    StoreLimits,
    StoreRefused,
    StoreUnavailable,
)
from vaultrelay.store.supervisor import State
from vaultrelay.wire.mailbox import PutReason

AWAY = Refused(PutReason.AWAY)


class Office:
    """A clerk, its stores, and all that it has reported."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wall = NOW
        self.stores: list[MemoryStore] = []
        self.opening_fault: Exception | None = None
        self.reading_fault: Exception | None = None
        self.log: list[object] = []
        """States and results, in the order of the clerk."""
        self.clerk = Clerk(
            self.open,
            lambda call: call(),
            lambda state, _: self.log.append(state),
            lambda: self.now,
            lambda saved: StoreClock(saved, lambda: self.wall, lambda: self.now),
        )

    def open(self) -> Store:
        """Open the next store, which has what the last one has left."""
        if self.opening_fault is not None:
            raise self.opening_fault
        self.stores.append(MemoryStore(self.stores[-1].disk if self.stores else None))
        self.store.fault = self.reading_fault
        return self.stores[-1]

    @property
    def store(self) -> MemoryStore:
        """The one that is open, or was last."""
        return self.stores[-1]

    def put(self, number: int, size: int = 7) -> None:
        """Send a PUT."""
        assert self.clerk.put(put(number, payload=bytes(size)), self.log.append)

    def round(self, seconds: float = 0) -> list[object]:
        """Let time pass, and the clerk work; return what it has reported."""
        self.now += seconds
        self.log.clear()
        self.clerk.round()
        return list(self.log)


@pytest.fixture
def office() -> Office:
    found = Office()
    assert found.round() == [State.OPEN]
    return found


def test_a_put_after_a_pause_is_committed_at_once(office: Office) -> None:
    office.put(1)
    [stored] = office.round()
    assert isinstance(stored, Stored)
    assert office.clerk.commits == 1


def test_commits_have_an_interval(office: Office) -> None:
    office.put(1)
    office.round()
    for number in (2, 3):
        office.put(number)
        assert office.round(COMMIT_SECONDS * 0.4) == []
    assert office.clerk.round() == pytest.approx(COMMIT_SECONDS * 0.2)
    assert len(office.round(COMMIT_SECONDS * 0.3)) == 2
    assert [len(batch) for batch in office.store.batches] == [1, 2]


def test_what_exceeds_a_batch_waits_for_the_next_commit(office: Office) -> None:
    for number in range(MAX_BATCH_PUTS + 1):
        office.put(number)
    assert len(office.round()) == MAX_BATCH_PUTS
    assert len(office.round(COMMIT_SECONDS)) == 1


def test_results_come_in_the_order_of_the_work(office: Office) -> None:
    office.put(1)
    office.clerk.read(CHANNEL, None, office.log.append)
    office.clerk.erase(CHANNEL, None, office.log.append)
    stored, page, erased = office.round()
    assert isinstance(stored, Stored)
    assert isinstance(page, Page)
    assert numbers(page) == [1]
    assert erased == stored.cursor


def test_an_erase_comes_after_the_puts_before_it(office: Office) -> None:
    office.put(1)
    office.round()
    for number in range(2, MAX_BATCH_PUTS + 5):
        office.put(number)
    office.clerk.erase(CHANNEL, None, office.log.append)
    *stored, erased = office.round()
    assert len(stored) == MAX_BATCH_PUTS + 3
    assert isinstance(stored[-1], Stored)
    assert erased == stored[-1].cursor
    assert office.store.usage().items == 0


def test_a_result_that_its_owner_cannot_use_takes_none_from_the_others(office: Office) -> None:
    def fail(_: object) -> None:
        raise ValueError("a bug")

    for number in (1, 2, 3):
        assert office.clerk.put(put(number), fail if number == 2 else office.log.append)
    with pytest.raises(ValueError, match="a bug"):
        office.round()
    first, third = office.log
    assert isinstance(first, Stored)
    assert isinstance(third, Stored)
    assert (first.cursor.place, third.cursor.place) == (1, 3)


def test_other_limits_hold_also_after_a_fault(office: Office) -> None:
    limits = StoreLimits(item_bytes=10)
    office.clerk.configure(limits)
    for _ in range(2):
        office.put(1, size=11)
        assert office.round(1) == [Refused(PutReason.TOO_BIG)]
        office.store.fault = StoreUnavailable("fsync")
        office.put(1)
        assert office.round(1) == [State.AWAY, AWAY]
        assert office.round(RETRY_SECONDS) == [office.clerk.state] == [State.OPEN]


def test_items_expire_without_a_request(office: Office) -> None:
    office.put(1)
    office.round()
    office.store.slices = 3
    office.wall += WEEK
    office.now += WEEK
    assert office.clerk.round() == 0, "more slices follow"
    assert office.store.usage().items == 0
    office.round()
    assert office.clerk.round() == HOUSEKEEPING_SECONDS
    assert office.clerk.usage == office.store.usage()


def test_a_jump_of_the_wall_clock_deletes_nothing(office: Office) -> None:
    office.put(1)
    office.round()
    office.wall += 2 * WEEK
    office.put(2)
    office.round(HOUSEKEEPING_SECONDS)
    assert office.store.usage().items == 2
    office.clerk.trust_clock(office.log.append)
    assert office.round() == [None]
    office.round(HOUSEKEEPING_SECONDS)
    assert office.store.usage().items == 1, "the newer item counts from the later clock"


def test_the_time_is_saved_now_and_then(office: Office) -> None:
    assert office.store.saved_time() == NOW
    office.wall += 100
    office.round(HOUSEKEEPING_SECONDS)
    assert office.store.saved_time() == NOW
    office.round(CLOCK_SAVED_SECONDS)
    assert office.store.saved_time() == NOW + 100


def test_the_store_is_checked_after_the_start_and_daily(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[float] = []
    monkeypatch.setattr(office.store, "check", lambda: checks.append(office.now))
    started = office.now
    office.round(FIRST_CHECK_SECONDS - 1)
    assert not checks
    office.round(1 + HOUSEKEEPING_SECONDS)
    office.round(HOUSEKEEPING_SECONDS)
    office.round(CHECK_SECONDS)
    assert len(checks) == 2
    assert checks[0] == started + FIRST_CHECK_SECONDS + HOUSEKEEPING_SECONDS
    office.clerk.check(office.log.append)
    assert office.round() == [None]


def test_a_full_disk_refuses_puts_only_until_there_is_room(office: Office) -> None:
    office.put(1)
    office.round()
    office.store.fault = StoreFull("full")
    office.store.has_room = False
    office.put(2)
    assert office.round(1) == [State.FULL, AWAY]
    office.store.fault = None
    office.put(3)
    office.clerk.read(CHANNEL, None, office.log.append)
    refused, page = office.round(1)
    assert refused == AWAY
    assert isinstance(page, Page)
    assert numbers(page) == [1]
    assert office.round(RETRY_SECONDS) == []
    office.store.has_room = True
    assert office.round(RETRY_SECONDS) == [State.OPEN]
    office.put(2)
    assert isinstance(office.round()[0], Stored)
    assert len(office.stores) == 1, "it was not opened again"


@pytest.mark.parametrize("fault", [StoreUnavailable("fsync"), ValueError("a bug")])
def test_after_a_fault_the_store_is_opened_again(office: Office, fault: Exception) -> None:
    office.put(1)
    office.round()
    office.store.fault = fault
    office.put(2)
    office.clerk.read(CHANNEL, None, office.log.append)
    assert office.round(1) == [State.AWAY, AWAY, AWAY]
    assert office.store.is_closed
    office.put(2)
    office.clerk.erase(CHANNEL, None, office.log.append)
    assert office.round(1) == [AWAY, AWAY]
    office.opening_fault = fault
    assert office.round(RETRY_SECONDS) == []
    office.opening_fault = None
    assert 0 < office.clerk.round() <= RETRY_SECONDS
    assert office.round(RETRY_SECONDS) == [State.OPEN]
    office.put(2)
    assert isinstance(office.round()[0], Stored)
    assert len(office.stores) == 2


def test_a_store_that_was_open_and_is_refused_is_tried_again(office: Office) -> None:
    office.store.fault = StoreUnavailable("unplugged")
    office.put(1)
    assert office.round() == [State.AWAY, AWAY]
    office.opening_fault = StoreRefused("the folder cannot be created")
    assert [office.round(RETRY_SECONDS) for _ in range(2)] == [[State.AWAY], []]
    office.opening_fault = None
    assert office.round(RETRY_SECONDS) == [State.OPEN]


def test_a_store_that_cannot_be_read_is_closed_at_once() -> None:
    office = Office()
    office.reading_fault = StoreUnavailable("read")
    assert office.round() == [State.AWAY]
    assert office.store.is_closed
    office.reading_fault = None
    assert office.round(RETRY_SECONDS) == [State.OPEN]


def test_a_damaged_store_is_off_for_good(office: Office) -> None:
    office.store.fault = StoreDamaged("damaged")
    office.put(1)
    assert office.round() == [State.OFF, AWAY]
    office.put(2)
    assert office.round(RETRY_SECONDS + 1) == [AWAY]
    assert office.clerk.round() > 0
    assert len(office.stores) == 1


def test_a_backup_lets_others_be_served(office: Office, tmp_path: Path) -> None:
    backup = office.store.backup

    def put_within(path: Path, between: Callable[[], None]) -> None:
        office.put(1)
        backup(path, between)

    office.store.backup = put_within  # type: ignore[method-assign]
    office.clerk.backup(tmp_path / "copy", office.log.append)
    stored, done = office.round()
    assert isinstance(stored, Stored)
    assert done is None
    office.store.backup = backup  # type: ignore[method-assign]
    office.clerk.backup(tmp_path / "copy", office.log.append)
    [failed] = office.round()
    assert isinstance(failed, FileExistsError)


def test_work_ends_with_the_store_that_it_uses(office: Office, tmp_path: Path) -> None:
    def put_within(_: Path, between: Callable[[], None]) -> None:
        office.put(1)
        office.store.fault = StoreDamaged("damaged")
        between()
        raise AssertionError("the backup goes on")

    office.store.backup = put_within  # type: ignore[method-assign, assignment]
    office.clerk.backup(tmp_path / "copy", office.log.append)
    assert office.round() == [State.OFF, AWAY, AWAY]


def test_too_many_requests_are_not_accepted(office: Office) -> None:
    erase = partial(office.clerk.erase, CHANNEL, None, office.log.append)
    assert [erase() for _ in range(MAX_JOBS + 1)] == [True] * MAX_JOBS + [False]
    accepted = 0
    while office.clerk.put(put(1, payload=bytes(65536)), office.log.append):
        accepted += 1
    assert accepted > 10
    assert office.clerk.waiting_bytes == accepted * put(1, payload=bytes(65536)).cost


def test_the_thread_opens_stores_and_closes(tmp_path: Path) -> None:
    threads: set[str] = set()
    results: list[Any] = []
    has_result = Event()

    def open_store() -> Store:
        threads.add(current_thread().name)
        return open_sqlite_store(tmp_path / "mailbox", tmp_path / "key", StoreLimits(), 0)

    def note(result: object) -> None:
        results.append(result)
        has_result.set()

    states: list[State] = []
    clerk = Clerk(open_store, lambda call: call(), lambda state, _: states.append(state))
    clerk.start(60)
    assert clerk.put(put(1), note)
    assert has_result.wait(60)
    for number in range(2, 300):
        assert clerk.put(put(number), note)
    assert clerk.stop(60)
    assert not clerk.put(put(1), note)
    assert [result.cursor.place for result in results] == list(range(1, 300))
    assert (threads, states) == ({"mailbox"}, [State.OPEN])
    store = open_sqlite_store(tmp_path / "mailbox", tmp_path / "key", StoreLimits(), 0)
    assert store.usage().items == 299
    assert store.saved_time() is not None
    store.close()


def test_the_start_fails_if_the_store_must_not_be_opened() -> None:
    def refuse() -> Store:
        raise StoreRefused("the reason")

    clerk = Clerk(refuse, lambda call: call(), lambda *_: None)
    with pytest.raises(StoreRefused, match="the reason"):
        clerk.start(60)
    assert clerk.stop(60)


def test_a_dead_disk_holds_neither_the_start_nor_the_stop() -> None:
    is_over = Event()

    def hang() -> Store:
        is_over.wait(60)
        return MemoryStore()

    clerk = Clerk(hang, lambda call: call(), lambda *_: None)
    clerk.start(0.001)
    assert clerk.put(put(1, OTHER), lambda _: None)
    assert not clerk.stop(0.001)
    is_over.set()
    assert clerk.stop(60)
