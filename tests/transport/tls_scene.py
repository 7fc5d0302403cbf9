"""A TLS connection of the relay's, its protocol, and a client at the other end."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost

from tests.transport.tls_client import Client, lenient_context
from tests.transport.turns import Recorder, WatchingHub, is_closed, pair_of_sockets
from vaultrelay.transport.preamble import PreambleListener
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.shared_bio import INCOMING, OUTGOING
from vaultrelay.transport.stream_state import State
from vaultrelay.transport.tls_stream import TlsStream

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
RECORD = 16 * 1024
MUCH = bytes(range(256)) * 4096 * 8
"""8 MiB: more than the buffers of a connection hold."""


def assert_shared_buffers_are_empty() -> None:
    """Else the next connection would take what is another's, and an end would be one of all."""
    assert (INCOMING.pending, OUTGOING.pending) == (0, 0)
    assert not INCOMING.eof
    assert not OUTGOING.eof


class Strict(Recorder):
    """Holds the stream to its rule: the shared buffers are empty whenever it is called."""

    def dataReceived(self, data: bytes) -> None:
        assert_shared_buffers_are_empty()
        super().dataReceived(data)

    def connectionLost(self, reason: Any = None) -> None:
        assert_shared_buffers_are_empty()
        super().connectionLost(reason)

    def pauseProducing(self) -> None:
        assert_shared_buffers_are_empty()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        assert_shared_buffers_are_empty()
        super().resumeProducing()

    def stopProducing(self) -> None:
        assert_shared_buffers_are_empty()
        super().stopProducing()


class Counting(Strict, PreambleListener):
    """Gets the events of a handshake, as the dispatcher does."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.failures: list[str] = []

    def handshake_began(self) -> None:
        assert_shared_buffers_are_empty()
        self.begun += 1

    def preamble_failed(self, slug: str) -> None:
        assert_shared_buffers_are_empty()
        self.failures.append(slug)


class Scene:
    """A connection before its handshake."""

    def __init__(
        self,
        hub: WatchingHub,
        tls: ServerTls,
        version: ssl.TLSVersion | None = None,
        protocol: Recorder | None = None,
        is_tcp: bool = False,
        kind: type[TlsStream] = TlsStream,
        **client: Any,
    ) -> None:
        wire, ours = pair_of_sockets(is_tcp)
        self.hub = hub
        self.reactor = hub.turns
        self.protocol: Any = protocol or Strict()
        self.descriptor = ours.fileno()
        self.stream: Any = kind(hub, ours, "", self.protocol, tls)
        self.protocol.makeConnection(self.stream)
        client.setdefault("context", lenient_context(version))
        self.client = Client(wire, **client)

    def until(self, done: Callable[[], object]) -> None:
        self.reactor.turn_until(done, self.client.step)

    def shake(self) -> "Scene":
        """Have the handshake done at both ends, and all that follows it."""
        self.until(lambda: self.client.is_shaken and self.is_shaken)
        self.settle()
        return self

    def until_heard(self, data: bytes) -> None:
        self.until(lambda: self.protocol.heard == data)
        self.settle()

    def until_lost(self) -> None:
        """Turn until the connection is lost, and for what comes after it."""
        self.reactor.turn_until(lambda: self.protocol.lost, lambda: None)
        self.reactor.turn()

    def settle(self) -> None:
        self.reactor.settle(self.client.step)

    @property
    def is_shaken(self) -> bool:
        return self.stream._state is not State.OPENING

    @property
    def events(self) -> int:
        """For which the hub watches it."""
        return self.hub.events.get(self.descriptor, 0)

    def close(self) -> None:
        """Close both ends, if they are open."""
        self.client.wire.close()
        self.stream.abortConnection()
        self.reactor.turn()

    def assert_gone(self, *reasons: type) -> None:
        """The connection is lost, once, and nothing is left of it."""
        assert len(self.protocol.lost) == 1
        assert self.protocol.lost[0] in (reasons or (ConnectionDone, ConnectionLost))
        assert self.events == 0
        assert self.stream.descriptor == -1
        assert self.stream._tls is None
        assert is_closed(self.descriptor)


Make = Callable[..., Scene]


def fill(sock: socket.socket) -> int:
    """Send until the kernel takes nothing more; how much it took."""
    size = 0
    with suppress(BlockingIOError):
        while True:
            size += sock.send(bytes(1 << 16))
    return size
