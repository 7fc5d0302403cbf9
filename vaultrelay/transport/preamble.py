"""Preamble: what precedes HTTP on a connection, as a list of stages.

A stage takes bytes until it is done: the header of the PROXY protocol, a TLS handshake. What
follows its end in the same read is the next stage's, or the protocol's.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.interfaces import IAddress


class StageFailed(Exception):
    """The connection has to end before its request. `answer` is sent first, as it is."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__()
        self.answer = answer


class OpeningStream(Protocol):
    """A stream, as its stages know it. `peer` is the client's address, once a proxy named it."""

    protocol: Any
    peer: IAddress | None

    def getPeer(self) -> IAddress:
        """The address of the client, or of the proxy."""

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""


class Stage(Protocol):
    """One step of a preamble; an object of its own for each connection."""

    def feed(self, stream: Any, data: bytes) -> bytes | None:
        """Take the next bytes. Returns what follows the stage once it is done, None before.

        Raises StageFailed if the connection has to end.
        """

    def lost(self, stream: Any, is_orderly: bool) -> None:
        """The connection ended before the stage did; `is_orderly`: the peer closed it."""


class PreambleListener(protocol.Protocol):
    """A protocol that takes part in what precedes its first byte; by default it lets all pass."""

    def handshake_began(self) -> None:
        """The client has begun a TLS handshake."""

    def preamble_failed(self, slug: str) -> None:
        """The connection ends before there is a request, for this reason."""

    def client_known(self, address: IAddress | None) -> bool:
        """A proxy named the client's address, or None: unknown. Returns whether it may stay."""
        return True

    def proxy_header_missing(self, address: IAddress) -> bool:
        """The proxy at this address sent no header. Returns whether to answer the request."""
        return False

    def haproxy_connected(self, begun: bytes) -> bool:
        """HAProxy itself connects as a peer; `begun` is its hello so far.

        Returns whether it may stay.
        """
        return False


_INDIFFERENT = PreambleListener()


def preamble_listener(of: object) -> PreambleListener:
    """Returns the protocol if it listens to its preamble, else a listener that lets all pass."""
    return of if isinstance(of, PreambleListener) else _INDIFFERENT


class Preamble:
    """The stages of one connection, the first of which is at work."""

    __slots__ = ("_stages",)

    def __init__(self, stages: Iterable[Stage]) -> None:
        self._stages = list(stages)

    @property
    def is_over(self) -> bool:
        """Whether all stages are done."""
        return not self._stages

    def feed(self, stream: OpeningStream, data: bytes) -> bytes:
        """Take the next bytes; returns what follows the last stage, if anything does.

        Raises StageFailed if the connection has to end.
        """
        while self._stages and data:
            rest = self._stages[0].feed(stream, data)
            if rest is None:
                return b""
            self._stages.pop(0)
            data = rest
        return data

    def lost(self, stream: OpeningStream, is_orderly: bool) -> None:
        """The connection ended before all stages were done; `is_orderly`: the peer closed it."""
        if self._stages:
            self._stages[0].lost(stream, is_orderly)
