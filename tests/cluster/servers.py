"""Admin endpoints for tests: each connection gets the same bytes."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaultrelay.cluster.status_json import NodeStatus


def page(status: NodeStatus) -> bytes:
    """A relay's answer."""
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + status.encode()


@contextmanager
def serving(
    answer: bytes | None,
    path: Path | None = None,
    tls: ssl.SSLContext | None = None,
    drip_seconds: float = 0,
) -> Iterator[tuple[str, list[bytes]]]:
    """The URL of a server that answers so, with None never; and the requests that it got.

    `drip_seconds`: between two bytes.
    """
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listener.bind(str(path) if path else ("127.0.0.1", 0))
    listener.listen()
    got: list[bytes] = []

    def run() -> None:
        with suppress(OSError):
            while True:
                peer = listener.accept()[0]
                with peer, suppress(ConnectionError, ssl.SSLError):
                    if tls is not None:
                        tls.wrap_socket(peer, server_side=True)
                    got.append(peer.recv(4096))
                    _send(peer, answer, drip_seconds)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    url = f"unix:{path}" if path else f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield url, got
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _send(peer: socket.socket, answer: bytes | None, drip_seconds: float) -> None:
    if answer is None:
        peer.recv(1)
    elif drip_seconds:
        for place in range(len(answer)):
            peer.sendall(answer[place : place + 1])
            time.sleep(drip_seconds)
    else:
        peer.sendall(answer)
