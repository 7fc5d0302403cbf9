"""A relay and its devices in memory: no socket, and a clock that the test moves."""

import json
import secrets
import socket
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from tests.frames import BINARY, CLOSE, TEXT, Frame, client_frame, take_server_frame
from tests.recorded_log import RecordedLog
from vaultrelay.app.service import RelayService
from vaultrelay.config.settings import Settings
from vaultrelay.wire import base64url
from vaultrelay.wire.data import EVERYONE, pack_data
from vaultrelay.wire.proof import channel_of, join_body, sign_join

UPGRADE = {
    "Host": "relay.test",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "X-VaultMesh-Protocol": "3",
}
SEED = bytes(range(32))


class Transport(StringTransport):
    """A transport that remembers being cut off, and says when more than `capacity` is in it.

    What is below its capacity is in the kernel, what is above it is the transport's own.
    """

    aborted = False
    capacity = 1 << 60
    is_full = False
    protocol: Any

    def write(self, data: bytes | memoryview) -> None:
        # A part of a large message comes as a memoryview, which streams take, too.
        super().write(bytes(data))
        producer: Any = self.producer
        if producer is not None and len(self.value()) > self.capacity:
            self.is_full = True
            producer.pauseProducing()

    def take(self, size: int) -> bytes:
        """What the peer reads, at most so much."""
        value: bytes = self.value()
        self.clear()
        self.io.write(value[size:])
        self.ask_for_more()
        return value[:size]

    def ask_for_more(self) -> None:
        """Say that there is room, as soon as there is."""
        producer: Any = self.producer
        if self.is_full and len(self.value()) <= self.capacity:
            self.is_full = False
            if producer is not None:
                producer.resumeProducing()

    def unacknowledged(self) -> int:
        return len(self.value())

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseWriteConnection(self) -> None:
        self.disconnecting = True

    def read_again(self) -> None:
        """It always watches for input."""

    def abortConnection(self) -> None:
        self.aborted = True
        self.disconnecting = True


class MemorySocket:
    """A listening socket to which nothing connects."""

    def __init__(self, host: str, port: int) -> None:
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._name = (host, port, 0, 0) if ":" in host else (host, port)
        self._is_closed = False

    def getsockname(self) -> tuple[object, ...]:
        return self._name

    def fileno(self) -> int:
        return -1 if self._is_closed else 1 << 20

    def close(self) -> None:
        self._is_closed = True


