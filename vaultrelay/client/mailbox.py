"""Mailbox: a device's side of the mailbox of its channel, through all its connections."""

import hmac
import secrets

from twisted.internet.defer import Deferred

from vaultrelay.client.events import MailEvent, Nack
from vaultrelay.client.inbox import Inbox
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mail_store import MailStore, WaitingPut
from vaultrelay.client.outbox import Outbox
from vaultrelay.wire.announced import MAILBOX, MailboxLimits
from vaultrelay.wire.control.mailbox import MailboxState, State
from vaultrelay.wire.mailbox import ITEM_ID_BYTES, KEY_BYTES, NO_KEY, Item, Stored

_MAX_TTL = 0xFFFFFFFF
_COLLAPSE = b"vaultmesh-relay/3 collapse"


class NoMailbox(Exception):
    """There is no connection to a relay with a mailbox."""


class Mailbox:
    """Give it to `connect`, each time; without a relay that offers a mailbox it keeps all that
    waits. It belongs to one device in one channel, and to one connection at a time.

    `receive` of the Device returns its events: MailboxState, Item, Stored, PutRefused, Erased.

    `limits` are those of the relay, None without a connection to one with a mailbox. Methods raise
    StoreFailed if the store fails; a connection then ends with the code 1011.
    """

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self._outbox = Outbox(store)
        self._inbox = Inbox(store, self._outbox)
        self._link: MailLink | None = None

    def put(
        self,
        payload: bytes,
        *,
        key: bytes = NO_KEY,
        ttl: int = 0,
        item_id: bytes | None = None,
    ) -> Deferred[bool]:
        """Keep ciphertext in the store, and have the relay store it, now or later.

        Fires with True when the relay has it on its disk, and with False if a newer item with the
        same collapse `key` has taken its place before; fails with PutRefused if the refusal is
        final. Keep receiving meanwhile. Nobody needs to wait: the item is kept through restarts
        until then, and the events say the same.

        `ttl` is in seconds, 0 for as long as the relay keeps items. `item_id` is what the
        ciphertext has in it (`new_item_id`). Raises ValueError for a payload that no relay stores
        and for other impossible values, and OutboxFull.
        """
        put = WaitingPut(item_id or new_item_id(), payload, key, ttl)
        if len(put.item_id) != ITEM_ID_BYTES or len(key) != len(NO_KEY) or not any(put.item_id):
            raise ValueError("an item id and a key have 16 bytes, and an item id is not all zero")
        if not 0 <= ttl <= _MAX_TTL:
            raise ValueError(f"a ttl is from 0 to {_MAX_TTL} seconds, not {ttl}")
        if len(payload) > MAILBOX["item_bytes"][1]:
            raise ValueError(f"no relay stores an item of {len(payload)} bytes")
        return self._outbox.add(put)

    @property
    def waiting(self) -> int:
        """The number of PUTs that the relay has not stored yet."""
        return len(self._outbox)

    def take(self, item: Item) -> None:
        """The application has stored this item durably, and all that it received before: move the
        cursor past them. Without it they come again with the next connection."""
        self._inbox.take(item)

    @property
    def must_synchronize(self) -> bool:
        """Whether items were missed: a MailboxState `open` had a `gap`, now or in an earlier run.

        What was deleted on other devices would come back to life by changes of this one. So first
        synchronize fully with a peer, by DATA, and then call `synchronized`; put no changes before.
        """
        return self._store.must_synchronize

    def synchronized(self) -> None:
        """The application has made a full synchronization with a peer since the last gap."""
        self._store.set_must_synchronize(False)

    def erase(self, cursor: bytes | None = None) -> None:
        """Delete the items up to the cursor of an Item, this one included; None stands for all.

        An Erased follows when they are gone from the relay's disk. Raises NoMailbox.
        """
        if self._link is None or not self._link.socket.can_send:
            raise NoMailbox("there is no connection to a relay with a mailbox")
        self._link.send_erase(cursor)

    @property
    def limits(self) -> MailboxLimits | None:
        """The limits of the relay."""
        return None if self._link is None else self._link.limits

    @property
    def cursor(self) -> bytes:
        """The place up to which all is taken; empty if there is none."""
        return self._store.cursor

    # The Device calls these.

    def open(self, link: MailLink) -> None:
        """A connection has a mailbox."""
        self._link = link
        self._inbox.open()
        self._outbox.open(link)

    def close(self, link: MailLink) -> None:
        """A connection has ended."""
        if self._link is link:
            self._link = None
            self._outbox.close()

    def received(self, link: MailLink, event: MailEvent | Nack) -> None:
        """Take an event, and pass it on unless it is none for the application."""
        if self._link is not link:
            return
        if isinstance(event, Nack):
            self._outbox.refused(event.id, event.reason)
            return
        if isinstance(event, Stored):
            self._stored(link, event)
        elif (
            self._inbox.receive(event)
            if isinstance(event, Item)
            else not isinstance(event, MailboxState) or self._follow(event)
        ):
            link.on_event(event)

    def _stored(self, link: MailLink, stored: Stored) -> None:
        # First on our own disk: until then the PUT is to be sent again.
        if self._outbox.is_answer(stored):
            self._inbox.stored(stored.item_id, stored.cursor)
            self._outbox.stored(stored)
            link.on_event(stored)

    def _follow(self, told: MailboxState) -> bool:
        """Return whether the state is a known one."""
        if told.state == State.OPEN:
            if told.gap is not None and not self.must_synchronize:
                self._store.set_must_synchronize(True)
            self._outbox.room()
        elif told.state == State.LIVE:
            self._inbox.move(told.cursor or b"")
        elif told.state == State.AWAY:
            self._outbox.away()
        elif told.state == State.ROOM:
            self._outbox.room()
        else:
            return False
        return True


def new_item_id() -> bytes:
    """Return the id of a new item."""
    return secrets.token_bytes(ITEM_ID_BYTES)


def collapse_key(device_tag_key: bytes, device: bytes, what: bytes) -> bytes:
    """Return the collapse key of `what` for this device (page Mailbox, rule 5)."""
    return hmac.digest(device_tag_key, _COLLAPSE + device + what, "sha256")[:KEY_BYTES]
