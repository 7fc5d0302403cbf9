"""Preamble: what precedes HTTP on a connection, as stages of which the first consumes the bytes.

A stage consumes bytes until it is done: the header of the PROXY protocol, a TLS handshake. The
rest of the same read goes to the next stage, or to the protocol.
"""

from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.interfaces import IAddress


class StageFailed(Exception):
    """The connection has to end before its request. `answer` is sent first, unchanged."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__()
        self.answer = answer


class OpeningStream(Protocol):
    """A stream as its stages use it. `peer` is the client's address from a PROXY header."""

    protocol: Any
    peer: IAddress | None

    def getPeer(self) -> IAddress:
        """Return the address of the client, or of the proxy."""

    def send_raw(self, data: bytes) -> None:
        """Send bytes without TLS."""


class Stage(Protocol):
    """One stage of the preamble of one connection."""

    def feed(self, stream: Any, data: bytes) -> bytes | None:
        """Consume the next bytes. Return the bytes after the stage once it is done, None before.

        Raises StageFailed if the connection has to end.
        """

    def lost(self, stream: Any, is_orderly: bool) -> None:
        """Handle the end of the connection in the stage; `is_orderly`: the peer closed it."""


class PreambleListener(protocol.Protocol):
    """A protocol with events of the preamble, before its first byte; by default it ignores them."""

    def handshake_began(self) -> None:
        """Note that the client has begun a TLS handshake."""

    def preamble_failed(self, slug: str) -> None:
        """Note that the connection ends before its request, and the slug of the reason."""

    def client_known(self, address: IAddress | None) -> bool:
        """Take the client's address, None if unknown. Return whether the connection may stay."""
        return True

    def proxy_header_missing(self, address: IAddress) -> bool:
        """Note that the proxy at this address sent no header. Return whether to answer."""
        return False

    def haproxy_connected(self, begun: bytes) -> bool:
        """Serve HAProxy itself as a peer; `begun` is its hello so far.

        Return whether the connection may stay.
        """
        return False


_IGNORING = PreambleListener()


def preamble_listener(of: object) -> PreambleListener:
    """Return the protocol if it is a PreambleListener, else a listener that ignores all events."""
    return of if isinstance(of, PreambleListener) else _IGNORING
