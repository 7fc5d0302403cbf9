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

from tests.mailbox.samples import (
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
from tests.mailbox.sqlite_file import database, sums_differ
from vaultrelay.mailbox.disk import Folder
from vaultrelay.mailbox.sqlite.faults import store_faults
from vaultrelay.mailbox.sqlite.opening import FILE, open_sqlite_store
from vaultrelay.mailbox.sqlite.store import SqliteStore
from vaultrelay.mailbox.store import StoreDamaged, StoreFull, StoreRefused, StoreUnavailable

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
    _fill_with(ballast)
    assert not store.is_writable()
    assert erase(store, CHANNEL, None) is not None
    assert numbers(read(store)) == []
    assert numbers(read(store, channel=OTHER)) == [1]
    ballast.unlink()
    assert store.is_writable()
    store.close()


def _fill_with(path: Path) -> None:
    """Leave 1 MiB: the reserve of the store does not fit beside the log."""
    free = shutil.disk_usage(path.parent).free
    with path.open("wb") as file:
        file.write(bytes(max(free - 1024 * 1024 + 8192, 0)))


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


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tests.mailbox.test_faults import open_store\n"
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
