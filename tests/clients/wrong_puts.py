"""Faults of clients in what they send to their mailbox: PUTs, and `erase`."""

from collections.abc import Callable
from itertools import count
from typing import Any

from examples import python_mail
from tests.clients.faults import Fault, around, put
from vaultrelay.client import MailboxState, MemoryMailStore, device, events, put_sender
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mailbox import Mailbox
from vaultrelay.client.outbox import Outbox
from vaultrelay.client.put_sender import PutSender
from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.mailbox import PutReason, Stored

_FOREVER = 10**9
LIMITS = MailboxLimits(604800, 65536, 10485760, 10000, 262144)


def _stay_in_flight(right: Any, self: PutSender) -> None:
    before = set(self._in_flight)
    right(self)
    self._in_flight |= before


def _other_item_id(right: Any, self: MailLink, put: Any) -> object:
    first = _SENT.setdefault(put.item_id, self.socket)
    other = bytes(reversed(put.item_id))
    return right(self, put if first is self.socket else put._replace(item_id=other))


_SENT: dict[bytes, object] = {}


def _newest_first(right: Any, self: PutSender, puts: Any) -> None:
    right(self, list(reversed(list(puts))))


def _keep_in_store(self: Any, item_ids: Any, cursor: bytes) -> None:
    self.cursor = cursor
    self._known.update(dict.fromkeys(item_ids))


def _resend_at_once(right: Any, self: PutSender, reason: Any) -> None:
    if reason not in (PutReason.BUSY, PutReason.FULL, PutReason.AWAY):
        right(self, reason)


def _rate_until_room(self: PutSender, reason: Any) -> None:
    self._needs_room = True


def _no_room(right: Any, self: Mailbox, told: MailboxState) -> object:
    return True if told.state == "room" else right(self, told)


def _no_open(right: Any, self: Mailbox, told: MailboxState) -> object:
    needs_room = self._outbox._sender._needs_room
    if told.state == "open" and needs_room:
        return True
    return right(self, told)


def _needs_room_for_ever(right: Any, self: PutSender) -> None:
    before = self._needs_room
    right(self)
    self._needs_room = before


def _in_turn(right: Any, self: Outbox, id: int, reason: Any) -> None:
    """Take each NACK for the answer to the oldest PUT."""
    right(self, next(iter(self._sender.unanswered), id), reason)


def _cumulative(right: Any, self: Outbox, stored: Stored) -> None:
    """Take a STORED for the answer to all PUTs before it, too."""
    for item_id in tuple(self._puts):
        if item_id == stored.item_id:
            break
        self._store.remove_put(item_id)
        self._settle(item_id, True)
    right(self, stored)


def _all_refused(right: Any, self: Outbox, id: int, reason: Any) -> None:
    """Take a NACK of a PUT that is gone for one of the oldest PUT."""
    if id not in self._sender.unanswered and self._link is not None:
        refused = events.PutRefused(bytes(16), reason)
        self._link.on_event(refused)
        return
    right(self, id, reason)


def _own_counter(right: Any, self: MailLink, *arguments: Any, **more: Any) -> None:
    right(self, *arguments, **more)
    object.__setattr__(self, "ids", count(1))


def _window_in_payloads(right: Any, self: PutSender, puts: Any) -> None:
    """Send whatever waits."""
    self._bytes = 0
    right(self, puts)


def _strict_window(right: Any, self: PutSender, puts: Any) -> None:
    link = self._link
    window = _FOREVER if link is None else link.limits.window_bytes
    right(self, [put for put in puts if put.size <= window])


def _needs_link(right: Any, self: Mailbox, payload: bytes, **more: Any) -> object:
    if self._link is None:
        raise ValueError("there is no connection")
    return right(self, payload, **more)


def _needs_payload(right: Any, self: Mailbox, payload: bytes, **more: Any) -> object:
    if not payload:
        raise ValueError("there is no payload")
    return right(self, payload, **more)


def _unreported(state: str) -> Callable[..., None]:
    def received(right: Any, self: Mailbox, link: Any, event: Any) -> None:
        if not (isinstance(event, MailboxState) and event.state == state):
            right(self, link, event)

    return received


def _unreported_stored(right: Any, self: Mailbox, link: Any, event: Any) -> None:
    if not (isinstance(event, Stored) and any(event.cursor)):
        right(self, link, event)


def _ask_with_a_cursor(self: Mailbox) -> bytes | None:
    """Ask for the mailbox a second time only with a cursor."""
    is_first = not vars(self).setdefault("has_asked", False)
    self.__dict__["has_asked"] = True
    return self._store.cursor if is_first else self._store.cursor or None


def _without_tag(right: Any, tag_key: bytes, tag: bytes, what: bytes) -> object:
    return right(tag_key, b"", what)