class Relay:
    """A relay service that never listens; connections come in by `connect`.

    Its settings may be given as the parts `limits` and `access`, too.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock: Any = MemoryReactorClock()
        self.log = RecordedLog()
        for name in {"limits", "access"} & settings.keys():
            part = settings.pop(name)
            settings |= {each.name: getattr(part, each.name) for each in fields(part)}
        self.service = RelayService(Settings(**settings), self.clock, log=self.log)
        self.broker = self.service.broker
        self.dispatcher = self.service.dispatcher

    def connect(self, host: str | None = None) -> "Wire":
        """A connection from an address, or from one that the relay does not know."""
        wire = self.accept(host)
        assert wire is not None, "it was cut off"
        return wire

    def accept(self, host: str | None) -> "Wire | None":
        """The same; None where the relay cuts it off."""
        address: Any = None
        if host is not None:
            kind = IPv6Address if ":" in host else IPv4Address
            address = UNIXAddress(None) if host == "unix" else kind("TCP", host, 50000)
        door = self.dispatcher.buildProtocol(address)
        return None if door is None else Wire(door)

    def join(
        self,
        device: bytes = b"device-a",
        seed: bytes = SEED,
        host: str | None = None,
        **headers: str,
    ) -> "Wire":
        """A device that has joined; its welcome is read."""
        wire = self.connect(host)
        wire.upgrade(**headers)
        wire.hello(device, seed)
        return wire

    def advance(self, seconds: float, tick: float = 1.0) -> None:
        """Let time pass and deadlines be looked at."""
        for _ in range(int(seconds / tick)):
            self.clock.advance(tick)
            self.broker.tick()


class Wire:
    """One connection as its client sees it."""

    def __init__(self, protocol: Any) -> None:
        self.transport = Transport(peerAddress=IPv4Address("TCP", "192.0.2.1", 50000))
        self.transport.protocol = protocol
        self.session = 0
        self.welcome: dict[str, Any] = {}
        protocol.makeConnection(self.transport)

    @property
    def protocol(self) -> Any:
        """The protocol that has the connection now: the dispatcher, or its successor."""
        return self.transport.protocol

    def send(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def request(self, target: str = "/", method: str = "GET", **headers: str) -> bytes:
        """Send a request and take the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in ({"Host": "relay.test"} | named).items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return self.taken()

    def upgrade(self, target: str = "/", **headers: str) -> bytes:
        """Upgrade; the head of the answer, the challenge being left to read."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        fields = UPGRADE | named
        lines = [f"GET {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))
        head, _, rest = self.transport.value().partition(b"\r\n\r\n")
        self.transport.clear()
        self.transport.write(rest)
        return bytes(head)

    def hello(self, device: bytes = b"device-a", seed: bytes = SEED, **changes: str) -> None:
        """Answer the challenge; reads the welcome if there is one."""
        challenge = self.control()
        nonce = secrets.token_bytes(16)
        channel = channel_of(seed)
        audience = "relay.test"
        relay_nonce = base64url.decode(challenge["nonce"], 32)
        proof = sign_join(seed, join_body(relay_nonce, nonce, channel, device, audience))
        hello = {
            "type": "hello",
            "channel": base64url.encode(channel),
            "device": base64url.encode(device),
            "nonce": base64url.encode(nonce),
            "audience": audience,
            "proof": base64url.encode(proof),
            "client": "test/1",
        }
        self.say(**(hello | changes))
        frames = self.frames()
        if frames and frames[0].opcode == TEXT:
            self.welcome = json.loads(frames[0].payload)
            self.session = self.welcome["session"]
        self._write_back(frames[1:] if self.welcome else frames)

    def say(self, **control: Any) -> None:
        self.send(client_frame(TEXT, json.dumps(control).encode()))

    def data(self, payload: bytes, to: int = EVERYONE, id: int = 1) -> bytes:
        """Send a data message, and return it."""
        message = pack_data(to, self.session, id, payload)
        self.send(client_frame(BINARY, message))
        return message

    def taken(self) -> bytes:
        value: bytes = self.transport.value()
        self.transport.clear()
        return bytes(value)

    def frames(self) -> list[Frame]:
        """The whole frames that came since the last look."""
        data, found = self.taken(), []
        while (taken := take_server_frame(data)) is not None:
            frame, data = taken
            found.append(frame)
        assert not data, "half a frame"
        return found

    def control(self) -> dict[str, Any]:
        """The one control message that came."""
        (frame,) = self.frames()
        assert frame.opcode == TEXT
        told: dict[str, Any] = json.loads(frame.payload)
        return told

    def closed_with(self) -> tuple[int, str]:
        """Code and reason of the close frame that came last."""
        frame = self.frames()[-1]
        assert frame.opcode == CLOSE
        return int.from_bytes(frame.payload[:2], "big"), frame.payload[2:].decode()

    def fill_up(self) -> None:
        """The client reads no more, and the kernel takes nothing for it."""
        self.transport.capacity = -1
        self.transport.is_full = True
        producer: Any = self.transport.producer
        producer.pauseProducing()

    def empty(self) -> None:
        """The kernel takes everything again."""
        self.transport.capacity = 1 << 60
        self.transport.ask_for_more()

    @property
    def queue_is_high(self) -> bool:
        """Whether the relay queues more for it than its high mark."""
        return bool(self.protocol._queue.room)

    @property
    def is_read(self) -> bool:
        """Whether the relay reads it."""
        return bool(self.transport.producerState == "producing")

    def hang_up(self, clean: bool = True) -> None:
        """TCP ends, with FIN or without."""
        self.transport.connected = False
        reason = ConnectionDone() if clean else ConnectionLost()
        self.protocol.connectionLost(Failure(reason))

    def _write_back(self, frames: list[Frame]) -> None:
        for frame in frames:
            unmasked = client_frame(frame.opcode, frame.payload, masked=False)
            self.transport.write(unmasked)
