"""A device on a plain socket, that sees every frame; and as a program, for another namespace.

    python -m tests.obstacles.device HOST PORT TAG

says ``joined``, then each event that comes, a line each, and answers pings as it lives.
"""

import json
import socket
import ssl
import sys
from collections.abc import Mapping
from typing import Any

from tests.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, client_frame, take_server_frame
from tests.process.devices import hello
from vaultrelay.wire.data import EVERYONE, HEADER_BYTES, pack_data

SEED = bytes(32)
PATIENCE_SECONDS = 70
"""Longer than any deadline of the relay that is waited for here."""
_REQUEST = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "X-VaultMesh-Protocol: 3\r\n"
)


class Refused(Exception):
    """The head of an answer that is no 101."""


class Gone(Exception):
    """TCP ended; the close code where there was one."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Device:
    """Joined from the start; `events` come in order, pings are answered and counted."""

    def __init__(
        self,
        port: int,
        tag: bytes,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        seed: bytes = SEED,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.pings = 0
        self._data = b""
        self._code = 1006
        plain = socket.create_connection((host, port), PATIENCE_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._socket.sendall(f"{_REQUEST}{more}\r\n".encode())
        while b"\r\n\r\n" not in self._data:
            self._read()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            self.close()
            raise Refused(head.decode("latin-1"))
        self.say(**hello(self.control("challenge"), seed, tag))
        self.welcome = self.control("welcome")
        self.session: int = self.welcome["session"]

    def say(self, **control: Any) -> None:
        self._socket.sendall(client_frame(TEXT, json.dumps(control).encode()))

    def data(self, payload: bytes, id: int = 1, to: int = EVERYONE) -> None:
        message = pack_data(to, self.session, id, payload)
        self._socket.sendall(client_frame(BINARY, message))

    def event(self) -> dict[str, Any] | bytes:
        """The next control message or data message; Gone at the end."""
        while True:
            frame = self._frame()
            if frame.opcode == TEXT:
                told: dict[str, Any] = json.loads(frame.payload)
                return told
            if frame.opcode == BINARY:
                return frame.payload
            if frame.opcode == PING:
                self.pings += 1
                self._socket.sendall(client_frame(PONG, frame.payload))
            if frame.opcode == CLOSE:
                self._code = int.from_bytes(frame.payload[:2], "big")

    def control(self, type: str) -> dict[str, Any]:
        """The next control message of a type; what comes before it is dropped."""
        while True:
            told = self.event()
            if isinstance(told, dict) and told["type"] == type:
                return told

    def payload(self) -> bytes:
        """The payload of the next data message."""
        while isinstance(event := self.event(), dict):
            pass
        return event[HEADER_BYTES:]

    def wait_for_pings(self, count: int) -> None:
        """Hear and answer so many more."""
        for _ in range(count):
            while (frame := self._frame()).opcode != PING:
                pass
            self._socket.sendall(client_frame(PONG, frame.payload))

    def close(self) -> None:
        self._socket.close()

    def _frame(self) -> Frame:
        while (taken := take_server_frame(self._data)) is None:
            self._read()
        frame, self._data = taken
        return frame

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            raise Gone(self._code)
        self._data += data


def main() -> None:
    """Stay, and tell what comes."""
    device = Device(int(sys.argv[2]), sys.argv[3].encode(), sys.argv[1])
    device.say(type="keepalive", ping_seconds=20)
    device.control("keepalive")
    print("joined", flush=True)
    while True:
        event = device.event()
        told = event if isinstance(event, dict) else len(event)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
