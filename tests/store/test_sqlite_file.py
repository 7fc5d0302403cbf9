"""What is in the files of a store, and what is not."""

import os
import random
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.store.samples import (
    CHANNEL,
    LIMITS,
    NOW,
    OTHER,
    WEEK,
    erase,
    housekeep,
    numbers,
    put,
    read,
    store_one,
)
from tests.store.sqlite_file import damage_item, database, sums_differ
from vaultrelay.policy.limits.mailbox import MAX_DAMAGED_ITEMS, SLICE_BYTES
from vaultrelay.store.names import Names, read_key
from vaultrelay.store.sqlite import schema
from vaultrelay.store.sqlite.opening import FILE, open_sqlite_store
from vaultrelay.store.sqlite.store import SqliteStore
from vaultrelay.store.store import Item, StoreDamaged, StoreRefused
from vaultrelay.wire.control.mailbox import Gap

FREE_PAGES_OFFSET = 36
"""Where the header of the file has the number of unused pages."""
MARK = b"plain-to-find" * 10


def open_store(folder: Path) -> SqliteStore:
    """Open the store of a test."""
    return open_sqlite_store(folder / "mailbox", folder / "mailbox" / "key", LIMITS, 0)


def content(folder: Path) -> bytes:
    """All bytes of all files but the key."""
    files = [path for path in (folder / "mailbox").iterdir() if path.name != "key"]
    return b"".join(path.read_bytes() for path in files)


