"""The front door: reads one request head, bounded in size and time, and hands the connection on.

What stands behind it is a `Route`. A lasting connection takes the door's place at its transport.
Where something stands between door and transport, the door stays and passes on what it hears.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vaultrelay.logs import log
from vaultrelay.policy.limits import (
    CLOSE_SECONDS,
    HEAD_BYTES,
    HEAD_SECONDS,
    TOO_MANY_SECONDS,
)
from vaultrelay.transport.haproxy_peers import Announcer, HAProxyPeer
from vaultrelay.transport.visitors import Visitor, Visitors
from vaultrelay.transport.waiting import Waiting
from vaultrelay.wire.refusal import Refusal, bad_request, head_too_large, request_timeout
from vaultrelay.wire.request import HEAD_END, Request, read_request


@dataclass(frozen=True)
class Handover:
    """Who serves a request: a protocol, and the request head in the form that it will read, if any.

    `lasting` connections outlive the deadline of the request; others must be done by then.
    """

    protocol: IProtocol
    head: bytes
    lasting: bool


Route = Callable[[Request, Visitor], Handover]
"""Finds who serves a request; raises Refusal when nobody does."""


class FrontDoor(Protocol):
    """One connection until its request is read."""

    transport: Any
    _next: IProtocol | None = None
    _answered = False
    _is_behind_proxy = False

    def __init__(self, factory: "FrontDoorFactory", visitor: Visitor) -> None:
        self._factory = factory
        self._clock = factory.clock
        self._visitor = visitor
        self._head = b""
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self._factory.waiting.enter(self)
        self._deadline = self._clock.callLater(HEAD_SECONDS, self._too_late)

    def peerKnown(self, address: IAddress | None) -> bool:
        """Whether the connection may stay. Called by a transport that had to find out the address.

        None is an address that is not to be known.
        """
        self._is_behind_proxy = True
        self._visitor = visitor = self._factory.visitors.arrived(address)
        visitor.is_told = address is not None
        if not visitor.is_too_many:
            return True
        if ISSLTransport.providedBy(self.transport):
            return False
        # A proxy that is cut off tries the next relay, where the device would find no peers. One
        # for HTTP has the request already, and hears why.
        self._cancel_deadline()
        self._deadline = self._clock.callLater(TOO_MANY_SECONDS, self._abort)
        return True

    def haproxyConnected(self, begun: bytes) -> bool:
        """Whether HAProxy may connect as a peer. Called by a transport that read such a hello."""
        announcer = self._factory.announcer
        if announcer is None:
            return False
        self._factory.waiting.leave(self)
        self._cancel_deadline()
        self._factory.visitors.left(self._visitor)
        self.transport.protocol = peer = HAProxyPeer(announcer)
        peer.makeConnection(self.transport)
        peer.dataReceived(begun)
        return True

    def dataReceived(self, data: bytes) -> None:
        if self._next is not None:
            self._next.dataReceived(data)
            return
        if self._answered:
            return
        if not self._head:
            self._factory.waiting.speak(self)
        # Only what is new is searched, so that a dripping head costs its length and not its square.
        searched = max(0, len(self._head) - len(HEAD_END) + 1)
        self._head += data
        end = self._head.find(HEAD_END, searched)
        try:
            if not self._head[:1].isalpha():
                self._count("no_http")
                raise bad_request(
                    "This is not HTTP. If the URL says wss: this port speaks ws, without TLS."
                )
            end += len(HEAD_END)
            whole = end >= len(HEAD_END)
            if (end if whole else len(self._head)) > HEAD_BYTES:
                self._count("head_too_large")
                raise head_too_large(HEAD_BYTES)
            if not whole:
                return
            self._serve(self._head[:end], self._head[end:])
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception:
            log.failure("A request could not be served")
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._factory.waiting.leave(self)
        self._cancel_deadline()
        self._factory.visitors.left(self._visitor)
        if self._next is not None:
            self._next.connectionLost(reason)

    def handshake_began(self) -> None:
        """The transport has read something that comes before the request."""
        self._factory.waiting.speak(self)

    def handshake_failed(self, slug: str) -> None:
        """The transport gives up before there is a request: why, in a word of ours."""
        self._count(slug)

    def give_up(self) -> None:
        """Make room: see Waiting."""
        self._count("crowded_out")
        self._abort()

    def _serve(self, head: bytes, rest: bytes) -> None:
        try:
            request = read_request(head)
        except Refusal as refusal:
            self._count(refusal.error)
            raise
        is_plain = not (self._is_behind_proxy or ISSLTransport.providedBy(self.transport))
        self._factory.visitors.asked(self._visitor, request, is_plain)
        handover = self._factory.route(request, self._visitor)
        if handover.lasting:
            self._factory.waiting.leave(self)
            self._cancel_deadline()
        self._head = b""
        self._next = following = handover.protocol
        if handover.lasting and getattr(self.transport, "protocol", None) is self:
            self.transport.protocol = following
        try:
            following.makeConnection(self.transport)
        finally:
            if handover.lasting:
                self._factory.visitors.left(self._visitor)
        # One request on a connection: a page's client has nothing more to say.
        first = handover.head + rest if handover.lasting else handover.head
        if first:
            following.dataReceived(first)

    def _count(self, slug: str) -> None:
        self._factory.refused[slug] += 1

    def _refuse(self, refusal: Refusal) -> None:
        self._answered = True
        to_head = self._head.startswith(b"HEAD ")
        self._head = b""
        self._cancel_deadline()
        self._deadline = self._clock.callLater(CLOSE_SECONDS, self._abort)
        self.transport.write(refusal.response(to_head))
        self.transport.loseConnection()

    def _too_late(self) -> None:
        self._deadline = None
        if self._next is None and self._head:
            self._count("request_timeout")
            self._refuse(request_timeout())
            return
        if self._next is None and not self._answered:
            self._count("silent")
        self._abort()

    def _abort(self) -> None:
        self.transport.abortConnection()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class FrontDoorFactory(Factory):
    """Builds the front door of each accepted connection.

    `refused` counts those that came to nothing before there was a request to route, by our own
    words for why. Without an `announcer` no HAProxy may connect as a peer.
    """

    noisy = False
    announcer: Announcer | None = None

    def __init__(
        self,
        clock: IReactorTime,
        route: Route,
        visitors: Visitors | None = None,
        refused: Counter[str] | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self.clock = clock
        self.route = route
        self.visitors = visitors or Visitors(clock)
        self.refused = Counter() if refused is None else refused
        self.waiting = Waiting(clock) if waiting is None else waiting

    def buildProtocol(self, addr: IAddress | None) -> FrontDoor | None:
        visitor = self.visitors.arrived(addr)
        if visitor.is_too_many:
            # The port closes the connection, before TLS and before anything is made for it.
            return None
        return FrontDoor(self, visitor)
