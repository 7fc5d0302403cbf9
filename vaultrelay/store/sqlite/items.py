"""Items: the rows of items."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from vaultrelay.policy.limits.mailbox import SLICE_BYTES, SLICE_ITEMS
from vaultrelay.store.sqlite.channels import Channel
from vaultrelay.store.store import Put

MINUTE = 60


class Row(NamedTuple):
    """What remains to be known of an item that is deleted."""

    row: int
    size: int


class StoredItem(NamedTuple):
    """An item as it is read. `minute` is when it expires."""

    place: int
    id: bytes
    minute: int
    payload: bytes
    is_intact: bool


class Items:
    """The items of all channels."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def place(self, channel: Channel, id: bytes) -> int | None:
        """Return the place of the item with this id."""
        row = self._db.execute(
            "SELECT row FROM item WHERE channel = ? AND id = ?", (channel.number, id)
        ).fetchone()
        return None if row is None else row[0] - channel.first_row

    def with_key(self, channel: Channel, key: bytes) -> Row | None:
        """Return the item with this collapse key."""
        row = self._db.execute(
            "SELECT row, CAST(size AS INTEGER) FROM item WHERE channel = ? AND key = ?",
            (channel.number, key),
        ).fetchone()
        return None if row is None else Row._make(row)

    def add(self, channel: Channel, place: int, put: Put, expires: int) -> None:
        """Insert an item, which expires in the minute that ends at or after `expires`."""
        row = channel.first_row + place
        minute = -(-expires // MINUTE)
        sum = _sum(row, put.id, put.key, put.payload)
        self._db.execute(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (row, channel.number, put.id, put.key, minute, put.cost, sum, put.payload),
        )

    def after(self, channel: Channel, place: int) -> Iterator[StoredItem]:
        """Iterate over the items of a channel after a place."""
        first = channel.first_row
        for row, id, key, minute, sum, payload in self._db.execute(
            "SELECT row, id, key, CAST(expires AS INTEGER), sum, payload FROM item "
            "WHERE row > ? AND row <= ? ORDER BY row",
            (first + place, first + channel.head),
        ):
            # A flipped bit may change the type of a value, too.
            is_intact = isinstance(payload, bytes) and _sum(row, id, key, payload) == sum
            yield StoredItem(row - first, id, minute, payload, is_intact)

    def up_to(self, channel: Channel, place: int) -> list[Row]:
        """Return a slice of the items of a channel up to a place, the oldest first."""
        return self._slice(
            "SELECT row, CAST(size AS INTEGER) FROM item "
            "WHERE row > ? AND row <= ? ORDER BY row LIMIT ?",
            (channel.first_row, channel.first_row + place, SLICE_ITEMS),
        )

    def expired(self, now: int) -> list[Row]:
        """Return a slice of the items that have expired, the oldest first."""
        return self._slice(
            "SELECT row, CAST(size AS INTEGER) FROM item "
            "WHERE expires <= ? ORDER BY expires LIMIT ?",
            (now // MINUTE, SLICE_ITEMS),
        )

    def at(self, row: int) -> list[Row]:
        """Return the item in a row, if it is still there."""
        return self._slice("SELECT row, CAST(size AS INTEGER) FROM item WHERE row = ?", (row,))

    def delete(self, row: int) -> None:
        """Delete one item."""
        self._db.execute("DELETE FROM item WHERE row = ?", (row,))

    def shorten(self, expires: int, most: int) -> int:
        """Let up to `most` items expire at this time that would do so later; return how many."""
        minute = -(-expires // MINUTE)
        return self._db.execute(
            "UPDATE item SET expires = ?1 WHERE row IN "
            "(SELECT row FROM item WHERE expires > ?1 LIMIT ?2)",
            (minute, most),
        ).rowcount

    def next_expiry(self) -> int | None:
        """Return when the next item expires, in seconds."""
        minute = self._db.execute("SELECT min(expires) FROM item").fetchone()[0]
        return None if minute is None else minute * MINUTE

    def _slice(self, query: str, values: tuple[int, ...]) -> list[Row]:
        """Return as many rows as may be deleted in one transaction, and one at least."""
        rows: list[Row] = []
        size = 0
        for row in map(Row._make, self._db.execute(query, values).fetchall()):
            size += row.size
            if rows and size > SLICE_BYTES:
                break
            rows.append(row)
        return rows


def _sum(row: int, id: bytes, key: bytes | None, payload: bytes) -> int:
    """Return the checksum of an item. It is without the time, which a new retention changes: a
    wrong one is cut to the retention, or reported as a gap."""
    return crc32(payload, crc32(repr((row, id, key)).encode()))
