"""Faults of clients in what they send, and in what they make of what they receive."""

from itertools import repeat
from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOffer

from examples import python_adapter, python_events
from tests.clients.faults import Fault, Patch, around, put
from vaultrelay.client import (
    Connection,
    Device,
    Draining,
    Message,
    Opened,
    connection,
    device,
    liveness,
)
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.liveness import Liveness
from vaultrelay.wire import relay_url
from vaultrelay.wire.control.in_session import Left
from vaultrelay.wire.data import HEADER_BYTES, Kind, Reason, read_header
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.json_object import BadControl, Fields

_LEFT_REASONS = {"closed", "lost", "idle", "slow", "replaced", "draining"}


def _any_kind(right: Any, message: bytes, session: int) -> object:
    event = right(message, session)
    if event is not None or len(message) < HEADER_BYTES or read_header(message).flags:
        return event
    header = read_header(message)
    return Message(header.sender, header.to, header.id, message[HEADER_BYTES:])


def _any_flags(right: Any, message: bytes, session: int) -> object:
    return (
        right(message[:1] + b"\0" + message[2:], session)
        if len(message) > 1
        else right(message, session)
    )


def _strict_length(right: Any, message: bytes, session: int) -> object:
    if len(message) < HEADER_BYTES:
        raise BadControl("data_size", "too short")
    return right(message, session)


def _known_reasons(right: Any, message: bytes, session: int) -> object:
    event = right(message, session)
    is_nack = len(message) >= HEADER_BYTES and message[0] == Kind.NACK
    known = set(Reason)
    return None if is_nack and read_header(message).reason not in known else event


def _nack_of_receiver(right: Any, message: bytes, session: int) -> object:
    if message[:1] == bytes([Kind.NACK]):
        message = message[:4] + message[8:12] + message[4:8] + message[12:]
    return right(message, session)


def _known_types(right: Any, text: bytes) -> object:
    event = right(text)
    if event is None:
        raise BadControl("unknown_type", "unknown")
    return event


def _known_fields(right: Any, text: bytes) -> object:
    if b'"mood"' in text or b'"until"' in text or b'"filler"' in text or b'"weather":' in text:
        raise BadControl("field", "unknown")
    return right(text)


def _known_left_reasons(right: Any, text: bytes) -> object:
    event = right(text)
    is_unknown = isinstance(event, Left) and event.reason not in _LEFT_REASONS
    return None if is_unknown else event


def _left_as_closed(right: Any, text: bytes) -> object:
    return Left(left.session, "closed") if isinstance(left := right(text), Left) else left


def _sign_first(right: Any, self: DeviceSocket, challenge: Any) -> None:
    if challenge.protocol != 3:
        self.sendMessage(self._answer(challenge), isBinary=False)
        self.transport.loseConnection()
        return
    right(self, challenge)


def _talk_after_hello(right: Any, self: DeviceSocket, challenge: Any) -> None:
    right(self, challenge)
    if challenge.protocol == 3 and self.can_send:
        self.sendMessage(b'{"type":"keepalive","ping_seconds":50}', isBinary=False)


def _little_endian(to: int, sender: int, id: int, payload: bytes) -> bytes:
    words = b"".join(number.to_bytes(4, "little") for number in (to, sender, id))
    return bytes([Kind.DATA, 0, 0, 0]) + words + payload


def _from_nobody(right: Any, to: int, sender: int, id: int, payload: bytes) -> object:
    return right(to, 0, id, payload)


def _raw_audience(patch: Patch) -> None:
    def raw(host: str) -> str:
        return host if host.isascii() else canonical_host(host)

    patch.setattr(relay_url, "canonical_host", raw)


