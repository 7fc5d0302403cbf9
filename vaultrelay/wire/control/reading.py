"""The readers of control messages: a device's, and the relay's."""

from typing import TypeAlias

from vaultrelay.wire import announced
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES, WORD_CHARS
from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.control.joining import Challenge, Hello, Welcome
from vaultrelay.wire.control.mailbox import Erase, Erased, MailboxState
from vaultrelay.wire.json_object import BadControl, Fields, read_object

FromDevice: TypeAlias = Hello | Keepalive
FromRelay: TypeAlias = (
    Challenge
    | Welcome
    | Joined
    | Left
    | Keepalive
    | Busy
    | Ready
    | Draining
    | MailboxState
    | Erased
)

_DEVICE_TYPES: dict[str, type[FromDevice]] = {kind.type: kind for kind in (Hello, Keepalive)}
_RELAY_TYPES: dict[str, type[FromRelay]] = {
    kind.type: kind
    for kind in (
        Challenge,
        Welcome,
        Joined,
        Left,
        Keepalive,
        Busy,
        Ready,
        Draining,
        MailboxState,
        Erased,
    )
}


def read_from_device(text: bytes) -> FromDevice:
    """Return a device's control message, as a relay without a mailbox reads it.

    Raises BadControl if JSON, shape or type is wrong.
    """
    fields, type = _fields_and_type(text)
    # An unknown field, and ignored whatever it holds.
    fields.discard("mailbox")
    return _read_known(fields, type)


def read_with_mailbox(text: bytes) -> FromDevice | Erase:
    """Return a device's control message, as a relay with a mailbox reads it.

    Raises BadControl if JSON, shape or type is wrong.
    """
    fields, type = _fields_and_type(text)
    return Erase.read(fields) if type == Erase.type else _read_known(fields, type)


def _fields_and_type(text: bytes) -> tuple[Fields, str]:
    if len(text) > CONTROL_BYTES:
        raise BadControl.of(Rule.CONTROL_SIZE)
    fields = read_object(text)
    return fields, fields.text("type", WORD_CHARS)


def _read_known(fields: Fields, type: str) -> FromDevice:
    kind = _DEVICE_TYPES.get(type)
    if kind is None:
        raise BadControl.of(Rule.UNKNOWN_TYPE)
    return kind.read(fields)


def read_from_relay(text: bytes) -> FromRelay | None:
    """Return a relay's control message, or None if its type is unknown.

    Raises BadControl if its shape is wrong.
    """
    fields = read_object(text)
    kind = _RELAY_TYPES.get(fields.text("type", WORD_CHARS))
    if kind is Keepalive:
        # A device may request any interval, and gets one within the range.
        fields.integer_within("ping_seconds", announced.PING_SECONDS)
    return None if kind is None else kind.read(fields)
