"""Faults of clients in what they make of gaps in their mailbox, and of its welcome."""

from collections.abc import Callable
from typing import Any

from tests.clients.faults import Fault, around, put
from vaultrelay.client import Device, MailboxState, MemoryMailStore
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mailbox import Mailbox


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


def _once_only(right: Any, self: Any, value: bool) -> None:
    if value and vars(self).setdefault("had_a_gap", False):
        return
    self.had_a_gap = True
    right(self, value)


FAULTS: dict[str, Fault] = {
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
