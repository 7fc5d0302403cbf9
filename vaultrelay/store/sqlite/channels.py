"""Channels: the rows of channels, and which run has written which of their places."""

import secrets
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

from vaultrelay.store.store import RUN_BYTES, Cursor, StoreDamaged

PLACE_BITS = 36
"""Of the number of a row: 10,000 PUTs a second fill a channel in 79 days."""
MAX_PLACE = (1 << PLACE_BITS) - 1
_CHANNEL_BITS = 63 - PLACE_BITS
"""The rest: 134 million channels. The quotas allow two million with one GiB."""
_BIRTH_BYTES = 8
_BY_NUMBER = """SELECT number, name, birth, payer, head, lost, bytes, items, used, sum
    FROM channel WHERE number = ?"""
_BY_NAME = """SELECT number, name, birth, payer, head, lost, bytes, items, used, sum
    FROM channel WHERE name = ?"""
_WRITE = """INSERT INTO channel (number, name, birth, payer, head, lost, bytes, items, used, sum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET
    payer = excluded.payer, head = excluded.head, lost = excluded.lost, bytes = excluded.bytes,
    items = excluded.items, used = excluded.used, sum = excluded.sum"""


@dataclass(slots=True)
class Channel:
    """A row. `size` is the sum of the costs of its items."""

    number: int
    name: bytes
    birth: bytes
    payer: bytes | None = None
    head: int = 0
    lost: int = 0
    size: int = 0
    items: int = 0
    used: int = 0

    @property
    def first_row(self) -> int:
        """The number of the row of place 0, which no item has."""
        return self.number << PLACE_BITS

    def values(self) -> tuple[bytes | int | None, ...]:
        """Return the columns, with their checksum."""
        # astuple() copies each value, which takes as long as all of SQLite.
        values = (
            self.number,
            self.name,
            self.birth,
            self.payer,
            self.head,
            self.lost,
            self.size,
            self.items,
            self.used,
        )
        return (*values, crc32(repr(values).encode()))


class Span(NamedTuple):
    """Places from `first` to the next span's, all written by one run."""

    first: int
    run: bytes


class Channels:
    """The channels of one opening of the store, whose runs nobody else can know."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._secret = secrets.token_bytes(16)
        """Never written down: a copy of the file begins runs of its own."""
        self._changed: dict[bytes, Channel] = {}

    def find(self, name: bytes) -> Channel | None:
        """Return a channel, with the changes of this transaction."""
        return self._changed.get(name) or self._load(_BY_NAME, name)

    def of_row(self, row: int) -> Channel:
        """Return the channel of an item, for changes."""
        found = self._load(_BY_NUMBER, row >> PLACE_BITS)
        if found is None:
            raise StoreDamaged(f"row {row} of an item has no channel")
        return self.to_change(self._changed.get(found.name) or found)

    def create(self, name: bytes) -> Channel:
        """Return a new channel, for changes."""
        number = 0
        # Random, so that the numbers do not tell in which order vaults came to this relay.
        while not number or self._load(_BY_NUMBER, number):
            number = secrets.randbelow(1 << _CHANNEL_BITS)
        channel = Channel(number, name, secrets.token_bytes(_BIRTH_BYTES))
        self._write([channel])
        return self.to_change(channel)

    def to_change(self, channel: Channel) -> Channel:
        """Return a channel, which is saved with this transaction."""
        self._changed[channel.name] = channel
        return channel

    def save(self) -> None:
        """Write the changes, before the transaction is committed."""
        self._write(self._changed.values())

    def forget(self) -> None:
        """Forget the changes, after the end of the transaction."""
        self._changed.clear()

    def delete_unused(self, before: int, most: int) -> list[Channel]:
        """Delete up to `most` empty channels that were used last before this day."""
        numbers = self._db.execute(
            "SELECT number FROM channel WHERE items = 0 AND used < ? LIMIT ?", (before, most)
        ).fetchall()
        found = [self._load(_BY_NUMBER, number) for (number,) in numbers]
        self._db.executemany("DELETE FROM channel WHERE number = ?", numbers)
        self._db.executemany("DELETE FROM span WHERE channel = ?", numbers)
        return [channel for channel in found if channel is not None]

    def spans(self, channel: Channel) -> list[Span]:
        """Return the spans in order."""
        rows = self._db.execute(
            "SELECT CAST(first AS INTEGER), run FROM span WHERE channel = ? ORDER BY first",
            (channel.number,),
        )
        return [Span._make(row) for row in rows]

    def next_place(self, channel: Channel) -> Cursor:
        """Count one more item of the present run, and return its place."""
        run = blake2b(channel.birth, key=self._secret, digest_size=RUN_BYTES).digest()
        last = self._db.execute(
            "SELECT run FROM span WHERE channel = ? ORDER BY first DESC LIMIT 1", (channel.number,)
        ).fetchone()
        channel.head += 1
        if last is None or last[0] != run:
            self._db.execute(
                "INSERT INTO span VALUES (?, ?, ?)", (channel.number, channel.head, run)
            )
        return Cursor(run, channel.head)

    def drop_spans(self, channel: Channel) -> None:
        """Delete the spans that nothing needs: those before the last place that was deleted, if no
        item is left in them."""
        row = self._db.execute(
            "SELECT min(row) FROM item WHERE row BETWEEN ? AND ?",
            (channel.first_row, channel.first_row + channel.lost),
        ).fetchone()[0]
        oldest = channel.lost if row is None else row - channel.first_row
        self._db.execute(
            """DELETE FROM span WHERE channel = ?1 AND first <
            (SELECT max(first) FROM span WHERE channel = ?1 AND first <= ?2)""",
            (channel.number, oldest),
        )

    def _write(self, channels: Iterable[Channel]) -> None:
        self._db.executemany(_WRITE, [channel.values() for channel in channels])

    def _load(self, query: str, value: bytes | int) -> Channel | None:
        row = self._db.execute(query, (value,)).fetchone()
        if row is None:
            return None
        channel = Channel(*row[:-1])
        if channel.values() != row:
            raise StoreDamaged(f"the row of channel {channel.number} has a wrong checksum")
        return channel


def cursor_at(spans: list[Span], place: int) -> Cursor:
    """Return the cursor of a place. Raises StoreDamaged if no span has it."""
    index = bisect_right(spans, place, key=lambda span: span.first) - 1
    if index < 0:
        raise StoreDamaged("an item is in no span")
    return Cursor(spans[index].run, place)


def is_known(channel: Channel, spans: list[Span], cursor: Cursor) -> bool:
    """Return whether this store has written the place of a cursor, in the same run."""
    first = spans[0].first if spans else 1
    return first <= cursor.place <= channel.head and cursor_at(spans, cursor.place) == cursor
