"""Outbox: the PUTs that wait for the relay's STORED, also while there is no connection."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred

from vaultrelay.client.events import PutRefused
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mail_store import MailStore, WaitingPut
from vaultrelay.client.put_sender import PutSender
from vaultrelay.wire.mailbox import NO_KEY, PutReason, Stored

MAX_WAITING_BYTES = 10 * 1024 * 1024
"""PUTs that wait, headers included: as much as a channel stores by default."""
MAX_WAITING_PUTS = 10_000
"""The same in items."""


class OutboxFull(Exception):
    """Too many PUTs wait for the relay: MAX_WAITING_BYTES or MAX_WAITING_PUTS."""


class Outbox:
    """Keeps PUTs in the store, and sends what is there over each connection again."""

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self._puts = {put.item_id: put for put in store.puts()}
        self._bytes = sum(put.size for put in self._puts.values())
        self._waiters: dict[bytes, Deferred[bool]] = {}
        self._sender = PutSender(self._send)
        self._link: MailLink | None = None

    def __len__(self) -> int:
        return len(self._puts)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._puts

    def add(self, put: WaitingPut) -> Deferred[bool]:
        """Keep a PUT, and send it as soon as possible; see Mailbox.put."""
        if put.item_id in self._puts:
            raise ValueError("a PUT with this item id waits already")
        replaced = self._with_key(put.key)
        freed, count = (replaced.size, 1) if replaced else (0, 0)
        if (
            self._bytes - freed + put.size > MAX_WAITING_BYTES
            or len(self._puts) - count >= MAX_WAITING_PUTS
        ):
            raise OutboxFull(f"{len(self._puts)} PUTs with {self._bytes} bytes wait for the relay")
        self._store.add_put(put, replaced and replaced.item_id)
        self._puts[put.item_id] = put
        self._bytes += put.size
        waiter: Deferred[bool] = Deferred()
        self._waiters[put.item_id] = waiter
        if replaced is not None:
            self._settle(replaced.item_id, False)
        self._refuse_too_big((put,))
        self._send()
        return waiter

    def open(self, link: MailLink) -> None:
        """Send all that waits over a new connection."""
        self._link = link
        self._sender.open(link)
        self._refuse_too_big(tuple(self._puts.values()))
        self._send()

    def close(self) -> None:
        """The connection has ended."""
        self._link = None
        self._sender.close()

    def away(self) -> None:
        """The relay stores nothing until `room`."""
        self._sender.wait(PutReason.AWAY)

    def room(self) -> None:
        """The relay stores again."""
        self._sender.resume()

    def is_answer(self, stored: Stored) -> bool:
        """Return whether a PUT with these ids waits for an answer."""
        put = self._sender.unanswered.get(stored.id)
        return put is not None and put.item_id == stored.item_id

    def stored(self, stored: Stored) -> None:
        """A PUT is stored, and removed from the store."""
        self._sender.answered(stored.id)
        self._settle(stored.item_id, True)
        self._send()

    def refused(self, id: int, reason: PutReason | int) -> None:
        """The NACK of a PUT."""
        link, item_id = self._link, self._sender.answered(id)
        if item_id is None or link is None:
            return
        refused = PutRefused(item_id, reason)
        if not refused.is_final:
            self._sender.wait(reason)
        self._refuse(link, refused)
        self._send()

    def _refuse_too_big(self, puts: Iterable[WaitingPut]) -> None:
        for put in puts:
            if self._link is not None and len(put.payload) > self._link.payload_bytes:
                self._refuse(self._link, PutRefused(put.item_id, PutReason.TOO_BIG))

    def _refuse(self, link: MailLink, refused: PutRefused) -> None:
        item_id = refused.item_id
        if refused.is_final and item_id in self._puts:
            self._store.remove_put(item_id)
            self._settle(item_id, refused)
        link.on_event(refused)

    def _send(self) -> None:
        self._sender.send(self._puts.values())

    def _with_key(self, key: bytes) -> WaitingPut | None:
        if key == NO_KEY:
            return None
        return next((put for put in self._puts.values() if put.key == key), None)

    def _settle(self, item_id: bytes, result: bool | PutRefused) -> None:
        """A PUT waits no longer."""
        put = self._puts.pop(item_id, None)
        if put is not None:
            self._bytes -= put.size
        waiter = self._waiters.pop(item_id, None)
        if waiter is not None:
            waiter.callback(result) if isinstance(result, bool) else waiter.errback(result)
