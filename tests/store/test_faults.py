"""Full and failing disks, as far as a test can have them."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
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
from tests.store.sqlite_file import database, sums_differ
from vaultrelay.policy.limits.mailbox import RESERVE_BYTES
from vaultrelay.store.disk import Folder
from vaultrelay.store.sqlite.faults import store_faults
from vaultrelay.store.sqlite.opening import FILE, open_sqlite_store
from vaultrelay.store.sqlite.store import SqliteStore
from vaultrelay.store.store import StoreDamaged, StoreFull, StoreRefused, StoreUnavailable

SMALL_DISK = 4 * 1024 * 1024
PAYLOAD = bytes(8_000)


def open_store(folder: Path) -> SqliteStore:
    """Open the store of a test."""
    return open_sqlite_store(folder / "mailbox", folder / "key", LIMITS, 0)


def fill(store: SqliteStore) -> int:
    """Store items until the disk is full; return how many."""
    for number in range(2000):
        try:
            store.put([put(number, payload=PAYLOAD)], NOW)
        except StoreFull:
            return number
    raise AssertionError("the disk is not full")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=700", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no permission to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_refuses_puts_and_lets_items_be_read_and_deleted(small_disk: Path) -> None:
    store = open_store(small_disk)
    stored = fill(store)
    assert stored > 100
    assert numbers(read(store)) == list(range(stored))
    with pytest.raises(StoreFull, match="reserve"):
        store.put([put(9999)], NOW)
    housekeep(store, NOW + WEEK)
    assert store.usage().items == 0
    assert store.is_writable()
    store_one(store, put(9999), NOW + WEEK)
    store.check()
    store.close()
    assert not sums_differ(small_disk / "mailbox")


def test_erase_works_on_a_full_disk(small_disk: Path) -> None:
    store = open_store(small_disk)
    store_one(store, put(1, OTHER))
    fill(store)
    ballast = small_disk / "ballast"
    # The reserve does not fit any more.
    _fill_with(ballast, RESERVE_BYTES - 8192)
    assert not store.is_writable()
    assert erase(store, CHANNEL, None) is not None
    assert numbers(read(store)) == []
    assert numbers(read(store, channel=OTHER)) == [1]
    ballast.unlink()
    assert store.is_writable()
    store.close()


@pytest.mark.parametrize("work", ["erase", "expiry"])
def test_the_reserve_is_room_to_delete(small_disk: Path, work: str) -> None:
    store = open_store(small_disk)
    store.put([put(number, payload=PAYLOAD) for number in range(60)], NOW)
    erase(store, OTHER, None)
    ballast = small_disk / "ballast"
    _fill_with(ballast, 0)
    reserve = small_disk / "mailbox" / "reserve"
    assert reserve.exists()
    if work == "erase":
        assert erase(store, CHANNEL, None) is not None
    else:
        housekeep(store, NOW + WEEK)
    assert store.usage().items == 0
    assert not reserve.exists()
    ballast.unlink()
    assert store.is_writable()
    assert reserve.exists()
    store.check()
    store.close()


def _fill_with(path: Path, left: int) -> None:
    """Fill the disk, but for some bytes."""
    free = shutil.disk_usage(path.parent).free
    with path.open("wb") as file:
        file.write(bytes(max(free - left, 0)))


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so that the write fails with EFBIG.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, hard))
    try:
        stored = fill(store)
        assert numbers(read(store)) == list(range(stored))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.is_writable()
    store_one(store, put(9999))
    store.check()
    store.close()
    assert not sums_differ(tmp_path / "mailbox")


def test_a_backup_that_does_not_fit_leaves_no_file_and_a_sound_store(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.put([put(number, payload=PAYLOAD) for number in range(50)], NOW)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="disk"):
            store.backup(tmp_path / "copy", lambda: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "copy").exists()
    store_one(store, put(50))
    store.close()


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tests.store.test_faults import open_store\n"
        "open_store(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    second = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert "StoreRefused: another process uses the folder" in second.stderr
    with pytest.raises(StoreRefused, match="another process"):
        open_store(tmp_path)
    store_one(store, put(1))
    store.close()
    open_store(tmp_path).close()


def test_nobody_else_can_read_the_file_of_an_open_store(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with database(tmp_path / "mailbox") as db:
        db.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            db.execute("SELECT * FROM item")
    store_one(store, put(1))
    store.close()


def test_a_file_that_is_locked_makes_the_store_unavailable(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with database(tmp_path / "mailbox") as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="locked"):
            open_store(tmp_path)
    open_store(tmp_path).close()


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    (tmp_path / "mailbox" / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged, match="NOTADB"):
        open_store(tmp_path)


def test_a_folder_whose_disk_fails_makes_the_store_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Folder) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Folder, "take", fail)
    with pytest.raises(StoreUnavailable, match="Input/output error"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFull),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_READ, StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreDamaged),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, StoreDamaged),
        (sqlite3.SQLITE_ERROR, sqlite3.OperationalError),
    ],
)
def test_faults_are_named_by_what_follows(code: int, fault: type[Exception]) -> None:
    error = sqlite3.OperationalError("text")
    error.sqlite_errorcode = code
    with pytest.raises(fault, match="text"), store_faults():
        raise error


def test_a_transaction_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    store_one(store, put(1, key=b"k" * 16))
    before = (store.usage(), read(store))
    bad = put(3)._replace(ttl="no number")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.put([put(2, key=b"k" * 16), put(2, OTHER), bad], NOW)
    assert (store.usage()._replace(file_bytes=0), read(store)) == (
        before[0]._replace(file_bytes=0),
        before[1],
    )
    store_one(store, put(2))
    store.check()
    store.close()
