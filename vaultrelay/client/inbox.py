"""Inbox: the items that the application has and those that it has not taken yet."""

from collections import OrderedDict
from collections.abc import Container

from vaultrelay.client.mail_store import MailStore
from vaultrelay.wire.mailbox import NO_CURSOR, Item

MAX_UNTAKEN_ITEMS = 10_000
"""Items with a known place: 2 MB, as many as a channel has by default. With more the cursor moves
in larger steps."""


class Inbox:
    """Moves the cursor behind the application: past an item only when the application has it.

    Items with an id in `own` are this device's, and not given to the application.
    """

    def __init__(self, store: MailStore, own: Container[bytes]) -> None:
        self._store = store
        self._own = own
        self._untaken: OrderedDict[bytes, bytes] = OrderedDict()
        """The last place before the next item, by the id of each item."""

    def open(self) -> None:
        """A new connection: the relay sends again what was not taken."""
        self._untaken.clear()

    def receive(self, item: Item) -> bool:
        """Return whether the application is to have an item: it has not had it yet."""
        item_id = item.item_id
        if item_id in self._own or item_id in self._untaken or self._store.knows(item_id):
            self.move(item.cursor)
            return False
        if len(self._untaken) >= MAX_UNTAKEN_ITEMS:
            self._untaken.popitem()
        self._untaken[item_id] = item.cursor
        return True

    def move(self, cursor: bytes) -> None:
        """Move the cursor, once all items before this place are taken."""
        if self._untaken:
            self._untaken[next(reversed(self._untaken))] = cursor
        elif cursor != self._store.cursor:
            self._store.take((), cursor)

    def stored(self, item_id: bytes, cursor: bytes) -> None:
        """Remember an item of this device as one that it has, and move the cursor."""
        is_place = cursor != NO_CURSOR
        if is_place and not self._untaken:
            self._store.take((item_id,), cursor)
            return
        self._store.take((item_id,), self._store.cursor)
        if is_place:
            self.move(cursor)

    def take(self, item: Item) -> None:
        """The application has this item, and all before it."""
        cursor = self._untaken.get(item.item_id)
        if cursor is None:
            # Of an earlier connection: it may come again, and the places before it may, too.
            self._store.take((item.item_id,), self._store.cursor)
            return
        taken = []
        for item_id in self._untaken:
            taken.append(item_id)
            if item_id == item.item_id:
                break
        self._store.take(taken, cursor)
        for item_id in taken:
            del self._untaken[item_id]
