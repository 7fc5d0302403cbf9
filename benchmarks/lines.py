"""WebSocket connections to a server, opened one after another in Python."""

import socket
import struct
from dataclasses import dataclass
from typing import Any

from OpenSSL import SSL

from tests.frames import Frame, client_frame

TIMEOUT = struct.pack("ll", 10, 0)
"""Seconds and microseconds, for a socket that blocks: OpenSSL has no use for Python's timeouts."""
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: relay.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
)
_MORE_SIZE = {126: 2, 127: 8}
"""Bytes of a longer size, by what stands where a short one would (RFC 6455, section 5.2)."""


class Refused(Exception):
    """A server that did not let a device in, or did not pass on what it was given."""


class Line:
    """One open connection; reads no byte further than it is asked to."""

    def __init__(
        self, connection: socket.socket, tls: SSL.Connection | None, forwarded: str
    ) -> None:
        self.socket = connection
        self._forwarded = forwarded
        self.tls = tls
        self._stream: Any = tls or connection

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one message."""
        self.write(client_frame(opcode, payload))

    def write(self, frame: bytes) -> None:
        """Send one frame."""
        self._stream.sendall(frame)

    def receive(self) -> Frame:
        """Take the next frame. What follows it stays in the socket, for the generator."""
        read = self._exactly(2)
        read += self._exactly(_MORE_SIZE.get(read[1], 0))
        size = int.from_bytes(read[2:], "big") if read[2:] else read[1]
        opcode, fin = read[0] & 0x0F, bool(read[0] & 0x80)
        return Frame(opcode, fin, self._exactly(size))

    def ask(self, path: str, headers: str) -> None:
        """Ask for an upgrade."""
        self._stream.sendall(UPGRADE.format(path=path, headers=headers + self._forwarded).encode())

    def upgraded(self) -> None:
        """Take the answer to that, and be a WebSocket."""
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._some(1)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise Refused(answer.splitlines()[0].decode())

    def close(self) -> None:
        """Hang up without a word."""
        self.socket.close()

    def _exactly(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            read += self._some(size - len(read))
        return read

    def _some(self, size: int) -> bytes:
        # Servers that leave Nagle's algorithm on would wait 40 ms for a delayed acknowledgement.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        try:
            read: bytes = self._stream.recv(size)
        except (OSError, SSL.Error) as error:
            raise Refused(f"the server fell silent: {error!r}") from error
        if not read:
            raise Refused("the server hung up")
        return read


@dataclass(frozen=True)
class Dial:
    """Where a server is, and whether it speaks TLS; `address` is the client address that all
    connections report as a proxy."""

    port: int
    tls: SSL.Context | None
    address: str = ""

    def open(self, path: str = "/", headers: str = "") -> Line:
        """A new connection, upgraded."""
        line = self.connect()
        line.ask(path, headers)
        line.upgraded()
        return line

    def connect(self) -> Line:
        """A new connection."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, TIMEOUT)
        secured = None
        if self.tls:
            secured = SSL.Connection(self.tls, connection)
            secured.set_connect_state()
            secured.do_handshake()
        return Line(
            connection, secured, f"X-Forwarded-For: {self.address}\r\n" * bool(self.address)
        )


def client_context() -> SSL.Context:
    """TLS as devices use it. The certificate is not verified: the client's work is not measured."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    return context
