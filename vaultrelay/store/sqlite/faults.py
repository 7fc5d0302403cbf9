"""Faults of SQLite, as the mailbox names them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from vaultrelay.store.store import StoreDamaged, StoreFull, StoreUnavailable

_PRIMARY = 0xFF
"""The bits of an extended result code that have the primary one."""
_FULL = (
    sqlite3.SQLITE_FULL,
    # A quota of the file system, or a limit of the process: the transaction is rolled back, and
    # nothing is lost.
    sqlite3.SQLITE_IOERR_WRITE,
)
_DAMAGED = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    # The statements break no constraint of tables that are as they were left.
    sqlite3.SQLITE_CONSTRAINT,
)
_UNAVAILABLE = (
    # Of fsync, among others: the kernel may have dropped the pages that it could not write, so the
    # connection must not go on with those in its cache.
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOMEM,
)


@contextmanager
def store_faults() -> Iterator[None]:
    """Raises StoreFull, StoreDamaged or StoreUnavailable for errors of SQLite that are not bugs."""
    try:
        yield
    except sqlite3.Error as error:
        # Errors of the module itself have no code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
        text = f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}"
        if code in _FULL:
            raise StoreFull(text) from error
        if code & _PRIMARY in _DAMAGED:
            raise StoreDamaged(text) from error
        if code & _PRIMARY in _UNAVAILABLE:
            raise StoreUnavailable(text) from error
        raise
    except UnicodeDecodeError as error:
        # Of a message of SQLite that cites a damaged schema.
        raise StoreDamaged("the schema is no text") from error
