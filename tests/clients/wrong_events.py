"""Faults of clients in what they read and report: one kind of message or event each."""

from collections.abc import Callable
from typing import Any

from tests.clients.faults import Fault, around, put
from tests.clients.wrong_decisions import decides
from vaultrelay.client import (
    EVERYONE,
    Busy,
    Closed,
    Connection,
    Draining,
    Joined,
    Keepalive,
    Left,
    Message,
    Opened,
    Ready,
    connection,
    device,
)
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.device import Device
from vaultrelay.wire.json_object import BadControl

_LOCAL = "127.0.0.1"
_HALF = 1 << 31


def _drops(is_dropped: Callable[[Any], bool]) -> Fault:
    """Report all events of a session but some."""

    def on_event(right: Any, self: Device, event: Any) -> None:
        if not is_dropped(event):
            right(self, event)

    return around(Device, "on_event", on_event)


def _opens(change: Callable[[Device], None]) -> Fault:
    """Report a change of each session."""

    async def receive(right: Any, self: Connection) -> Any:
        event = await right(self)
        if isinstance(event, Opened):
            change(event.device)
        return event

    return around(Connection, "receive", receive)


def _refuses(is_refused: Callable[[bytes], bool]) -> Fault:
    """Take some control messages for violations."""

    def read(right: Any, text: bytes) -> Any:
        if is_refused(text):
            raise BadControl("json", "not as expected")
        return right(text)

    return around(connection, "read_from_relay", read)


def _first_peer(device: Device) -> None:
    device.peers = dict(list(device.peers.items())[:1])


def _empty_notice(device: Device) -> None:
    device.notice = device.notice or ""


def _no_notice(device: Device) -> None:
    device.notice = None


def _signed_sender(right: Any, message: bytes, session: int) -> Any:
    event = right(message, session)
    if isinstance(event, Message) and event.sender >= _HALF:
        return Message(event.sender - 2 * _HALF, event.to, event.id, event.payload)
    return event


def _is_known_code(error: Exception) -> bool:
    return isinstance(error, Closed) and (
        error.code in (1001, 1011, 1012, 1013, 3000) or error.code in range(4000, 4010)
    )


def _local_audience(right: Any, seed: bytes, channel: bytes, tag: bytes, _: str, *rest: Any) -> Any:
    return right(seed, channel, tag, _LOCAL, *rest)


def _vanish(self: DeviceSocket, *close: Any) -> None:
    self.dropConnection(abort=True)


FAULTS: dict[str, Fault] = {
    "the audience is the address that was dialled": around(device, "_hello", _local_audience),
    "fragments are not put together": put(connection, "FRAGMENTS_PER_MESSAGE", 1),
    "a known code is final": decides(_is_known_code, is_final=True),
    "a close is not answered": put(DeviceSocket, "onCloseFrame", _vanish),
    "pings are not answered": put(DeviceSocket, "onPing", lambda self, payload: None),
    "busy and ready are dropped": _drops(lambda event: isinstance(event, Busy | Ready)),
    "joined is dropped": _drops(lambda event: isinstance(event, Joined)),
    "left is dropped": _drops(lambda event: isinstance(event, Left)),
    "draining is dropped": _drops(lambda event: isinstance(event, Draining)),
    "keepalives are dropped": _drops(lambda event: isinstance(event, Keepalive)),
    "a broadcast is dropped": _drops(lambda event: getattr(event, "to", 0) == EVERYONE),
    "an empty message is dropped": _drops(lambda event: getattr(event, "payload", b"x") == b""),
    "numbers have a sign": around(connection, "read_data", _signed_sender),
    "only the first peer is known": _opens(_first_peer),
    "a notice is dropped": _opens(_no_notice),
    "a notice that is null is empty": _opens(_empty_notice),
    "a limit that is null is a violation": _refuses(lambda text: b'_second":null' in text),
    "JSON has one spelling": _refuses(lambda text: text[:7] != b'{"type"' or b"\\" in text),
}
