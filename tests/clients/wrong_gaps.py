"""Faults of clients in what they make of gaps in their mailbox, and where two rules apply."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.clients.faults import Fault, around, put
from tests.clients.wrong_puts import LIMITS
from vaultrelay.client import Device, MailboxState, MemoryMailStore, Nack
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.mail_connection import MailConnection
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mail_store import WaitingPut
from vaultrelay.client.mailbox import Mailbox
from vaultrelay.client.outbox import Outbox
from vaultrelay.client.put_sender import PutSender
from vaultrelay.wire.json_object import Fields

_MINUTE = 60


def _gap_per_connection(right: Any, self: Mailbox, link: MailLink) -> None:
    self._store.set_must_synchronize(False)
    right(self, link)


def _gap_ends_with_open(right: Any, self: Mailbox, told: MailboxState) -> object:
    if told.state == "open" and told.gap is None:
        self._store.set_must_synchronize(False)
    return right(self, told)


def _gap_in_memory(right: Any, self: Mailbox, store: Any) -> None:
    store.must_synchronize = False
    right(self, store)


def _known_gaps(right: Any, self: Mailbox, told: MailboxState) -> object:
    before = self.must_synchronize
    found = right(self, told)
    if told.gap not in (None, "gone", "unknown"):
        self._store.set_must_synchronize(before)
    return found


def _always(gap: str) -> Callable[..., None]:
    def received(right: Any, self: Mailbox, link: Any, event: Any) -> None:
        if isinstance(event, MailboxState) and event.gap:
            event = MailboxState(event.state, gap=gap)
        right(self, link, event)

    return received


def _empty_notice(right: Any, self: Device, socket: Any, welcome: Any, *more: Any) -> None:
    right(self, socket, welcome, *more)
    if welcome.mailbox is not None:
        self.notice = welcome.notice or ""


def _header_free(self: WaitingPut) -> int:
    return len(self.payload)


def _no_hour(right: Any, self: PutSender, link: MailLink) -> None:
    self._rate_ends = 0.0
    right(self, link)


def _any_peer(right: Any, self: MailConnection, event: Any) -> Any:
    return right(self, Nack(0, event.id, event.reason) if isinstance(event, Nack) else event)


def _nack_of_data(right: Any, self: MailConnection, event: Any) -> Any:
    is_of_data = (
        isinstance(event, Nack) and event.id not in self._mailbox._outbox._sender.unanswered
    )
    return False if is_of_data else right(self, event)


def _under_way_stays(right: Any, self: Outbox, key: bytes) -> Any:
    found = right(self, key)
    return None if found and found.item_id in self._sender._in_flight else found


def _forget_under_way(right: Any, self: Outbox, put: WaitingPut) -> Any:
    if (replaced := self._with_key(put.key)) is not None:
        unanswered = self._sender.unanswered
        for id in [id for id, each in unanswered.items() if each is replaced]:
            del unanswered[id]
    return right(self, put)


def _unasked(right: Any, self: DeviceSocket, welcome: Any) -> None:
    right(self, replace(welcome, mailbox=welcome.mailbox or LIMITS))


def _any_key(right: Any, self: Outbox, key: bytes) -> Any:
    return next((put for put in self._puts.values() if any(put.key) and any(key)), None)


def _forget_after_a_minute(right: Any, self: Mailbox, link: MailLink) -> None:
    now = link.clock.seconds()
    if now - vars(self).setdefault("opened_at", now) > _MINUTE:
        self._store._known.clear()  # type: ignore[attr-defined]
    right(self, link)


def _once_only(right: Any, self: Any, value: bool) -> None:
    if value and vars(self).setdefault("had_a_gap", False):
        return
    self.had_a_gap = True
    right(self, value)


FAULTS: dict[str, Fault] = {
    "limits of the mailbox are not checked": put(
        Fields, "integer_within", lambda self, name, _: self.integer(name)
    ),
    "headers do not count in the window": put(WaitingPut, "size", property(_header_free)),
    "a welcome ends the hour of a rate": around(PutSender, "open", _no_hour),
    "a NACK of a peer is taken for one of a PUT": around(MailConnection, "received", _any_peer),
    "a NACK of a PUT is taken for one of data": around(MailConnection, "received", _nack_of_data),
    "a replaced PUT under way is sent again": around(Outbox, "_with_key", _under_way_stays),
    "a replaced PUT under way is forgotten": around(Outbox, "add", _forget_under_way),
    "a mailbox is read without an offer": around(DeviceSocket, "_welcome", _unasked),
    "a PUT replaces those with other keys": around(Outbox, "_with_key", _any_key),
    "ids are forgotten after a minute": around(Mailbox, "open", _forget_after_a_minute),
    "a gap holds for one connection": around(Mailbox, "open", _gap_per_connection),
    "a gap ends with the next open": around(Mailbox, "_follow", _gap_ends_with_open),
    "a gap is forgotten at a restart": around(Mailbox, "__init__", _gap_in_memory),
    "an unknown gap is none": around(Mailbox, "_follow", _known_gaps),
    "a second gap is ignored": around(MemoryMailStore, "set_must_synchronize", _once_only),
    "a gap is always gone": around(Mailbox, "received", _always("gone")),
    "a gap is always unknown": around(Mailbox, "received", _always("unknown")),
    "a notice is empty instead of null": around(Device, "__init__", _empty_notice),
    "a gap never ends": put(Mailbox, "synchronized", lambda self: None),
}
