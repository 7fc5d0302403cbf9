"""The reader of a relay's control messages."""

from typing import TypeAlias

from vaultrelay.wire import announced
from vaultrelay.wire.control import WORD_CHARS
from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.control.joining import Challenge, Welcome
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.json_object import read_object

InSession: TypeAlias = Joined | Left | Keepalive | Busy | Ready | Draining
OfMailbox: TypeAlias = MailboxState | Erased
FromRelay: TypeAlias = Challenge | Welcome | InSession | OfMailbox

_TYPES: dict[str, type[FromRelay]] = {
    kind.type: kind
    for kind in (
        *(Challenge, Welcome),
        *(Joined, Left, Keepalive, Busy, Ready, Draining),
        *(MailboxState, Erased),
    )
}


def read_from_relay(text: bytes) -> FromRelay | None:
    """Return a relay's control message, or None if its type is unknown.

    Raises BadControl if its shape is wrong.
    """
    fields = read_object(text)
    kind = _TYPES.get(fields.text("type", WORD_CHARS))
    if kind is Keepalive:
        # A device may request any interval, and gets one within the range.
        fields.integer_within("ping_seconds", announced.PING_SECONDS)
    return None if kind is None else kind.read(fields)