def _milliseconds(right: Any, self: MailLink, put: Any) -> object:
    return right(self, put._replace(ttl=1000 * put.ttl % 2**32))


# A relay without a mailbox, erasing, another channel.


def _unasked(right: Any, self: Any, socket: Any, welcome: Any, clock: Any, mailbox: Any) -> None:
    """Use a mailbox that the relay has not offered."""
    if mailbox is not None and welcome.mailbox is None:
        object.__setattr__(welcome, "mailbox", LIMITS)
    right(self, socket, welcome, clock, mailbox)


def _drop_cursor(right: Any, self: Any, socket: Any, welcome: Any, clock: Any, box: Any) -> None:
    if box is not None and welcome.mailbox is None:
        box._store.take((), b"")
    right(self, socket, welcome, clock, box)


def _drop_puts(right: Any, self: Any, socket: Any, welcome: Any, clock: Any, box: Any) -> None:
    right(self, socket, welcome, clock, box)
    if box is not None and welcome.mailbox is None:
        right_add = box._outbox.add
        box._outbox.add = lambda put: right_add(put).addErrback(box._outbox._puts.clear())


def _erase_all(right: Any, self: MailLink, cursor: bytes | None) -> None:
    right(self, None)


def _erase_null(right: Any, self: MailLink, cursor: bytes | None) -> None:
    if cursor is None:
        self.socket.sendMessage(b'{"type":"erase","cursor":null}', isBinary=False)
    else:
        right(self, cursor)


def _one_store(right: Any, self: Any, client: str, seed: str, device: str) -> object:
    return right(self, client, "", device)


FAULTS: dict[str, Fault] = {
    "a PUT is sent once": around(PutSender, "close", _stay_in_flight),
    "a PUT has another item id the second time": around(MailLink, "send_put", _other_item_id),
    "PUTs are kept in memory only": put(MemoryMailStore, "puts", lambda self: ()),
    "a stored PUT stays in the store": put(MemoryMailStore, "take", _keep_in_store),
    "the newest PUT is sent first": around(PutSender, "send", _newest_first),
    "a replaced PUT is sent": put(Outbox, "_with_key", lambda self, key: None),
    "a PUT is sent again at once": around(PutSender, "wait", _resend_at_once),
    "room is ignored": around(Mailbox, "_follow", _no_room),
    "open is not taken for room": around(Mailbox, "_follow", _no_open),
    "room is needed after a reconnect": around(PutSender, "close", _needs_room_for_ever),
    "the rate lasts until room": put(PutSender, "wait", _rate_until_room),
    "the rate lasts a minute": put(put_sender, "RATE_SECONDS", 60),
    "the rate lasts for ever": put(put_sender, "RATE_SECONDS", _FOREVER),
    "too big is not final": put(events, "_FINAL", {PutReason.NOT_ALLOWED}),
    "not allowed is not final": put(events, "_FINAL", {PutReason.TOO_BIG}),
    "full is final": put(events, "_FINAL", {*events._FINAL, PutReason.FULL}),
    "any NACK counts": around(Outbox, "refused", _all_refused),
    "a NACK is for the oldest PUT": around(Outbox, "refused", _in_turn),
    "a STORED is for all PUTs before it": around(Outbox, "stored", _cumulative),
    "PUTs have a counter of their own": around(MailLink, "__init__", _own_counter),
    "the window is ignored": around(PutSender, "send", _window_in_payloads),
    "a PUT larger than the window waits": around(PutSender, "send", _strict_window),
    "away is not reported": around(Mailbox, "received", _unreported("away")),
    "room is not reported": around(Mailbox, "received", _unreported("room")),
    "a STORED with a cursor is not reported": around(Mailbox, "received", _unreported_stored),
    "a later hello needs a cursor": put(Mailbox, "cursor", property(_ask_with_a_cursor)),
    "a PUT needs a connection": around(Mailbox, "put", _needs_link),
    "a PUT needs a payload": around(Mailbox, "put", _needs_payload),
    "item_bytes is taken for that of a PUT": put(MailLink, "payload_bytes", 65536 - 52),
    "message_bytes is ignored": put(MailLink, "payload_bytes", 65536),
    "a collapse key has no device tag": around(python_mail, "collapse_key", _without_tag),
    "a ttl is in milliseconds": around(MailLink, "send_put", _milliseconds),
    "a mailbox is used that is not offered": around(device.Device, "__init__", _unasked),
    "the cursor is dropped without a mailbox": around(device.Device, "__init__", _drop_cursor),
    "erase has no cursor": around(MailLink, "send_erase", _erase_all),
    "erase has a cursor of null": around(MailLink, "send_erase", _erase_null),
    "channels have one store": around(python_mail.Mail, "open", _one_store),
    "an item id is used again": put(python_mail, "new_item_id", lambda: b"I" * 16),
}
