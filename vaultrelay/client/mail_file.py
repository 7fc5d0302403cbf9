"""MailFile: a MailStore in a file of SQLite."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vaultrelay.client.mail_store import MAX_KNOWN_IDS, StoreFailed, WaitingPut

APPLICATION_ID = 0x764D6D63
"""Marks the file ("vMmc"), for file(1) as well."""
VERSION = 1
_SETTINGS = (
    # Before the write-ahead log: no second process can open the file.
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = FULL",
    # macOS: an fsync that reaches the disk.
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "trusted_schema = OFF",
)
_TABLES = (
    """CREATE TABLE put (
        number INTEGER PRIMARY KEY, item_id BLOB NOT NULL UNIQUE, payload BLOB NOT NULL,
        key BLOB NOT NULL, ttl INTEGER NOT NULL)""",
    "CREATE TABLE known (number INTEGER PRIMARY KEY, item_id BLOB NOT NULL UNIQUE)",
    "CREATE TABLE state (cursor BLOB NOT NULL, must_synchronize INTEGER NOT NULL)",
    "INSERT INTO state VALUES (x'', 0)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class MailFile:
    """The mail of one device in one channel, on its disk: private, for one process at a time.

    Raises StoreFailed if the file cannot be used. A call takes as long as an fsync.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._failing():
            # SQLite gives its log the mode of the file.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Release the file; the store is of no use afterwards."""
        self._db.close()

    @property
    def cursor(self) -> bytes:
        return self._cursor

    @property
    def must_synchronize(self) -> bool:
        return self._must_synchronize

    def puts(self) -> Sequence[WaitingPut]:
        with self._failing():
            rows = self._db.execute("SELECT item_id, payload, key, ttl FROM put ORDER BY number")
            return [WaitingPut._make(row) for row in rows]

    def add_put(self, put: WaitingPut, replaced: bytes | None) -> None:
        with self._transaction():
            if replaced is not None:
                self._remember((replaced,))
            self._db.execute(
                "INSERT INTO put (item_id, payload, key, ttl) VALUES (?, ?, ?, ?)", put
            )

    def remove_put(self, item_id: bytes) -> None:
        with self._transaction():
            self._db.execute("DELETE FROM put WHERE item_id = ?", (item_id,))

    def knows(self, item_id: bytes) -> bool:
        with self._failing():
            rows = self._db.execute("SELECT 1 FROM known WHERE item_id = ?", (item_id,))
            return rows.fetchone() is not None

    def take(self, item_ids: Sequence[bytes], cursor: bytes) -> None:
        with self._transaction():
            self._remember(item_ids)
            self._db.execute("UPDATE state SET cursor = ?", (cursor,))
        self._cursor = cursor

    def set_must_synchronize(self, value: bool) -> None:
        with self._transaction():
            self._db.execute("UPDATE state SET must_synchronize = ?", (value,))
        self._must_synchronize = value

    def _remember(self, item_ids: Sequence[bytes]) -> None:
        ids = [(item_id,) for item_id in item_ids]
        self._db.executemany("INSERT OR IGNORE INTO known (item_id) VALUES (?)", ids)
        self._db.executemany("DELETE FROM put WHERE item_id = ?", ids)
        self._db.execute(
            "DELETE FROM known WHERE number <= (SELECT max(number) FROM known) - ?",
            (MAX_KNOWN_IDS,),
        )

    def _open(self) -> None:
        with self._failing():
            for setting in _SETTINGS:
                self._db.execute(f"PRAGMA {setting}").fetchall()
        with self._transaction():
            if not self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                for statement in _TABLES:
                    self._db.execute(statement)
            marks = [
                self._db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            ]
            if marks != [APPLICATION_ID, VERSION]:
                raise StoreFailed(f"{self._path} is not a mail file of this version")
            self._cursor, must_synchronize = self._db.execute("SELECT * FROM state").fetchone()
        self._must_synchronize = bool(must_synchronize)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(f"the mail file {self._path} cannot be used: {error}") from error
