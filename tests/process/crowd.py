"""A crowd of plain connections to a relay process, each a few steps from being a device."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.memory import UPGRADE
from tests.process.processes import WAIT_SECONDS

HEAD = "\r\n".join(
    ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]
).encode()
HEALTH = b"GET /health HTTP/1.1\r\nHost: relay.test\r\n\r\n"


def dial(port: int, context: ssl.SSLContext | None = None) -> socket.socket:
    """A connection, with TLS if there is a context."""
    end = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
    return end if context is None else context.wrap_socket(end, server_hostname="localhost")


@contextmanager
def crowd(
    port: int, number: int, context: ssl.SSLContext | None = None
) -> Iterator[list[socket.socket]]:
    """So many connections, closed at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(dial(port, context)) for _ in range(number)]


def everything(end: socket.socket) -> bytes:
    """What comes until the other end closes or breaks the connection."""
    heard = b""
    try:
        while data := end.recv(65536):
            heard += data
    except (ConnectionError, ssl.SSLError):
        pass
    return heard


def ask(port: int, head: bytes = HEALTH, context: ssl.SSLContext | None = None) -> bytes:
    """The answer to a request; nothing where the connection was closed at once."""
    try:
        with dial(port, context) as end:
            end.sendall(head)
            return everything(end)
    except (ConnectionError, ssl.SSLError):
        return b""
