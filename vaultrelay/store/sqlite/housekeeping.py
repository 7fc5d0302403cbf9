"""Housekeeping: deletes what has expired, and gives space back."""

from collections import defaultdict

from vaultrelay.policy.limits.mailbox import (
    FREE_PAGES_SHARE,
    KEPT_FREE_PAGES,
    SLICE_ITEMS,
    SLICE_PAGES,
)
from vaultrelay.store.sqlite.channels import PLACE_BITS
from vaultrelay.store.sqlite.items import Row
from vaultrelay.store.sqlite.reader import Reader
from vaultrelay.store.sqlite.schema import number
from vaultrelay.store.sqlite.tables import Tables
from vaultrelay.store.sqlite.writer import DAY


class Housekeeping:
    """Works in slices, between which the store is used."""

    def __init__(self, tables: Tables, reader: Reader) -> None:
        self._tables = tables
        self._reader = reader
        self.expired = 0

    def slice(self, now: int, latest: int, retention: int) -> bool:
        """Do one slice; return whether more remains."""
        tables = self._tables
        with tables.transaction():
            rows = tables.items.expired(now)
            damaged = [row for place in self._reader.damaged for row in tables.items.at(place)]
            # One may be both.
            self._delete({*rows, *damaged})
            shortened = tables.items.shorten(latest + retention, SLICE_ITEMS)
        self.expired += len(rows)
        self._reader.damaged.clear()
        # After those changes: a channel may have lost its last item.
        with tables.transaction():
            unused = tables.delete_unused_channels((now - retention) // DAY, SLICE_ITEMS)
        if rows or SLICE_ITEMS in (shortened, unused) or self._shrink():
            return True
        if not tables.is_log_cut:
            tables.cut_log()
        return False

    def _delete(self, rows: set[Row]) -> None:
        channels: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            channels[row.row >> PLACE_BITS].append(row)
        for each in channels.values():
            self._tables.delete_items(self._tables.channels.of_row(each[0].row), each)

    def _shrink(self) -> bool:
        """Give some unused pages back; return whether there were enough of them."""
        db = self._tables.db
        pages = number(db, "PRAGMA page_count")
        if number(db, "PRAGMA freelist_count") < KEPT_FREE_PAGES + pages // FREE_PAGES_SHARE:
            return False
        # Each step frees one page, and `execute` does one step as there are no columns.
        db.executescript(f"PRAGMA incremental_vacuum({SLICE_PAGES})")
        self._tables.is_log_cut = False
        return True
