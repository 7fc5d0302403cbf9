"""Faults of clients where two rules apply, where a time is too short, or the relay is at fault."""

import json
from base64 import b64encode
from hashlib import sha1
from types import SimpleNamespace
from typing import Any

from tests.clients.faults import Fault, Patch, around, put
from tests.clients.wrong_decisions import _constant, _decision, _method
from tests.clients.wrong_messages import _options
from vaultrelay.client import Closed, Device, Message, connection, frame
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.events import read_data
from vaultrelay.wire.data import EVERYONE, HEADER_BYTES, Kind, read_header
from vaultrelay.wire.json_object import Fields

_FORBIDDEN_FRAMES = (b"\xc1", b"\x83")
_INVALID = (
    b"ready",
    b"[7]",
    b'{"type":3}',
    b'{"session":3}',
    b'{"type":"ready","session":"3"}',
    b'{"type":"joined","session":9,"device":"AAAAAAAAAA"}',
    b'{"type":"joined","session":9,"device":"AAAAAA.AAAk"}',
    b'{"type":"keepalive","ping_seconds":50.5}',
)
"""These are enough: a case waits in vain for the end of each connection."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Of RFC 6455, section 1.3."""
_OUR_VIOLATION = "the relay broke the protocol"


def _zero(right: Any, self: Any, text: str) -> float:
    delay: float = right(text)
    return 0.0 if text.isdigit() and not text.strip("0") else delay


def _time_before_range(right: Any, self: Any, closed: Closed, window: object, now: float) -> object:
    return right(closed, None if "retry=" in closed.reason else window, now)


def _range_before_4509(right: Any, self: Any, closed: Closed, window: object, now: float) -> object:
    is_replaced = closed.code == 4509 and window is not None
    return right(Closed(4000, "restart") if is_replaced else closed, window, now)


def _time_of_4000(right: Any, self: Any, closed: Closed, window: object, now: float) -> object:
    is_restart = closed.code == 4000 and "retry=" in closed.reason
    return right(Closed(4005, closed.reason) if is_restart else closed, window, now)


def _at_once_after_4001(right: Any, self: Any, error: Exception, now: float) -> object:
    decided = right(error, now)
    return 0.0 if isinstance(error, Closed) and error.code == 4001 else decided


def _back_after_violation(right: Any, self: Any, error: Exception, now: float) -> object:
    decided = right(error, now)
    is_ours = isinstance(error, Closed) and error.reason.startswith(_OUR_VIOLATION)
    return self._back_off() if is_ours else decided


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _any_text(patch: Patch) -> None:
    """Replace what is not UTF-8, and ignore what is then no JSON."""

    def on_message(right: Any, self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
        if isBinary or _is_json(payload.decode("utf-8", "replace")):
            right(self, payload, isBinary)

    _options(utf8validateIncoming=False)(patch)
    around(DeviceSocket, "onMessage", on_message)(patch)


def _early(right: Any, self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
    event = read_data(payload) if isBinary and not self.welcomed.called else None
    if event is None:
        right(self, payload, isBinary)
    else:
        self.on_event(event)


def _one_welcome(right: Any, self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
    if self.welcomed.called and b'"welcome"' in payload:
        self.fail_protocol("a second welcome")
    else:
        right(self, payload, isBinary)


def _own_only(right: Any, self: Device, event: object) -> None:
    if not isinstance(event, Message) or event.to in (self.session, EVERYONE):
        right(self, event)


def _no_reason(right: Any, message: bytes, session: int) -> object:
    event = right(message, session)
    return None if isinstance(event, Message) and read_header(message).reason else event


def _bare_nacks(right: Any, message: bytes, session: int) -> object:
    is_long = message[:1] == bytes([Kind.NACK]) and len(message) > HEADER_BYTES
    return None if is_long else right(message, session)


def _lenient(right: Any, text: bytes) -> object:
    return None if text in _INVALID else right(text)


def _any_pair(right: Any, self: Fields, name: str, bounds: object) -> object:
    return right(self, name, (0, 10**9))


def _any_frame(right: Any, self: DeviceSocket, data: bytes) -> None:
    if not data.startswith(_FORBIDDEN_FRAMES):
        right(self, data)


def _no_payload(right: Any, self: DeviceSocket, payload: bytes) -> None:
    right(self, b"")


def _any_accept(right: Any, self: DeviceSocket, data: bytes) -> None:
    """Put the right value in place of the wrong one of the case."""
    value = b64encode(sha1(self.websocket_key + _GUID, usedforsecurity=False).digest())
    right(self, data.replace(b"A" * 27 + b"=", value))


def _any_extension(right: Any, self: DeviceSocket, data: bytes) -> None:
    right(self, data.replace(b"Sec-WebSocket-Extensions: permessage-deflate\r\n", b""))


def _first_of(wanted: tuple[int, int]) -> Fault:
    """Wait for the first second of a range of the relay."""

    def by_relay(right: Any, self: Any, low: float, high: float) -> float:
        delay: float = right(low, low if (low, high) == wanted else high)
        return delay

    return _method("_by_relay", by_relay)


FAULTS: dict[str, Fault] = {
    "a given time of 0 is no delay": _method("_given", _zero),
    "a range from 0 is taken literally": _constant("MIN_DRAIN_WINDOW", (0, 0)),
    "a given time precedes the range of draining": _method("_after_close", _time_before_range),
    "the range of draining precedes 4509": _method("_after_close", _range_before_4509),
    "a time in the reason of 4000 counts": _method("_after_close", _time_of_4000),
    "a ping's payload is not sent back": around(DeviceSocket, "onPing", _no_payload),
    "each frame has the same mask": put(frame, "secrets", SimpleNamespace(token_bytes=bytes)),
    "any Sec-WebSocket-Accept is accepted": around(DeviceSocket, "dataReceived", _any_accept),
    "an extension that was not offered is accepted": around(
        DeviceSocket, "dataReceived", _any_extension
    ),
    "the range of draining has no random part": _first_of((100, 110)),
    "4509 has no random part": _first_of((30, 60)),
    "4001 is final": _decision(lambda code: code == 4001, is_final=True),
    "4001 is retried at once": _method("ended", _at_once_after_4001),
    "it reconnects after a violation": _method("ended", _back_after_violation),
    "text that is not UTF-8 is ignored": _any_text,
    "masked frames are accepted": _options(acceptMaskedServerFrames=True),
    "frames that RFC 6455 forbids are ignored": around(DeviceSocket, "dataReceived", _any_frame),
    "some invalid control messages are ignored": around(connection, "read_from_relay", _lenient),
    "the range of reconnect is not checked": around(Fields, "pair_within", _any_pair),
    "data is taken before the welcome": around(DeviceSocket, "onMessage", _early),
    "a second welcome is a violation": around(DeviceSocket, "onMessage", _one_welcome),
    "data of another receiver is dropped": around(Device, "on_event", _own_only),
    "data with a reason is dropped": around(connection, "read_data", _no_reason),
    "a NACK of more than 16 bytes is dropped": around(connection, "read_data", _bare_nacks),
}
