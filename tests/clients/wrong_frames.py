"""Faults of clients in frames, in violations of a relay, and in what comes of strangers."""

from typing import Any

from tests.clients.faults import Fault, around, put
from vaultrelay.client import Busy, Closed, Device, Joined, Nack, Ready, connection, device, frame
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.wire.control.mailbox import Erased
from vaultrelay.wire.data import HEADER_BYTES, Kind, pack_data, read_header

_OPENING = b"HTTP/1.1 101"
_FORBIDDEN = tuple(
    bytes.fromhex(each) for each in ("a900", "9900", "8b00", "0900", "897e007e", "8000", "02008200")
)
_ANY_LENGTHS = tuple(
    bytes.fromhex(each) for each in ("827e0010", "827f0000000000000010", "827f8000000000000010")
)
_ANY_CLOSES = tuple(
    bytes.fromhex(each)
    for each in (
        "880103",
        "880203e7",
        "880203ed",
        "880203ee",
        "880203f7",
        "88021388",
        "880403e8c328",
    )
)
_NORMAL_CLOSE = bytes.fromhex("880203e8")


def _ignore(right: Any, self: DeviceSocket, data: bytes) -> None:
    if not data.startswith(_FORBIDDEN):
        right(self, data)


def _shorten(right: Any, self: DeviceSocket, data: bytes) -> None:
    for head in _ANY_LENGTHS:
        if data.startswith(head):
            data = b"\x82\x10" + data[len(head) :]
    right(self, data)


def _any_close(right: Any, self: DeviceSocket, data: bytes) -> None:
    right(self, _NORMAL_CLOSE if data in _ANY_CLOSES else data)


def _by_content(right: Any, self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
    """Tell control messages from data by the first byte."""
    right(self, payload, payload[:1] != b"{" if isBinary else payload[:1] == b"\x10")


def _split_characters(right: Any, self: DeviceSocket, payload: bytes) -> None:
    """Decode each frame by itself."""
    right(self, payload if self._fragments == 1 else payload.decode("ascii", "ignore").encode())


def _small_controls(right: Any, self: DeviceSocket, welcome: Any) -> None:
    right(self, welcome)
    self.maxMessagePayloadSize = self._longest_sent


def _read_on(right: Any, self: DeviceSocket, violation: str) -> None:
    self._clock.callLater(0, right, self, violation)


def _wait_for_the_answer(right: Any, self: DeviceSocket, error: Exception) -> None:
    if not self.can_send or not isinstance(error, Closed):
        right(self, error)
        return
    self._error = error
    self.sendCloseFrame(1002)


def _known_only(right: Any, self: Device, event: Any) -> None:
    session = {Busy: "session", Ready: "session", Nack: "peer"}.get(type(event))
    is_strange = session is not None and getattr(event, session) not in self.peers
    is_known = isinstance(event, Joined) and event.peer.session in self.peers
    if not (is_strange or is_known):
        right(self, event)


def _own_nacks(right: Any, message: bytes, session: int) -> Any:
    is_nack = len(message) >= HEADER_BYTES and message[0] == Kind.NACK
    return None if is_nack and read_header(message).to == 99 else right(message, session)


def _any_nack(right: Any, message: bytes, session: int) -> Any:
    return right(message, session or int(message[:1] == bytes([Kind.NACK])))


def _unasked(right: Any, self: DeviceSocket, payload: bytes, isBinary: bool) -> None:
    right(self, payload, isBinary)
    if b'"erased"' in payload and not isBinary and not self._wants_mailbox:
        self.on_event(Erased(None))


def _any_receiver(right: Any, self: Device, payload: bytes, to: int) -> Any:
    if to not in (0, self.session):
        return right(self, payload, to)
    id = next(self._ids)
    self._socket.send_data(pack_data(to, self.session, id, payload))
    return id


def _any_101(right: Any, self: DeviceSocket, data: bytes) -> None:
    """Put what a relay would have sent in the place of what came."""
    if data.startswith(_OPENING):
        data = data.replace(b"Sec-WebSocket-Protocol: chat\r\n", b"")
        data = data.replace(b": h2c\r\n", b": websocket\r\n")
        data = data.replace(b": keep-alive\r\n", b": Upgrade\r\n")
    right(self, data)


def _exact_names(right: Any, self: DeviceSocket, data: bytes) -> None:
    if data.startswith(_OPENING):
        data = data.replace(b"\r\nsec-websocket-accept", b"\r\nx-accept")
    right(self, data)


FAULTS: dict[str, Fault] = {
    "more frames that RFC 6455 forbids are ignored": around(DeviceSocket, "dataReceived", _ignore),
    "a length may have any number of bytes": around(DeviceSocket, "dataReceived", _shorten),
    "any close is taken for one": around(DeviceSocket, "dataReceived", _any_close),
    "the kind of a message is told by its content": around(DeviceSocket, "onMessage", _by_content),
    "a text is decoded frame by frame": around(
        DeviceSocket, "onMessageFrameData", _split_characters
    ),
    "a control message has the limit of data": around(DeviceSocket, "_welcome", _small_controls),
    "a violation is closed with 1000": put(
        connection, "close_frame", lambda code: frame.close_frame(1000)
    ),
    "it reads on after a violation": around(DeviceSocket, "fail_protocol", _read_on),
    "it waits for an answer after a violation": around(DeviceSocket, "_fail", _wait_for_the_answer),
    "any number of peers may join": put(device, "CHANNEL_DEVICES", (1, 10**9)),
    "what comes of strangers is dropped": around(Device, "on_event", _known_only),
    "a NACK of another receiver is dropped": around(connection, "read_data", _own_nacks),
    "a NACK of a PUT is reported without a mailbox": around(connection, "read_data", _any_nack),
    "a mailbox is read without being asked for": around(DeviceSocket, "onMessage", _unasked),
    "it sends to itself": around(Device, "send", _any_receiver),
    "any 101 is an upgrade": around(DeviceSocket, "dataReceived", _any_101),
    "names of headers have one spelling": around(DeviceSocket, "dataReceived", _exact_names),
}
