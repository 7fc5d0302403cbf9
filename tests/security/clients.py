"""Clients of a running relay that block, and come from any address that they like."""

import json
import secrets
import socket
from functools import cache
from http import HTTPStatus
from typing import Any

from tests.frames import CLOSE, TEXT, client_frame, take_server_frame
from tests.memory import UPGRADE
from tests.process.processes import WAIT_SECONDS
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of, join_body, sign_join

BEHIND_PROXY = ("--listen", "haproxy:tcp:0:interface=127.0.0.1")
"""Options of a relay that takes the word of a client for its address, as for a proxy."""
AUDIENCE = "relay.test"


@cache
def seed_of(vault: int) -> bytes:
    """The seed of a vault's channel."""
    return vault.to_bytes(32, "big")


@cache
def channel_of_vault(vault: int) -> bytes:
    """The address of a vault's channel."""
    return channel_of(seed_of(vault))


class Client:
    """One connection. `source` is its address on the loopback, `proxied` the one that a proxy would
    tell: for relays with BEHIND_PROXY."""

    def __init__(self, port: int, source: str = "127.0.0.1", proxied: str = "") -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", port), WAIT_SECONDS, source_address=(source, 0)
        )
        self._heard = b""
        if proxied:
            family, to = ("TCP6", "::1") if ":" in proxied else ("TCP4", "127.0.0.1")
            self._send(f"PROXY {family} {proxied} {to} 50000 80\r\n".encode())

    def upgrade(self, vault: int | None) -> int:
        """Ask for a WebSocket, naming the channel of a vault if any; the status of the answer, or 0
        where the connection was cut off."""
        fields = dict(UPGRADE)
        if vault is not None:
            fields["X-VaultMesh-Channel"] = base64url.encode(channel_of_vault(vault))
        lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        try:
            self._send("\r\n".join(lines).encode())
            while b"\r\n\r\n" not in self._heard:
                self._hear()
        except ConnectionError:
            return 0
        head, _, self._heard = self._heard.partition(b"\r\n\r\n")
        return int(head.split()[1])

    def join(self, vault: int, tag: int) -> str:
        """Answer the challenge: "welcome", or how the relay closed."""
        challenge = self.control()
        nonce, device = secrets.token_bytes(16), tag.to_bytes(8, "big")
        channel, relay_nonce = channel_of_vault(vault), base64url.decode(challenge["nonce"], 32)
        body = join_body(relay_nonce, nonce, channel, device, AUDIENCE)
        hello = {
            "type": "hello",
            "channel": base64url.encode(channel),
            "device": base64url.encode(device),
            "nonce": base64url.encode(nonce),
            "audience": AUDIENCE,
            "proof": base64url.encode(sign_join(seed_of(vault), body)),
            "client": "test/1",
        }
        self._send(client_frame(TEXT, json.dumps(hello).encode()))
        return str(self.control()["type"])

    def control(self) -> dict[str, Any]:
        """The next control message; a close is one of the type "4000 restart"."""
        while (taken := take_server_frame(self._heard)) is None:
            self._hear()
        frame, self._heard = taken
        if frame.opcode == CLOSE:
            return {"type": f"{int.from_bytes(frame.payload[:2])} {frame.payload[2:].decode()}"}
        assert frame.opcode == TEXT
        told: dict[str, Any] = json.loads(frame.payload)
        return told

    def is_closed(self) -> bool:
        """Whether the relay has closed, as far as it was heard by now."""
        self._socket.settimeout(0.0)
        try:
            while True:
                self._hear()
        except BlockingIOError:
            pass
        except ConnectionError:
            return True
        self._socket.settimeout(WAIT_SECONDS)
        rest = self._heard
        while (taken := take_server_frame(rest)) is not None:
            frame, rest = taken
            if frame.opcode == CLOSE:
                return True
        return False

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def _hear(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError
        self._heard += data


class Crowd:
    """The clients of one relay, closed at the end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clients: list[Client] = []

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def dial(self, source: str = "127.0.0.1", proxied: str = "") -> Client:
        """One more, which has said nothing."""
        client = Client(self._port, source, proxied)
        self._clients.append(client)
        return client

    def join(self, vault: int, tag: int, source: str = "127.0.0.1", proxied: str = "") -> str:
        """What a device gets that connects and joins: "welcome", a status, or how it was closed."""
        client = self.dial(source, proxied)
        status = client.upgrade(vault)
        return client.join(vault, tag) if status == HTTPStatus.SWITCHING_PROTOCOLS else str(status)
