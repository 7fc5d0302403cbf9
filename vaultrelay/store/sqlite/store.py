"""SqliteStore: the store in SQLite."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EIO
from functools import partial
from pathlib import Path
from typing import TypeVar

from vaultrelay.policy.limits.mailbox import BACKUP_PAGES
from vaultrelay.store.disk import Folder
from vaultrelay.store.names import Names
from vaultrelay.store.sqlite.channels import cursor_at, is_known
from vaultrelay.store.sqlite.faults import store_faults
from vaultrelay.store.sqlite.housekeeping import Housekeeping
from vaultrelay.store.sqlite.items import MINUTE
from vaultrelay.store.sqlite.reader import Reader
from vaultrelay.store.sqlite.tables import Tables
from vaultrelay.store.sqlite.writer import Writer
from vaultrelay.store.store import (
    Cursor,
    Page,
    Put,
    Refused,
    Stored,
    StoreDamaged,
    StoreFull,
    StoreLimits,
    Usage,
)

_Result = TypeVar("_Result")


class SqliteStore:
    """A store in one file, by one connection. `Store` has the documentation of the methods."""

    def __init__(
        self, db: sqlite3.Connection, folder: Folder, path: Path, names: Names, limits: StoreLimits
    ) -> None:
        self.limits = limits
        self._db = db
        self._folder = folder
        self._path = path
        self._names = names
        self._tables = Tables(db)
        self._writer = Writer(self._tables, names)
        self._reader = Reader(self._tables)
        self._housekeeping = Housekeeping(self._tables, self._reader)

    def put(self, puts: Sequence[Put], now: int) -> list[Stored | Refused]:
        """Store items in one transaction."""
        self._folder.require_room()
        try:
            with self._tables.transaction():
                return [self._writer.put(put, self.limits, now) for put in puts]
        except StoreFull:
            # To be made again before the next PUT; until then it is room to delete.
            self._folder.give_up_reserve()
            raise

    def page(self, channel: bytes, cursor: Cursor | None, most: int, now: int) -> Page:
        """Read items, and check their checksums."""
        with store_faults():
            return self._reader.page(self._names.channel(channel), cursor, most, now)

    def erase(
        self, channel: bytes, upto: Cursor | None, between: Callable[[], None]
    ) -> Cursor | None:
        """Delete items, and cut the write-ahead log."""
        name = self._names.channel(channel)
        with store_faults():
            end = self._end_of_erase(name, upto)
        while end is not None and self._with_reserve(partial(self._erase_slice, name, end.place)):
            between()
        # Also if this one deleted nothing: an earlier erase may have failed here.
        if not self._tables.is_log_cut:
            self._with_reserve(self._tables.cut_log)
        return end

    def _end_of_erase(self, name: bytes, upto: Cursor | None) -> Cursor | None:
        channel = self._tables.channels.find(name)
        if channel is None:
            return None
        spans = self._tables.channels.spans(channel)
        if upto is None:
            return cursor_at(spans, channel.head)
        return upto if is_known(channel, spans, upto) else None

    def _erase_slice(self, name: bytes, place: int) -> bool:
        """Delete some items up to a place; return whether there were any."""
        with self._tables.transaction():
            channel = self._tables.channels.find(name)
            rows = [] if channel is None else self._tables.items.up_to(channel, place)
            if channel is not None and rows:
                self._tables.delete_items(channel, rows)
            return bool(rows)

    def housekeep(self, now: int, latest: int) -> bool:
        """Do one slice."""
        with store_faults():
            retention = self.limits.retention
            return self._with_reserve(lambda: self._housekeeping.slice(now, latest, retention))

    def usage(self) -> Usage:
        """Sum up."""
        quotas = self._tables.quotas
        log = self._path.with_name(f"{self._path.name}-wal")
        with store_faults():
            return Usage(
                items=quotas.items,
                channels=quotas.channels,
                bytes=quotas.bytes,
                file_bytes=sum(path.stat().st_size for path in (self._path, log) if path.exists()),
                expired=self._housekeeping.expired,
                damaged=self._reader.damaged_count,
                next_expiry=self._tables.items.next_expiry(),
            )

    def saved_time(self) -> int | None:
        """Return the saved time."""
        with store_faults():
            row = self._db.execute(
                "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'time'"
            ).fetchone()
            return None if row is None else row[0] * MINUTE

    def save_time(self, now: int) -> None:
        """Save the time, to the minute as all times in the file."""
        with self._tables.transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('time', ?)", (now // MINUTE,))

    def is_writable(self) -> bool:
        """Return whether there is room, after an attempt to make the reserve again."""
        self._folder.make_reserve()
        try:
            self._folder.require_room()
        except StoreFull:
            return False
        return True

    def check(self) -> None:
        """Check tables, indexes and sums."""
        with store_faults():
            found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            sums = self._db.execute("SELECT total(size), count(*) FROM item").fetchone()
            counted = self._db.execute("SELECT total(bytes), total(items) FROM channel").fetchone()
        if found != b"ok":
            raise StoreDamaged(f"quick_check: {found!r}")
        if sums != counted:
            raise StoreDamaged("the items differ from the sums of their channels")

    def backup(self, path: Path, between: Callable[[], None]) -> None:
        """Copy the pages. What this connection writes meanwhile is in the copy, too."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            copy = sqlite3.connect(path, isolation_level=None)
            try:
                self._db.backup(copy, pages=BACKUP_PAGES, progress=lambda *_: between())
            finally:
                copy.close()
        except BaseException as error:
            path.unlink()
            # Mostly of the copy; a fault of the store shows at its next use.
            if isinstance(error, sqlite3.Error):
                raise OSError(EIO, str(error), str(path)) from error
            raise

    def close(self) -> None:
        """Close the file, and release the folder."""
        with suppress(sqlite3.Error):
            self._db.close()
        self._folder.release()

    def _with_reserve(self, work: Callable[[], _Result]) -> _Result:
        """Do some work that deletes; on a full disk, again without the reserve."""
        try:
            return work()
        except StoreFull:
            if not self._folder.give_up_reserve():
                raise
            return work()
