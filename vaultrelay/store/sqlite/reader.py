"""Reader: reads items, and finds gaps and damaged items."""

from vaultrelay.policy.limits.mailbox import ITEM_COST, MAX_DAMAGED_ITEMS
from vaultrelay.store.sqlite.channels import Channel, Span, cursor_at, is_known
from vaultrelay.store.sqlite.items import MINUTE, StoredItem
from vaultrelay.store.sqlite.tables import Tables
from vaultrelay.store.store import Cursor, Item, Page, StoreDamaged
from vaultrelay.wire.control.mailbox import Gap


class Reader:
    """Reads pages of channels."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.damaged: set[int] = set()
        """Rows of damaged items that are not deleted yet."""
        self.damaged_count = 0

    def page(self, name: bytes, cursor: Cursor | None, most: int, now: int) -> Page:
        """Return the items of a channel after a cursor."""
        channel = self._tables.channels.find(name)
        if channel is None:
            return Page([], None, True, None if cursor is None else Gap.UNKNOWN)
        spans = self._tables.channels.spans(channel)
        gap = _gap(channel, spans, cursor)
        place = cursor.place if cursor is not None and gap is not Gap.UNKNOWN else 0
        items: list[Item] = []
        size = 0
        for item in self._tables.items.after(channel, place):
            if not self._is_readable(channel, item, now):
                gap = gap or Gap.GONE
            elif items and size + len(item.payload) + ITEM_COST > most:
                return Page(items, cursor_at(spans, place), False, gap)
            else:
                items.append(Item(item.id, cursor_at(spans, item.place), item.payload))
                size += len(item.payload) + ITEM_COST
            place = item.place
        return Page(items, cursor_at(spans, channel.head), True, gap)

    def _is_readable(self, channel: Channel, item: StoredItem, now: int) -> bool:
        row = channel.first_row + item.place
        if not item.is_intact and row not in self.damaged:
            if len(self.damaged) == MAX_DAMAGED_ITEMS:
                raise StoreDamaged(f"more than {MAX_DAMAGED_ITEMS} items have wrong checksums")
            self.damaged.add(row)
            self.damaged_count += 1
        return item.is_intact and item.minute * MINUTE > now


def _gap(channel: Channel, spans: list[Span], cursor: Cursor | None) -> Gap | None:
    """Return what is missing after a cursor before any item is read."""
    if cursor is not None and not is_known(channel, spans, cursor):
        return Gap.UNKNOWN
    place = 0 if cursor is None else cursor.place
    return Gap.GONE if place < channel.lost else None
