"""Opens a store in a folder."""

import sqlite3
from pathlib import Path

from vaultrelay.policy.limits.mailbox import DEFAULT_FREE_BYTES
from vaultrelay.store.disk import Folder
from vaultrelay.store.names import Names, create_key, read_key
from vaultrelay.store.sqlite.faults import store_faults
from vaultrelay.store.sqlite.schema import connect
from vaultrelay.store.sqlite.store import SqliteStore
from vaultrelay.store.store import StoreLimits, StoreRefused, StoreUnavailable

FILE = "mailbox.db"


def open_sqlite_store(
    path: Path, key: Path, limits: StoreLimits, free_bytes: int = DEFAULT_FREE_BYTES
) -> SqliteStore:
    """Open the store in a folder, whose key is in a file of its own; create both in a new folder.

    Raises StoreRefused if the operator must change something first, StoreDamaged, or
    StoreUnavailable if the disk fails.
    """
    folder = Folder(path, free_bytes)
    try:
        folder.take()
        with store_faults():
            return _open(folder, key, limits)
    except BaseException as error:
        folder.release()
        if isinstance(error, OSError):
            raise StoreUnavailable(str(error)) from error
        raise


def _open(folder: Folder, key: Path, limits: StoreLimits) -> SqliteStore:
    path = folder.path / FILE
    is_new = not path.exists() and not key.exists()
    names = Names(create_key(key) if is_new else read_key(key))
    # SQLite gives the write-ahead log the mode of the file.
    db = connect(folder.create(FILE))
    try:
        _check_key(db, names, key)
        return SqliteStore(db, folder, path, names, limits)
    except BaseException:
        db.close()
        raise


def _check_key(db: sqlite3.Connection, names: Names, key: Path) -> None:
    """Raises StoreRefused if the file was written with another key."""
    value = names.check_value()
    row = db.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    if row is None:
        db.execute("INSERT INTO meta VALUES ('key', ?)", (value,))
    elif row[0] != value:
        raise StoreRefused(
            f"{key} is not the key that this mailbox was written with. Restore that key, or move "
            "the store away to begin with an empty one"
        )