def test_the_settings_are_in_force(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store_one(store, put(1))
    db = store._db
    found = {
        name: db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("auto_vacuum", "journal_mode", "locking_mode", "secure_delete", "synchronous")
    }
    assert found == {
        "auto_vacuum": 2,  # incremental
        "journal_mode": b"wal",
        "locking_mode": b"exclusive",
        "secure_delete": 1,
        "synchronous": 2,  # each commit ends with an fsync
    }
    store.close()


def test_folder_and_files_are_private(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        store = open_store(tmp_path)
        store_one(store, put(1))
    finally:
        os.umask(mask)
    folder = tmp_path / "mailbox"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == dict.fromkeys((FILE, f"{FILE}-wal", "key", "lock", "reserve"), 0o600)
    store.close()


def test_the_files_name_no_channel_and_no_payer(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    channel, payer = os.urandom(32), os.urandom(32)
    store.put([put(1, channel, MARK, payer=payer)], NOW)
    for _ in range(2):
        found = content(tmp_path)
        assert MARK in found
        for secret in (channel, payer, (tmp_path / "mailbox" / "key").read_bytes()):
            assert not any(secret[at : at + 8] in found for at in range(25))
        store.close()


@pytest.mark.parametrize("size", [100, 3000, 60_000])
def test_erased_bytes_are_in_no_file(tmp_path: Path, size: int) -> None:
    store = open_store(tmp_path)
    payload = (MARK * (size // len(MARK) + 1))[:size]
    store.put([put(each, payload=payload) for each in range(30)], NOW)
    store.put([put(each, OTHER, key=MARK[:16]) for each in range(3)], NOW)
    assert MARK[:100] in content(tmp_path)
    erase(store, CHANNEL, None)
    erase(store, OTHER, None)
    assert MARK[:16] not in content(tmp_path)
    store.close()


def test_puts_during_an_erase_are_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put([put(each) for each in range(250)], NOW)
    more = iter(range(250, 300))

    def between() -> None:
        store_one(store, put(next(more)))

    end = store.erase(CHANNEL, None, between)
    assert end is not None
    assert end.place == 250
    assert numbers(read(store)) == [250, 251, 252]
    assert read(store, end).gap is None
    store.check()
    store.close()


def test_expired_and_replaced_bytes_are_in_no_file_after_housekeeping(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put([put(each, payload=MARK, key=MARK[:16]) for each in range(5)], NOW)
    store.put([put(9, payload=b"new", key=MARK[:16]), put(10, payload=MARK, ttl=60)], NOW)
    housekeep(store, NOW + 60)
    assert MARK not in content(tmp_path)
    assert numbers(read(store, None, NOW + 60)) == [9]
    store.close()


def test_space_is_given_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for batch in range(4):
        store.put([put(batch * 100 + each, payload=bytes(9_000)) for each in range(100)], NOW)
    full = store.usage().file_bytes
    slices = 1
    while store.housekeep(NOW + WEEK, NOW + WEEK):
        slices += 1
    # Of items, and of pages.
    assert 4 * 100 * 9_000 / SLICE_BYTES < slices < 60
    assert store.usage().file_bytes < full / 4
    assert not store.usage().items
    store.check()
    store.close()


def test_a_backup_is_a_store_with_all_that_was_put_meanwhile(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put([put(each, payload=bytes(9_000)) for each in range(100)], NOW)
    more = iter(range(100, 200))
    last: list[object] = []

    def between() -> None:
        last.append(store_one(store, put(next(more))))

    copy = tmp_path / "copy"
    store.backup(copy, between)
    assert len(last) > 2
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    lost = store_one(store, put(200))
    store.close()
    copy.replace(tmp_path / "mailbox" / FILE)
    store = open_store(tmp_path)
    assert len(read(store).items) >= 100 + len(last) - 1
    assert read(store, lost).gap is Gap.UNKNOWN
    store.check()
    store.close()
    assert not sums_differ(tmp_path / "mailbox")


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    def fail() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.backup(tmp_path / "copy", fail)
    assert not (tmp_path / "copy").exists()
    store_one(store, put(1))
    store.close()


def test_other_tables_turn_the_store_off(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with database(tmp_path / "mailbox") as db:
        db.execute("DROP INDEX item_key")
    with pytest.raises(StoreDamaged, match="other tables"):
        open_store(tmp_path)


def test_a_file_of_a_newer_relay_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with database(tmp_path / "mailbox") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreRefused, match="written by a newer relay"):
        open_store(tmp_path)


def test_another_database_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    (tmp_path / "mailbox" / FILE).unlink()
    with database(tmp_path / "mailbox") as db:
        db.execute("CREATE TABLE cookies (value)")
    with pytest.raises(StoreRefused, match="no mailbox"):
        open_store(tmp_path)


def test_an_upgrade_is_done_once_and_completely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    cursor = store_one(store, put(1))
    store.close()
    first = schema.STEPS
    half = ("ALTER TABLE channel ADD COLUMN extra", "CREATE TABLE channel (again)")
    monkeypatch.setattr(schema, "STEPS", (*first, half))
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        open_store(tmp_path)
    monkeypatch.setattr(schema, "STEPS", first)
    store = open_store(tmp_path)
    assert numbers(read(store)) == [1]
    store.close()
    monkeypatch.setattr(schema, "STEPS", (*first, half[:1]))
    for _ in range(2):
        store = open_store(tmp_path)
        assert read(store, cursor).gap is None
        store.close()


def test_a_lost_key_and_a_foreign_key_are_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    key = tmp_path / "mailbox" / "key"
    old = key.read_bytes()
    key.unlink()
    with pytest.raises(StoreRefused, match="unreadable: No such file"):
        open_store(tmp_path)
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    with pytest.raises(StoreRefused, match="not the key"):
        open_store(tmp_path)
    key.write_bytes(old)
    open_store(tmp_path).close()


def test_a_lost_file_makes_cursors_unknown(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    cursor = store_one(store, put(1))
    store.close()
    (tmp_path / "mailbox" / FILE).unlink()
    store = open_store(tmp_path)
    assert read(store, cursor).gap is Gap.UNKNOWN
    store_one(store, put(1))
    assert read(store, cursor).gap is Gap.UNKNOWN
    store.close()


def test_a_lost_log_makes_cursors_unknown(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = store_one(store, put(1))
    erase(store, OTHER, None)
    lost = store_one(store, put(2))
    folder = tmp_path / "mailbox"
    shutil.copy(folder / FILE, tmp_path / "without-log")
    store.close()
    shutil.copy(tmp_path / "without-log", folder / FILE)
    store = open_store(tmp_path)
    assert numbers(read(store)) == [1]
    store_one(store, put(3))
    assert [read(store, cursor).gap for cursor in (first, lost)] == [None, Gap.UNKNOWN]
    store.close()


def test_a_damaged_item_is_passed_over_and_deleted(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = store_one(store, put(1))
    damaged = store_one(store, put(2))
    last = store_one(store, put(3))
    store.close()
    name = Names(read_key(tmp_path / "mailbox" / "key")).channel(CHANNEL)
    damage_item(tmp_path / "mailbox", name, damaged.place)
    store = open_store(tmp_path)
    for _ in range(2):
        page = read(store, first)
        assert (numbers(page), page.gap) == ([3], Gap.GONE)
        assert read(store, damaged).gap is None
        assert read(store, None).gap is Gap.GONE
        assert store.usage().damaged == 1
        housekeep(store, NOW)
    assert store.usage().items == 2
    assert read(store, last).gap is None
    # Its sender can store it again.
    assert store_one(store, put(2)).place == 4
    store.close()


def test_many_damaged_items_turn_the_store_off(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put([put(each) for each in range(MAX_DAMAGED_ITEMS + 1)], NOW)
    store.close()
    with database(tmp_path / "mailbox") as db:
        db.execute("UPDATE item SET sum = sum + 1")
    store = open_store(tmp_path)
    with pytest.raises(StoreDamaged, match="wrong checksums"):
        read(store)
    store.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE channel SET lost = 0, head = 1", "wrong checksum"),
        ("DELETE FROM span", "in no span"),
    ],
)
def test_a_damaged_channel_turns_the_store_off(tmp_path: Path, change: str, message: str) -> None:
    store = open_store(tmp_path)
    store.put([put(1), put(2)], NOW)
    store.close()
    with database(tmp_path / "mailbox") as db:
        db.execute(change)
    store = open_store(tmp_path)
    with pytest.raises(StoreDamaged, match=message):
        read(store)
    store.close()


def test_sums_that_differ_and_items_without_a_channel_are_found(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store_one(store, put(1))
    store.close()
    with database(tmp_path / "mailbox") as db:
        db.execute("DELETE FROM channel")
    store = open_store(tmp_path)
    with pytest.raises(StoreDamaged, match="differ from the sums"):
        store.check()
    with pytest.raises(StoreDamaged, match="has no channel"):
        store.housekeep(NOW + WEEK, NOW + WEEK)
    store.close()


def test_a_damaged_tree_is_found_by_the_check(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with (tmp_path / "mailbox" / FILE).open("r+b") as file:
        file.seek(FREE_PAGES_OFFSET)
        file.write((7).to_bytes(4, "big"))
    store = open_store(tmp_path)
    with pytest.raises(StoreDamaged, match="quick_check"):
        store.check()
    store.close()


def test_each_flipped_bit_is_reported_or_harmless(tmp_path: Path) -> None:
    """Every item is as it was, or missing with a gap; or the store is off."""
    original = tmp_path / "original"
    original.mkdir()
    store = open_store(original)
    first = store_one(store, put(0))
    store.put([put(each, payload=os.urandom(700)) for each in range(1, 60)], NOW)
    items = read(store).items
    store.close()
    chance = random.Random(7)
    outcomes = {"off": 0, "gap": 0, "same": 0}
    file = (original / "mailbox" / FILE).read_bytes()
    for _ in range(int(os.environ.get("MAILBOX_FLIPS", "60"))):
        copy = tmp_path / "copy"
        shutil.copytree(original, copy)
        at = chance.randrange(len(file))
        flipped = bytearray(file)
        flipped[at] ^= 1 << chance.randrange(8)
        (copy / "mailbox" / FILE).write_bytes(flipped)
        outcomes[_outcome(copy, first.place, items)] += 1
        shutil.rmtree(copy)
    assert min(outcomes.values()), outcomes


def _outcome(folder: Path, place: int, items: list[Item]) -> str:
    try:
        store = open_store(folder)
    except (StoreDamaged, StoreRefused):
        return "off"
    try:
        store.check()
        page = read(store, items[place - 1].cursor)
    except StoreDamaged:
        return "off"
    finally:
        store.close()
    if page.gap is None:
        assert page.items == items[place:]
        return "same"
    assert set(page.items) <= set(items)
    return "gap"
