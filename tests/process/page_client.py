"""A client written from `docs/protocol.rst` alone."""

import hashlib
import hmac
import json
import os
import socket
import struct
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from http.client import HTTPMessage, parse_headers
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.process.processes import WAIT_SECONDS

HEADER = struct.Struct(">BBHIII")  # kind, flags, reason, to, from, id
EVERYONE = 0xFFFFFFFF
DATA, NACK = 0x10, 0x11
GONE = 1
MORE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def base64url(value: bytes) -> str:
    """A byte string in canonical base64url, the only form that a relay accepts."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """The bytes of a base64url text."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def derived(root: bytes, profile: bytes, what: bytes, epoch: int) -> bytes:
    """32 bytes of HKDF-SHA256, which are its first block."""
    info = b"vaultmesh-relay/3 " + what + struct.pack(">I", epoch)
    return hmac.digest(hmac.digest(profile, root, "sha256"), info + b"\x01", "sha256")


def body_of(relay_nonce: bytes, nonce: bytes, channel: bytes, device: bytes, host: str) -> bytes:
    """What a proof is about."""
    name = host.encode()
    return b"\x03" + relay_nonce + nonce + channel + device + bytes([len(name)]) + name


def signed_of(body: bytes) -> bytes:
    """What the channel key signs."""
    return b" " * 64 + b"VaultMesh relay 3 join\x00" + hashlib.sha256(body).digest()


@dataclass
class Identity:
    """A device of a vault."""

    seed: bytes = field(default_factory=lambda: os.urandom(32))
    device: bytes = field(default_factory=lambda: os.urandom(8))

    @property
    def channel(self) -> bytes:
        """Where the devices of this vault meet."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()


def upgrade_head(channel: bytes) -> bytes:
    """The request of an app."""
    key = b64encode(os.urandom(16)).decode()
    return (
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nX-VaultMesh-Protocol: 3\r\n"
        f"X-VaultMesh-Channel: {base64url(channel)}\r\n\r\n"
    ).encode()


def plain_head(path: str) -> bytes:
    """A request that is no upgrade."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Connection:
    """One connection to a relay: HTTP/1.1, RFC 6455 and the protocol on a plain socket."""

    def __init__(self, port: int) -> None:
        self.tcp = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self.stream = self.tcp.makefile("rb")
        self.me = 0
        self.peers: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.tcp.close()

    def request(self, head: bytes) -> tuple[int, HTTPMessage]:
        """Send a request; status and headers of the answer."""
        self.tcp.sendall(head)
        version, status, *_ = self.stream.readline().split()
        assert version == b"HTTP/1.1"
        return int(status), parse_headers(self.stream)

    def get(self, head: bytes) -> tuple[int, HTTPMessage, dict[str, Any]]:
        """Send a request that gets no 101; status, headers and JSON, after which it ends."""
        status, headers = self.request(head)
        body = self.stream.read()
        assert int(headers["Content-Length"]) == len(body)
        return status, headers, json.loads(body)

    def upgrade(self, channel: bytes) -> bytes:
        """Upgrade as an app does; the relay's nonce."""
        status, headers = self.request(upgrade_head(channel))
        assert (status, headers["X-VaultMesh-Protocol"]) == (101, "3")
        return self.challenged()

    def challenged(self) -> bytes:
        """The nonce of the challenge, which comes next."""
        challenge = self.control("challenge")
        nonce = unbase64url(challenge["nonce"])
        assert (challenge["protocol"], len(nonce)) == (3, 32)
        return nonce

    def hello(self, relay_nonce: bytes, identity: Identity, **other: Any) -> None:
        """Answer the challenge, with `other` fields instead of or beside the right ones."""
        nonce, host = os.urandom(16), "127.0.0.1"
        body = body_of(relay_nonce, nonce, identity.channel, identity.device, host)
        proof = Ed25519PrivateKey.from_private_bytes(identity.seed).sign(signed_of(body))
        named = {"channel": identity.channel, "device": identity.device}
        parts = named | {"nonce": nonce, "proof": proof}
        texts = {name: base64url(value) for name, value in parts.items()}
        self.say({"type": "hello", "audience": host} | texts | other)

    def join(self, identity: Identity) -> None:
        """Join the channel."""
        self.hello(self.upgrade(identity.channel), identity)
        welcome = self.control("welcome")
        self.me = welcome["session"]
        self.peers = {peer["session"]: peer["device"] for peer in welcome["peers"]}

    def send(self, opcode: int, payload: bytes = b"", *, final: bool = True) -> None:
        """Send one frame."""
        size, mask = len(payload), os.urandom(4)
        short, long = (size, b"") if size < 126 else (126, struct.pack(">H", size))
        head = bytes([final << 7 | opcode, 0x80 | short]) + long + mask
        self.tcp.sendall(head + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def say(self, control: dict[str, Any]) -> None:
        """Send a control message."""
        self.send(TEXT, json.dumps(control).encode())

    def data(self, to: int, number: int, payload: bytes) -> bytes:
        """Send a data message; its bytes."""
        message = HEADER.pack(DATA, 0, 0, to, self.me, number) + payload
        self.send(BINARY, message)
        return message

    def exactly(self, size: int) -> bytes:
        """So many bytes of the stream."""
        read = self.stream.read(size)
        assert len(read) == size, "the connection ended"
        return read

    def receive(self) -> tuple[int, bytes]:
        """The next message, pong or close; answers pings."""
        opcode, message = MORE, b""
        while True:
            first, size = self.exactly(2)
            assert not first & 0x70, "an extension that nobody asked for"
            assert size < 127, "masked, or larger than any message here"
            if size == 126:
                (size,) = struct.unpack(">H", self.exactly(2))
            kind, payload = first & 0x0F, self.exactly(size)
            if kind == PING:
                self.send(PONG, payload)
            elif kind >= CLOSE:
                return kind, payload
            else:
                assert (kind == MORE) == bool(opcode), "the frames of one message follow each other"
                opcode, message = opcode or kind, message + payload
                if first & 0x80:
                    return opcode, message

    def control(self, type: str) -> dict[str, Any]:
        """The next message, which is a control message of this type."""
        opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        message: dict[str, Any] = json.loads(payload)
        assert message["type"] == type, message
        return message

    def closed(self) -> tuple[int, str]:
        """The next message, which is a close: code and reason."""
        opcode, payload = self.receive()
        assert opcode == CLOSE, (opcode, payload)
        return int.from_bytes(payload[:2]), payload[2:].decode("ascii")

    def keepalive(self, seconds: int = 50) -> int:
        """Ask for an interval; the one in force, which comes next, so nothing else was waiting."""
        self.say({"type": "keepalive", "ping_seconds": seconds})
        answer = self.control("keepalive")
        assert answer.keys() == {"type", "ping_seconds"}
        return int(answer["ping_seconds"])
