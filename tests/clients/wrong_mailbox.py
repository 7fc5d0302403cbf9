"""Faults of clients in what they read from their mailbox: the cursor, and items."""

from typing import Any

from tests.clients.faults import Fault, around, put
from vaultrelay.client import MailboxState, MemoryMailStore, connection
from vaultrelay.client.inbox import Inbox
from vaultrelay.client.mailbox import Mailbox
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.control.mailbox import Erased
from vaultrelay.wire.json_object import BadControl
from vaultrelay.wire.mailbox import Item

_ITEM_BYTES = 65536


# The cursor.


def _unsaved_cursor(right: Any, self: Any, item_ids: Any, cursor: bytes) -> None:
    right(self, item_ids, self.cursor)


def _own_cursor_only(right: Any, self: Inbox, item: Item) -> None:
    """Take an item, and leave the cursor to `live`."""
    before = self._store.cursor
    right(self, item)
    self._store.take((), before)


def _before_taken(right: Any, self: Inbox, item: Item) -> object:
    is_new = right(self, item)
    self._store.take((), item.cursor)
    return is_new


def _live_over_items(right: Any, self: Mailbox, told: MailboxState) -> object:
    found = right(self, told)
    if told.state == "live":
        self._store.take((), told.cursor or b"")
    return found


def _live_unread(right: Any, self: Mailbox, told: MailboxState) -> object:
    return True if told.state == "live" else right(self, told)


def _null_unread(right: Any, self: Mailbox, told: MailboxState) -> object:
    is_null = told.state == "live" and told.cursor is None
    return True if is_null else right(self, told)


def _stored_over_items(self: Inbox, item_id: bytes, cursor: bytes) -> None:
    self._store.take((item_id,), cursor if any(cursor) else self._store.cursor)


def _stored_zeros(self: Inbox, item_id: bytes, cursor: bytes) -> None:
    self._store.take((item_id,), self._store.cursor)
    self.move(cursor)


def _stored_stays(self: Inbox, item_id: bytes, cursor: bytes) -> None:
    self._store.take((item_id,), self._store.cursor)


def _erased_moves(right: Any, self: Mailbox, link: Any, event: Any) -> None:
    right(self, link, event)
    if isinstance(event, Erased) and event.cursor is not None:
        self._inbox.move(event.cursor)


def _largest_cursor(right: Any, self: Any, item_ids: Any, cursor: bytes) -> None:
    right(self, item_ids, max(cursor, self.cursor) if cursor else cursor)


# Items.


def _known_stays(right: Any, self: Inbox, item: Item) -> object:
    known = self._store.knows(item.item_id) or item.item_id in self._own
    return False if known else right(self, item)


def _own_is_new(right: Any, self: Inbox, store: Any, own: Any) -> None:
    right(self, store, ())


def _forget_ids(right: Any, self: Mailbox, store: Any) -> None:
    store._known.clear()
    right(self, store)


def _any_flags(right: Any, message: bytes, session: int) -> object:
    return right(message[:1] + b"\0" + message[2:], session)


def _lenient(right: Any, *arguments: Any) -> object:
    try:
        return right(*arguments)
    except BrokenRule:
        return None


def _strict_kinds(right: Any, message: bytes, session: int) -> object:
    if message[0] not in (0x10, 0x11, 0x13, 0x14):
        raise BadControl("kind", "unknown")
    return right(message, session)


def _strict_states(right: Any, text: bytes) -> object:
    event = right(text)
    if isinstance(event, MailboxState) and event.state not in ("open", "live", "away", "room"):
        raise BadControl("state", "unknown")
    return event


def _flags_are_wrong(right: Any, message: bytes, session: int) -> object:
    if message[0] in (0x13, 0x14) and message[1]:
        raise BadControl("flags", "unknown")
    return right(message, session)


def _known_fields(right: Any, text: bytes) -> object:
    if b'"readers"' in text or b'"items"' in text:
        raise BadControl("field", "unknown")
    return right(text)


def _usual_limits(right: Any, text: bytes) -> object:
    if b'"retention": 31536000' in text:
        raise BadControl("retention", "a year")
    return right(text)


def _size_with_header(right: Any, message: bytes, session: int) -> object:
    if len(message) > _ITEM_BYTES and session:
        raise BadControl("item_bytes", "too large")
    return right(message, session)


def _not_empty(right: Any, message: bytes, session: int) -> object:
    event = right(message, session)
    return None if isinstance(event, Item) and not event.payload else event


def _cut(right: Any, message: bytes, session: int) -> object:
    event = right(message, session)
    if isinstance(event, Item):
        return event._replace(payload=event.payload[:-1])
    return event


def _unreported_erased(right: Any, self: Mailbox, link: Any, event: Any) -> None:
    if not isinstance(event, Erased):
        right(self, link, event)


def _known_payloads(right: Any, self: Inbox, item: Item) -> object:
    """Recognize an item by its payload, and not by its id."""
    known = vars(self).setdefault("known_payloads", set())
    if item.payload in known:
        self.move(item.cursor)
        return False
    known.add(item.payload)
    return right(self, item)


FAULTS: dict[str, Fault] = {
    "the cursor is not saved": around(MemoryMailStore, "take", _unsaved_cursor),
    "an item does not move the cursor": around(Inbox, "take", _own_cursor_only),
    "the cursor moves before the item is taken": around(Inbox, "receive", _before_taken),
    "a live moves the cursor over items": around(Mailbox, "_follow", _live_over_items),
    "a live moves nothing": around(Mailbox, "_follow", _live_unread),
    "a live with null moves nothing": around(Mailbox, "_follow", _null_unread),
    "a STORED moves the cursor over items": put(Inbox, "stored", _stored_over_items),
    "a STORED of zeros moves the cursor": put(Inbox, "stored", _stored_zeros),
    "a STORED moves nothing": put(Inbox, "stored", _stored_stays),
    "an erased moves the cursor": around(Mailbox, "received", _erased_moves),
    "cursors are compared": around(MemoryMailStore, "take", _largest_cursor),
    "a known item is delivered": put(MemoryMailStore, "knows", lambda self, item_id: False),
    "a known item does not move the cursor": around(Inbox, "receive", _known_stays),
    "its own item is delivered": around(Inbox, "__init__", _own_is_new),
    "ids are forgotten at a restart": around(Mailbox, "__init__", _forget_ids),
    "flags of items are ignored": around(connection, "read_data", _any_flags),
    "a malformed item is ignored": around(connection, "read_data", _lenient),
    "a malformed state is ignored": around(connection, "read_from_relay", _lenient),
    "an unknown kind is a violation": around(connection, "read_data", _strict_kinds),
    "an unknown state is a violation": around(connection, "read_from_relay", _strict_states),
    "flags of items are a violation": around(connection, "read_data", _flags_are_wrong),
    "an unknown field is a violation": around(connection, "read_from_relay", _known_fields),
    "the largest limits are a violation": around(connection, "read_from_relay", _usual_limits),
    "item_bytes is taken for that of a message": around(connection, "read_data", _size_with_header),
    "an empty item is dropped": around(connection, "read_data", _not_empty),
    "payloads lose a byte": around(connection, "read_data", _cut),
    "an erased is not reported": around(Mailbox, "received", _unreported_erased),
    "items with one payload are taken for one": around(Inbox, "receive", _known_payloads),
}
