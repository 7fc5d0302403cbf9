"""Events: what a device receives from the relay, up to the end of the connection."""

from dataclasses import dataclass

from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.data import HEADER_BYTES, NO_SESSION, Kind, Reason, read_header
from vaultrelay.wire.mailbox import Item, MailboxKind, PutReason, Stored, read_item, read_stored

_FINAL = frozenset({PutReason.TOO_BIG, PutReason.NOT_ALLOWED})


class Closed(Exception):
    """The connection is over: close code and reason, 1006 without a close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}".strip())
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """Ciphertext of a peer; `to` is our session number or EVERYONE."""

    sender: int
    to: int
    id: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Nack:
    """Our message `id` did not reach `peer`; `reason` is one of Reason, or a future one."""

    peer: int
    id: int
    reason: Reason | int


class PutRefused(Exception):
    """The relay does not store our item `item_id`; `reason` is one of PutReason, or a future one.

    If the refusal `is_final`, the item does not wait any more. Otherwise it is sent again when the
    relay has room, or after an hour. FULL: erase what all devices have, and tell the user.
    """

    def __init__(self, item_id: bytes, reason: PutReason | int) -> None:
        known = reason in PutReason.__members__.values()
        self.reason = PutReason(reason) if known else reason
        self.item_id = item_id
        self.is_final = reason in _FINAL
        super().__init__(
            f"the relay does not store the item: {getattr(self.reason, 'name', reason)}"
        )


MailEvent = Item | Stored | MailboxState | Erased | PutRefused
Event = Message | Nack | Joined | Left | Busy | Ready | Draining | Keepalive | MailEvent


def read_data(message: bytes, mail_session: int = 0) -> Message | Nack | Item | Stored | None:
    """Return the event in a data message of the relay; None if the device has to ignore it.

    `mail_session` is our session if it has a mailbox. Raises BadHeader for a malformed message of
    the mailbox.
    """
    if len(message) < HEADER_BYTES:
        return None
    header = read_header(message)
    if header.flags:
        return None
    if header.kind == Kind.DATA:
        return Message(header.sender, header.to, header.id, message[HEADER_BYTES:])
    if header.kind == Kind.NACK and (header.sender != NO_SESSION or mail_session):
        known = header.reason in Reason.__members__.values()
        return Nack(header.sender, header.id, Reason(header.reason) if known else header.reason)
    if header.kind == MailboxKind.ITEM and mail_session:
        return read_item(message)
    if header.kind == MailboxKind.STORED and mail_session:
        return read_stored(message, mail_session)
    return None
