"""Store: what the mailbox asks of a database.

A channel is an append-only log. An item has a *place* in it, counted from 1, and a cursor names the
last place that a device has seen. A store does not know devices.

A cursor also names the *run* that wrote its place: one opening of the store, in one life of the
channel. Where a restored backup or a lost file has another history, its runs differ, and the cursor
is unknown, even when the new history has passed its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import NamedTuple, Protocol, Self

from vaultrelay.policy.limits.mailbox import (
    DEFAULT_CHANNEL_BYTES,
    DEFAULT_CHANNEL_ITEMS,
    DEFAULT_ITEM_BYTES,
    DEFAULT_RETENTION_SECONDS,
    DEFAULT_TOTAL_BYTES,
    ITEM_COST,
    TOKEN_SHARE,
)
from vaultrelay.wire.control.mailbox import Gap
from vaultrelay.wire.mailbox import PutReason

RUN_BYTES = 8
_CURSOR = Struct(">8sQ")


class Cursor(NamedTuple):
    """A place in the log of a channel, and the run that wrote it."""

    run: bytes
    place: int

    def pack(self) -> bytes:
        """Return the 16 bytes of the wire."""
        return _CURSOR.pack(*self)

    @classmethod
    def read(cls, packed: bytes) -> Self:
        """Return the cursor in 16 bytes of the wire."""
        return cls._make(_CURSOR.unpack(packed))


class Put(NamedTuple):
    """An item to be stored. `ttl` is in seconds, where 0 is the whole retention."""

    channel: bytes
    id: bytes
    payload: bytes
    key: bytes | None = None
    """Collapse key: the item replaces an older one of the channel with the same key."""
    ttl: int = 0
    payer: bytes | None = None
    """The whole channel counts to its share from now on; None: to no share."""

    @property
    def cost(self) -> int:
        """The bytes that it counts in all quotas."""
        return len(self.payload) + ITEM_COST


class Stored(NamedTuple):
    """A PUT whose item is on the disk. `is_new` is False if the store had its id already."""

    cursor: Cursor
    is_new: bool


class Refused(NamedTuple):
    """A PUT that was not stored."""

    reason: PutReason


class Item(NamedTuple):
    """A stored item. `cursor` is that of a device that has seen it and all before."""

    id: bytes
    cursor: Cursor
    payload: bytes


class Page(NamedTuple):
    """Items in order. `cursor` is where to read on: None if the channel has never had an item."""

    items: list[Item]
    cursor: Cursor | None
    is_end: bool
    """Whether the log ends here for now."""
    gap: Gap | None


class Usage(NamedTuple):
    """Figures of a store. The sizes are bytes, with the costs of items and channels."""

    items: int
    channels: int
    bytes: int
    file_bytes: int
    expired: int
    """Items that have expired since the store was opened."""
    damaged: int
    """Items that were found to be damaged since then."""
    next_expiry: int | None
    """When the next item expires, in seconds by the store's clock."""


@dataclass(frozen=True, kw_only=True)
class StoreLimits:
    """The operator's limits. Sizes are bytes; a reload may change them all."""

    retention: int = DEFAULT_RETENTION_SECONDS
    item_bytes: int = DEFAULT_ITEM_BYTES
    channel_bytes: int = DEFAULT_CHANNEL_BYTES
    channel_items: int = DEFAULT_CHANNEL_ITEMS
    total_bytes: int = DEFAULT_TOTAL_BYTES
    payer_bytes: int = field(default=DEFAULT_TOTAL_BYTES // TOKEN_SHARE)

    def lifetime(self, ttl: int) -> int:
        """Return the seconds for which an item with this `ttl` is kept."""
        return min(ttl, self.retention) if ttl else self.retention


class StoreUnavailable(Exception):
    """The store cannot be used now: it must be closed, and opened again later."""


class StoreFull(Exception):
    """Nothing can be stored now, as the disk is full. The store remains open, and can be read."""


class StoreDamaged(Exception):
    """The store must not be used again before the operator has replaced it."""


class StoreRefused(Exception):
    """The store must not be opened, for a reason that the operator can change."""


class Store(Protocol):
    """A store, called from one thread.

    Every method may raise StoreUnavailable, StoreFull or StoreDamaged, and has then
    changed nothing. Times are seconds by the store's clock.
    """

    limits: StoreLimits

    def put(self, puts: Sequence[Put], now: int) -> list[Stored | Refused]:
        """Store items, in one transaction; return the results in the same order, once all are on
        the disk."""

    def page(self, channel: bytes, cursor: Cursor | None, most: int, now: int) -> Page:
        """Return the items after `cursor` (None: from the beginning), up to `most` bytes of
        their costs, but one item at least if there is any. Without a cursor, too, what was deleted
        is a gap: a stream that began with nothing may have missed it."""

    def erase(
        self, channel: bytes, upto: Cursor | None, between: Callable[[], None]
    ) -> Cursor | None:
        """Delete the items of a channel up to a cursor, or all; return when their space is
        overwritten. Calls `between` between two slices, which may put and read.

        Returns up to where, or None if the cursor or the channel is unknown. After a fault the
        older items may be deleted.
        """

    def housekeep(self, now: int, latest: int) -> bool:
        """Do one slice of housekeeping; return whether more remains.

        Deletes what has expired, shortens to the retention what would be kept after `latest` for
        longer, and gives space back to the file system.
        """

    def usage(self) -> Usage:
        """Return figures for the operator."""

    def saved_time(self) -> int | None:
        """Return the time that was saved last, or None in a new store."""

    def save_time(self, now: int) -> None:
        """Save the time, for the next opening."""

    def is_writable(self) -> bool:
        """Return whether a PUT may succeed again, after StoreFull."""

    def check(self) -> None:
        """Read the whole store. Raises StoreDamaged if it is inconsistent."""

    def backup(self, path: Path, between: Callable[[], None]) -> None:
        """Copy the store into a new file, calling `between` from time to time, which may put and
        read. Raises OSError if the file exists or cannot be written."""

    def close(self) -> None:
        """Close the store; never raises."""
