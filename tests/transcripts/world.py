"""What a scenario plays in: one relay, its connections, and the transcript that grows."""

import hashlib
import json
import re
import socket
import ssl
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from tests.frames import BINARY, TEXT, mask
from tests.transcripts.stream import WAIT_SECONDS, Stream
from vaultrelay.wire.proof import join_body, sign_join

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "vectors.json").read_text("utf-8")
)
LINE_1 = b"PROXY TCP4 198.51.100.7 192.0.2.1 5000 443\r\n"
HOST = "localhost"
EVERYONE = 0xFFFFFFFF
_KEY = b"\x37\xfa\x21\x3d"
"""A masking key that is the same in each run."""


def base64url(raw: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0) -> bytes:
    """A client's frame (RFC 6455, section 5.2)."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + _KEY + mask(payload, _KEY)


def data(sender: int, id: int, payload: bytes, to: int = EVERYONE) -> bytes:
    """A data message in its frame."""
    return frame(BINARY, struct.pack(">BBHIII", 0x10, 0, 0, to, sender, id) + payload)


def say(**fields: Any) -> bytes:
    """A control message in its frame."""
    return frame(TEXT, json.dumps(fields, separators=(",", ":")).encode())


@dataclass(frozen=True)
class Vault:
    """A channel, made from the name of its scenario so that no two share one."""

    seed: bytes

    @classmethod
    def of(cls, name: str) -> "Vault":
        return cls(hashlib.sha256(name.encode()).digest())

    @property
    def channel(self) -> bytes:
        return bytes(SigningKey(self.seed).verify_key)

    def head(self, *more: str) -> bytes:
        """The request of an app."""
        lines = (
            "GET / HTTP/1.1",
            f"Host: {HOST}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "X-VaultMesh-Protocol: 3",
            f"X-VaultMesh-Channel: {base64url(self.channel)}",
            *more,
            "",
            "",
        )
        return "\r\n".join(lines).encode()

    def hello(self, challenge: str, tag: int) -> bytes:
        """The frame that answers a challenge."""
        relay_nonce = urlsafe_b64decode(json.loads(challenge)["nonce"] + "=")
        nonce, device = bytes(16), bytes([tag]) * 8
        body = join_body(relay_nonce, nonce, self.channel, device, HOST)
        return say(
            type="hello",
            channel=base64url(self.channel),
            device=base64url(device),
            nonce=base64url(nonce),
            audience=HOST,
            proof=base64url(sign_join(self.seed, body)),
        )


@dataclass
class World:
    """One scenario under way.

    `line` is the PROXY header that comes first where the relay expects one. `recorded` is what to
    wait for; None while recording.
    """

    name: str
    dial: Callable[[], socket.socket]
    tls: ssl.SSLContext | None = None
    line: bytes = b""
    recorded: list[str] | None = None
    events: list[str] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    server: Any = None
    uncounted: tuple[str, ...] = ()
    """Counters that are left out, since timing decides on them."""

    @property
    def process(self) -> Any:
        """The relay's process."""
        return self.server.process

    @property
    def vault(self) -> Vault:
        return Vault.of(self.name)

    def connect(self, line: bytes | None = None, cut: int = 0, tls_cut: int = 0) -> Stream:
        """A new connection: the line is sent below TLS, then TLS begins where there is TLS."""
        stream = self.dialled()
        stream.send_raw(self.line if line is None else line, cut)
        if self.tls is not None:
            stream.handshake(tls_cut)
        return stream

    def dialled(self, tls: ssl.SSLContext | None = None, **more: Any) -> Stream:
        """A new connection on which nothing was sent, with another context of TLS if need be."""
        stream = Stream(self.dial(), tls or self.tls, **more)
        stream.while_blocked = self._receive_all
        self.streams.append(stream)
        return stream

    def read(self, stream: Stream) -> str:
        """What came on a connection, which becomes the next event."""
        index = self.streams.index(stream)
        prefix = f"{index}: "
        expected = None
        if self.recorded is not None:
            there = len(self.events) < len(self.recorded)
            expected = self.recorded[len(self.events)].removeprefix(prefix) if there else None
        text = stream.read(expected)
        self.events.append(prefix + text)
        return text

    def note(self, text: str) -> None:
        """An event of another kind."""
        self.events.append(text)

    def note_end(self, stream: Stream) -> None:
        """Whether something came, and that it ended; FIN or RST is up to the kernel's timing."""
        text = stream.read(None)
        came = "something came" if text and not text.startswith("<") else "nothing came"
        self.note(came + (", and it ended" if stream.end else ""))

    def note_first_line(self, stream: Stream) -> None:
        """The first line of what came, and whether it ended."""
        first = stream.data.partition(b"\r\n")[0].decode("latin-1")
        stream.data = b""
        self.note((first or "nothing came") + (", and it ended" if stream.end else ""))

    def note_outcomes(self, outcomes: Iterable[str]) -> None:
        """What came of many that should not differ."""
        self.note("all: " + " | ".join(sorted(set(outcomes))))

    def upgrade(self, cut: int = 0) -> Stream:
        """A connection that was upgraded; its challenge is kept for `join`."""
        stream = self.connect()
        stream.send(self.vault.head(), cut)
        return stream

    def pair(self) -> tuple[Stream, Stream]:
        """Two devices of the channel."""
        first, second = self.join(1), self.join(2)
        self.read(first)
        return first, second

    def join(self, tag: int) -> Stream:
        """A device in the channel, up to its welcome."""
        stream = self.upgrade()
        stream.send(self.vault.hello(self.challenge(stream), tag))
        self.read(stream)
        return stream

    def quiet_join(self, tag: int, channel: str = "") -> Stream | None:
        """A device in a channel that is perhaps its own, without an event; None if not let in."""
        vault, stream = Vault.of(self.name + channel), self.connect()
        stream.send(vault.head())
        if not stream.receive_until(b'"challenge"'):
            return None
        stream.send(vault.hello(self.challenge(stream), tag))
        if not stream.receive_until(b'"welcome"'):
            return None
        stream.data = b""
        return stream

    def challenge(self, stream: Stream) -> str:
        """The challenge, which is not an event: its nonce has to be kept."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until and not stream.end:
            found = re.search(rb'\{"type":"challenge".*?\}', stream.data)
            if found:
                stream.data = b""
                return found[0].decode()
            stream.receive(0.5)
        raise AssertionError(f"{self.name}: no challenge, but {stream.data!r} {stream.end}")

    def _receive_all(self) -> None:
        """Read everywhere: a sender waits for its receivers."""
        for stream in self.streams:
            if not stream.end and not stream.is_asleep:
                stream.receive(0)

    def close(self) -> None:
        """Hang up all connections."""
        for stream in self.streams:
            stream.close()


Play = Callable[[World], None]
"""What a scenario does in its world."""
