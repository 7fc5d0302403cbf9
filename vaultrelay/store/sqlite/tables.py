"""Tables: the rows of a store and the sums over them, changed in transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from vaultrelay.policy.limits.mailbox import CHANNEL_COST
from vaultrelay.store.quotas import Quotas
from vaultrelay.store.sqlite.channels import Channel, Channels
from vaultrelay.store.sqlite.faults import store_faults
from vaultrelay.store.sqlite.items import Items, Row
from vaultrelay.store.store import Cursor, Put, StoreUnavailable

_QUOTAS = "SELECT payer, CAST(bytes AS INTEGER), CAST(items AS INTEGER) FROM channel"


class Tables:
    """All rows. What changes rows is called in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.items = Items(db)
        self.channels = Channels(db)
        self.quotas = Quotas(db.execute(_QUOTAS))
        self.is_log_cut = False
        """Whether nothing was deleted since `cut_log`."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the changes, or undo all of them if there is an exception."""
        with store_faults():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.channels.save()
                self.db.execute("COMMIT")
            except BaseException:
                # Some errors have ended the transaction, and a failing disk fails again.
                with suppress(sqlite3.Error):
                    self.db.execute("ROLLBACK")
                self.quotas.cancel()
                raise
            finally:
                self.channels.forget()
            self.quotas.keep()

    def create_channel(self, name: bytes) -> Channel:
        """Return a new channel."""
        self.quotas.change(None, CHANNEL_COST, channels=1)
        return self.channels.create(name)

    def set_payer(self, channel: Channel, payer: bytes | None) -> None:
        """Move a channel to the share of another payer."""
        if channel.payer != payer:
            cost = channel.size + CHANNEL_COST
            self.quotas.change(channel.payer, -cost)
            self.quotas.change(payer, cost)
            channel.payer = payer

    def add_item(self, channel: Channel, put: Put, expires: int) -> Cursor:
        """Append an item to a channel; return its cursor."""
        self.channels.to_change(channel)
        cursor = self.channels.next_place(channel)
        self.items.add(channel, cursor.place, put, expires)
        self._count(channel, put.cost, 1)
        return cursor

    def replace_item(self, channel: Channel, row: Row) -> None:
        """Delete an item that a newer one replaces: no gap."""
        self.channels.to_change(channel)
        self.items.delete(row.row)
        self._count(channel, -row.size, -1)
        self.is_log_cut = False

    def delete_items(self, channel: Channel, rows: list[Row]) -> None:
        """Delete items of a channel that some devices may not have seen."""
        for row in rows:
            self.replace_item(channel, row)
            channel.lost = max(channel.lost, row.row - channel.first_row)
        self.channels.drop_spans(channel)

    def delete_unused_channels(self, before: int, most: int) -> int:
        """Delete up to `most` empty channels that were used last before this day; return how
        many."""
        unused = self.channels.delete_unused(before, most)
        for channel in unused:
            self.quotas.change(channel.payer, -CHANNEL_COST, channels=-1)
            self.is_log_cut = False
        return len(unused)

    def cut_log(self) -> None:
        """Copy the write-ahead log into the file, and cut it to nothing, so that neither has what
        was deleted.

        One exception is SQLite's: where pages were divided or joined, a copy of a row that was
        moved may be left in the unused part of a page. docs/decisions/0028 has the figures.
        """
        with store_faults():
            is_busy = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if is_busy:
            raise StoreUnavailable("another connection uses the file")
        self.is_log_cut = True

    def _count(self, channel: Channel, size: int, items: int) -> None:
        channel.size += size
        channel.items += items
        self.quotas.change(channel.payer, size, items)
