"""A hostile relay: speaks the protocol up to a point, and then wants the memory of its client."""

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

from tests.frames import BINARY, CONTINUATION, PING, TEXT, client_frame
from vaultrelay.wire.announced import MESSAGE_BYTES
from vaultrelay.wire.data import pack_data

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LIMITS = {
    "message_bytes": 1048576,
    "messages_per_second": None,
    "bytes_per_second": None,
    "channel_devices": 64,
}
SENT_BYTES = 1 << 30
"""The most that one connection of an attack sends."""

Attack = Callable[[socket.socket, bytes], None]
"""What is sent to a connection whose request head this is."""


def frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return client_frame(opcode, payload, fin=fin, masked=False)


def text(type: str, **fields: object) -> bytes:
    return frame(TEXT, json.dumps({"type": type, **fields}).encode())


def upgrade(peer: socket.socket, head: bytes) -> None:
    found = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
    if found is None:
        peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        raise ConnectionAbortedError
    accept = base64.b64encode(hashlib.sha1(found[1] + _GUID, usedforsecurity=False).digest())
    peer.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"X-VaultMesh-Protocol: 3\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    nonce = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    peer.sendall(text("challenge", protocol=3, nonce=nonce, relay="1"))


def welcome(peer: socket.socket, head: bytes, **limits: object) -> None:
    upgrade(peer, head)
    peer.recv(65536)
    peer.sendall(
        text(
            "welcome",
            session=1,
            peers=[],
            limits=_LIMITS | limits,
            ping_seconds=50,
            session_ttl=3600,
        )
    )


def flood(peer: socket.socket, piece: bytes) -> None:
    """Send the same again and again, up to a bound, and read nothing."""
    for _ in range(SENT_BYTES // len(piece)):
        peer.sendall(piece)


def huge_messages(peer: socket.socket, head: bytes) -> None:
    welcome(peer, head, message_bytes=3_000_000_000)
    peer.recv(65536)


def huge_message_comes(peer: socket.socket, head: bytes) -> None:
    welcome(peer, head, message_bytes=MESSAGE_BYTES[1])
    flood(peer, frame(BINARY, pack_data(1, 2, 3, bytes(MESSAGE_BYTES[1] - 16))))


def messages(peer: socket.socket, head: bytes) -> None:
    welcome(peer, head)
    flood(peer, frame(BINARY, pack_data(1, 2, 3, bytes(65536))) * 16)


def peers(peer: socket.socket, head: bytes) -> None:
    welcome(peer, head)
    for number in count(2):
        peer.sendall(text("joined", session=number, device="AAECAwQFBgc"))


def fragments(peer: socket.socket, head: bytes) -> None:
    welcome(peer, head)
    peer.sendall(frame(BINARY, b"", fin=False))
    flood(peer, frame(CONTINUATION, b"", fin=False) * 32768)


def pings(peer: socket.socket, head: bytes) -> None:
    welcome(peer, head)
    flood(peer, frame(PING, bytes(125)) * 512)


def before_welcome(peer: socket.socket, head: bytes) -> None:
    upgrade(peer, head)
    flood(peer, text("joined", session=9, device="AAECAwQFBgc") * 1024)


def endless_head(peer: socket.socket, head: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    flood(peer, b"X-Header: value\r\n" * 4096)


def endless_body(peer: socket.socket, head: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    flood(peer, b"10000\r\n" + b"[" * 65536 + b"\r\n")


def endless_continue(peer: socket.socket, head: bytes) -> None:
    flood(peer, b"HTTP/1.1 100 Continue\r\n\r\n" * 4096)


def redirect(peer: socket.socket, head: bytes) -> None:
    peer.sendall(b"HTTP/1.1 301 Moved\r\nLocation: http://x/" + b"y" * 12_000 + b"\r\n\r\n")


@contextmanager
def hostile(attack: Attack) -> Iterator[int]:
    """Does this to every connection; the port of it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(60)
            attack(peer, peer.recv(65536))

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
