"""The tables, and the settings of the connection."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from vaultrelay.policy.limits.mailbox import CACHE_KIBIBYTES, CHECKPOINT_PAGES
from vaultrelay.store.store import StoreDamaged, StoreRefused

APPLICATION_ID = 0x764D626F
"""Marks the file as a mailbox ("vMbo"), for file(1) as well."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
        # birth: random, so that a channel made anew has other runs. lost: the last place that was
        # deleted, but for replaced items. used: the day of the last PUT. sum: of the row.
        """CREATE TABLE channel (
            number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, birth BLOB NOT NULL, payer BLOB,
            head INTEGER NOT NULL, lost INTEGER NOT NULL, bytes INTEGER NOT NULL,
            items INTEGER NOT NULL, used INTEGER NOT NULL, sum INTEGER NOT NULL)""",
        "CREATE INDEX channel_empty ON channel (used) WHERE items = 0",
        # The run of the places from `first` on.
        """CREATE TABLE span (
            channel INTEGER NOT NULL, first INTEGER NOT NULL, run BLOB NOT NULL,
            PRIMARY KEY (channel, first)) WITHOUT ROWID""",
        # row: the number of the channel and the place, so that a channel is read in one sweep.
        # expires: in minutes. sum: of all but expires.
        """CREATE TABLE item (
            row INTEGER PRIMARY KEY, channel INTEGER NOT NULL, id BLOB NOT NULL, key BLOB,
            expires INTEGER NOT NULL, size INTEGER NOT NULL, sum INTEGER NOT NULL,
            payload BLOB NOT NULL)""",
        "CREATE UNIQUE INDEX item_id ON item (channel, id)",
        "CREATE UNIQUE INDEX item_key ON item (channel, key) WHERE key IS NOT NULL",
        "CREATE INDEX item_expires ON item (expires)",
    ),
)
"""The statements of each version of the schema, which upgrade a file of the version before."""

_SETTINGS = (
    # Before the first table.
    "auto_vacuum = INCREMENTAL",
    # Before the write-ahead log: its index is then in memory, and no second connection can exist.
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
    f"journal_size_limit = {CHECKPOINT_PAGES * 4096}",
    "synchronous = FULL",
    # macOS: an fsync that reaches the disk.
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "secure_delete = ON",
    "temp_store = MEMORY",
    f"cache_size = -{CACHE_KIBIBYTES}",
    "mmap_size = 0",
    "trusted_schema = OFF",
    "cell_size_check = ON",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a file with the settings, and upgrade it. Raises StoreRefused if it is of a newer relay,
    or no mailbox, StoreDamaged or sqlite3.Error if it cannot be read."""
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    # Texts are compared only, and those of a damaged file may be none.
    db.text_factory = bytes
    try:
        for setting in _SETTINGS:
            db.execute(f"PRAGMA {setting}").fetchall()
        _upgrade(db, path, STEPS)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
            model.text_factory = bytes
            _execute(model, STEPS)
            if _definitions(db) != _definitions(model):
                raise StoreDamaged(f"{path} has other tables than this relay has made")
    except BaseException:
        db.close()
        raise
    return db


def number(db: sqlite3.Connection, query: str) -> int:
    """Return the only value of a query."""
    value: int = db.execute(query).fetchone()[0]
    return value


def _upgrade(db: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]]) -> None:
    version = number(db, "PRAGMA user_version")
    if version > len(steps):
        raise StoreRefused(
            f"{path} was written by a newer relay (version {version} of the file; this relay knows "
            f"{len(steps)}). Start the newer relay, or move the file away"
        )
    is_new = version == 0 and not number(db, "SELECT count(*) FROM sqlite_schema")
    if not is_new and number(db, "PRAGMA application_id") != APPLICATION_ID:
        raise StoreRefused(f"{path} is a database, but no mailbox. Choose another folder")
    if version == len(steps):
        return
    db.execute("BEGIN EXCLUSIVE")
    try:
        _execute(db, steps[version:])
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(steps)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _execute(db: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    for step in steps:
        for statement in step:
            db.execute(statement)


def _definitions(db: sqlite3.Connection) -> list[tuple[bytes, ...]]:
    """Return the definitions of all tables and indexes."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
    return db.execute(query).fetchall()
