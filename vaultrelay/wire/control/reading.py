"""The readers of control messages: a device's, and the relay's."""

from typing import TypeAlias

from vaultrelay.wire import announced
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES, WORD_CHARS
from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.control.joining import Challenge, Hello, Welcome
from vaultrelay.wire.json_object import BadControl, read_object

FromDevice: TypeAlias = Hello | Keepalive
FromRelay: TypeAlias = Challenge | Welcome | Joined | Left | Keepalive | Busy | Ready | Draining

_DEVICE_TYPES: dict[str, type[FromDevice]] = {kind.type: kind for kind in (Hello, Keepalive)}
_RELAY_TYPES: dict[str, type[FromRelay]] = {
    kind.type: kind for kind in (Challenge, Welcome, Joined, Left, Keepalive, Busy, Ready, Draining)
}


def read_from_device(text: bytes) -> FromDevice:
    """Return a device's control message. Raises BadControl if JSON, shape or type is wrong."""
    if len(text) > CONTROL_BYTES:
        raise BadControl.of(Rule.CONTROL_SIZE)
    fields = read_object(text)
    kind = _DEVICE_TYPES.get(fields.text("type", WORD_CHARS))
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
