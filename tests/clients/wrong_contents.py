"""Faults of clients in what they accept of a relay, and in what they keep over its end."""

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote

from examples.python_adapter import Session
from tests.clients.faults import Fault, Patch, around, put
from vaultrelay.client import Connection, Message, Nack, Opened, device, factory
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.device import Device
from vaultrelay.wire import base64url, relay_url
from vaultrelay.wire.json_object import Fields
from vaultrelay.wire.proof import RELAY_NONCE_BYTES
from vaultrelay.wire.relay_url import RelayUrl

_LONG = 1000
_HUGE = 10**9


def _any_message(right: Any, self: DeviceSocket, welcome: Any) -> None:
    right(self, welcome)
    self.maxMessagePayloadSize = _HUGE


def _any_nonce(right: Any, self: Fields, name: str, size: int) -> Any:
    if size != RELAY_NONCE_BYTES or name != "nonce":
        return right(self, name, size)
    text = self.text(name, 2 * size)
    return base64url.decode(text, len(text) * 3 // 4).ljust(RELAY_NONCE_BYTES, b"\0")


def _any_number(right: Any, self: Fields, name: str, most: int) -> Any:
    return right(self, name, _HUGE)


def _less(right: Any, self: Fields, name: str, bounds: tuple[int, int]) -> Any:
    return right(self, name, (bounds[0], bounds[1] - 1))


def _shorter(right: Any, self: Fields, name: str, longest: int, **default: Any) -> Any:
    """Count units of UTF-16."""
    text = right(self, name, longest, **default)
    return text if len(text.encode("utf-16-le")) <= 2 * longest else text[: longest // 2]


def _any_text(right: Any, self: Fields, name: str, longest: int, **default: Any) -> Any:
    return right(self, name, _HUGE, **default)


def _any_session(self: Fields, name: str = "session") -> Any:
    return self.integer(name)


def _welcome_alone(right: Any, self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
    self._challenged |= b'"welcome"' in payload[:40]
    right(self, payload, isBinary)


def _largest_are_wrong(patch: Patch) -> None:
    around(Fields, "integer_within", _less)(patch)
    around(Fields, "pair_within", _less)(patch)


def _sign_again(right: Any, self: DeviceSocket, challenge: Any) -> None:
    self._challenged = False
    right(self, challenge)


def _lose_what_comes_with_the_welcome(patch: Patch) -> None:
    def data_received(right: Any, self: DeviceSocket, data: bytes) -> None:
        self.is_deaf = False  # type: ignore[attr-defined]
        right(self, data)

    def on_message(right: Any, self: DeviceSocket, *message: Any) -> None:
        was_welcome = self.welcomed.called
        if not vars(self)["is_deaf"]:
            right(self, *message)
            self.is_deaf = self.welcomed.called and not was_welcome  # type: ignore[attr-defined]

    around(DeviceSocket, "dataReceived", data_received)(patch)
    around(DeviceSocket, "onMessage", on_message)(patch)


def _overtake(right: Any, self: Device, event: Any) -> None:
    """Take long messages a moment later, as a page does that awaits blobs."""
    if isinstance(event, Message) and len(event.payload) > _LONG:
        self._socket._clock.callLater(0, right, self, event)
    else:
        right(self, event)


def _send_any_size(right: Any, self: DeviceSocket, message: bytes) -> None:
    self._longest_sent = _HUGE
    right(self, message)


def _send_later(patch: Patch) -> None:
    """Keep a message for the next session."""

    def send(right: Any, self: Session, to: int, payloads: list[bytes]) -> Any:
        if self.connection.device is not None:
            return right(self, to, payloads)
        vars(self.connection)["late"] = (payloads[0], to)
        return 0

    async def receive(right: Any, self: Connection) -> Any:
        event = await right(self)
        if isinstance(event, Opened) and "late" in vars(self):
            event.device.send(*vars(self).pop("late"))
        return event

    around(Session, "send", send)(patch)
    around(Connection, "receive", receive)(patch)


async def _keep_peers(right: Any, self: Connection) -> Any:
    event = await right(self)
    if isinstance(event, Opened):
        peers = vars(self).setdefault("peers", {})
        peers.update(event.device.peers)
        event.device.peers = dict(sorted(peers.items()))
    return event


def _send_again_at_once(patch: Patch) -> None:
    def send(right: Any, self: Device, payload: bytes, to: int) -> Any:
        vars(self)["last"] = (payload, to)
        return right(self, payload, to)

    async def receive(right: Any, self: Connection) -> Any:
        event = await right(self)
        last = vars(self.device).get("last") if self.device else None
        if isinstance(event, Nack) and self.device and last:
            self.device.send(*last)
        return event

    around(Device, "send", send)(patch)
    around(Connection, "receive", receive)(patch)


def _any_host(right: Any, host: str) -> Any:
    return host if host.isascii() else right(host)


FAULTS: dict[str, Fault] = {
    "a control message has no maximum": put(factory, "CONTROL_LIMIT", _HUGE),
    "a message has no maximum": around(DeviceSocket, "_welcome", _any_message),
    "a nonce of any length is signed": around(Fields, "binary", _any_nonce),
    "the largest values are a violation": _largest_are_wrong,
    "characters are units of UTF-16": around(Fields, "text", _shorter),
    "texts have no maximum": around(Fields, "text", _any_text),
    "any session number is valid": put(Fields, "session", _any_session),
    "a welcome needs no hello": around(DeviceSocket, "onMessage", _welcome_alone),
    "it waits for a welcome for 15 seconds": put(device, "CONNECT_SECONDS", 15),
    "the token is decoded as Latin-1": put(
        relay_url, "unquote", partial(unquote, encoding="latin-1")
    ),
    "the query of the URL is dropped": around(
        RelayUrl, "read", lambda right, text: replace(right(text), query="")
    ),
    "peers are not counted": around(Fields, "objects", _any_number),
    "every challenge is signed": around(DeviceSocket, "_challenge", _sign_again),
    "what comes with the welcome is lost": _lose_what_comes_with_the_welcome,
    "short messages overtake long ones": around(Device, "on_event", _overtake),
    "messages of any size are sent": around(DeviceSocket, "send_data", _send_any_size),
    "a message waits for the next session": _send_later,
    "peers of earlier sessions stay": around(Connection, "receive", _keep_peers),
    "a message with a NACK is sent again at once": _send_again_at_once,
    "any host is dialled": around(relay_url, "canonical_host", _any_host),
}