def _messages_only(patch: Patch) -> None:
    """Count the time from the last message, and not from the last byte."""

    def data_received(self: DeviceSocket, data: bytes) -> None:
        before = self.last_received_at
        right_data(self, data)
        self.last_received_at = max(before, getattr(self, "last_message_at", before))

    def on_message(self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
        self.last_message_at = self._clock.seconds()  # type: ignore[attr-defined]
        right_message(self, payload, isBinary)

    right_data, right_message = DeviceSocket.dataReceived, DeviceSocket.onMessage
    patch.setattr(DeviceSocket, "dataReceived", data_received)
    patch.setattr(DeviceSocket, "onMessage", on_message)


def _first_interval(right: Any, self: Liveness, ping_seconds: int) -> None:
    right(self, self.ping_seconds)


async def _first_session(right: Any, self: Any) -> object:
    event = await right(self)
    if isinstance(event, Opened):
        first = vars(self).setdefault("first", event.device.session)
        event.device.session = first
    return event


def _options(**wrong: object) -> Fault:
    def make(right: Any, self: Any, *arguments: Any) -> None:
        right(self, *arguments)
        self.setProtocolOptions(**wrong)

    return around(DeviceSocketFactory, "__init__", make)


def _send_origin(right: Any, self: Any, *arguments: Any) -> None:
    right(self, *arguments)
    self.headers["Origin"] = "https://app.example.org"


async def _leave_at_draining(right: Any, self: Connection) -> object:
    event = await right(self)
    if isinstance(event, Draining) and self.device is not None:
        self.device._socket.sendClose(1000)
    return event


def _small_messages(patch: Patch) -> None:
    """Take the limit for that of a payload without its header."""

    def on_message(self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
        right(self, payload, isBinary)
        if b'"welcome"' in payload[:40]:
            self.maxMessagePayloadSize -= HEADER_BYTES

    right = DeviceSocket.onMessage
    patch.setattr(DeviceSocket, "onMessage", on_message)


def _write_then_read(right: Any, self: Any, device: Device, *rest: Any) -> Any:
    async def send() -> None:
        device._socket.pause_reading()
        await right(self, device, *rest)
        device._socket.resume_reading()

    return send()


def _close_with_1001(right: Any, self: Device) -> object:
    self._socket.sendClose(3001)
    return self._gone


def _without_detail(right: Any, error: Exception) -> object:
    return {**right(error), "detail": ""}


def _constant_nonce(patch: Patch) -> None:
    patch.setattr("secrets.token_bytes", bytes)


FAULTS: dict[str, Fault] = {
    "an unknown kind is delivered": around(connection, "read_data", _any_kind),
    "flags are ignored": around(connection, "read_data", _any_flags),
    "a short message is a violation": around(connection, "read_data", _strict_length),
    "an unknown NACK is dropped": around(connection, "read_data", _known_reasons),
    "a NACK is taken for one of the client itself": around(
        connection, "read_data", _nack_of_receiver
    ),
    "an unknown type is a violation": around(connection, "read_from_relay", _known_types),
    "an unknown field is a violation": around(connection, "read_from_relay", _known_fields),
    "a left with an unknown reason is dropped": around(
        connection, "read_from_relay", _known_left_reasons
    ),
    "each left has the reason closed": around(connection, "read_from_relay", _left_as_closed),
    "it signs before the version is checked": around(DeviceSocket, "_challenge", _sign_first),
    "any 101 is accepted": put(DeviceSocket, "onConnect", lambda self, response: None),
    "it talks before the welcome": around(DeviceSocket, "_challenge", _talk_after_hello),
    "the audience is not canonical": _raw_audience,
    "the nonce is always the same": _constant_nonce,
    "numbers are little-endian": put(device, "pack_data", _little_endian),
    "the sender is 0": around(device, "pack_data", _from_nobody),
    "the id is always the same": put(device, "count", repeat),
    "the session number of the first connection stays": around(
        Connection, "receive", _first_session
    ),
    "a welcome may have 4096 bytes": _options(maxMessagePayloadSize=4096),
    "a message may have a hundred fragments": put(connection, "FRAGMENTS_PER_MESSAGE", 100),
    "message_bytes is taken for the payload's": _small_messages,
    "limits are not checked": put(Fields, "integer_within", lambda self, n, _: self.integer(n)),
    "silence is one interval": put(liveness, "SILENCE_FACTOR", 1.0),
    "silence is two intervals": put(liveness, "SILENCE_FACTOR", 2.2),
    "only messages break the silence": _messages_only,
    "the interval in force is ignored": around(Liveness, "answered", _first_interval),
    "it waits for a welcome for ever": put(device, "CONNECT_SECONDS", 10**9),
    "compression is offered": _options(perMessageCompressionOffers=[PerMessageDeflateOffer()]),
    "an origin is sent": around(DeviceSocketFactory, "__init__", _send_origin),
    "the token is not decoded": put(relay_url, "unquote", lambda text: text),
    "it leaves at draining": around(Connection, "receive", _leave_at_draining),
    "it reads after it has written": around(python_adapter.Session, "_send_all", _write_then_read),
    "it leaves with another code": around(Device, "close", _close_with_1001),
    "the sentence for people is dropped": around(python_events, "outcome", _without_detail),
}
