"""The reader of a device's control messages."""

from typing import TypeAlias

from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES, WORD_CHARS
from vaultrelay.wire.control.in_session import Keepalive
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.json_object import BadControl, Fields, read_object

FromDevice: TypeAlias = Hello | Keepalive

_TYPES: dict[str, type[FromDevice]] = {kind.type: kind for kind in (Hello, Keepalive)}


def read_from_device(text: bytes) -> FromDevice:
    """Return a device's control message, as a relay without a mailbox reads it.

    Raises BadControl if JSON, shape or type is wrong.
    """
    fields = device_fields(text)
    # An unknown field, and ignored whatever it holds.
    fields.discard("mailbox")
    return read_fields(fields)


def device_fields(text: bytes) -> Fields:
    """Return the fields of a device's control message. Raises BadControl for size and JSON."""
    if len(text) > CONTROL_BYTES:
        raise BadControl.of(Rule.CONTROL_SIZE)
    return read_object(text)


def read_fields(fields: Fields) -> FromDevice:
    """Return the message that has these fields. Raises BadControl for shape and type."""
    kind = _TYPES.get(fields.text("type", WORD_CHARS))
    if kind is None:
        raise BadControl.of(Rule.UNKNOWN_TYPE)
    return kind.read(fields)
