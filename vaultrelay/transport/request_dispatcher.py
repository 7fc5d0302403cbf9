"""The front door: reads one request head within its size and deadline, and routes the connection.

A `Route` returns the protocol for the request. That of a lasting connection replaces the front
door at the transport; if the transport is wrapped, the front door stays and forwards the data.
"""

from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.python.failure import Failure

from vaultrelay.logs import RelayLog
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits import (
    CLOSE_SECONDS,
    HEAD_SECONDS,
    TOO_MANY_SECONDS,
)
from vaultrelay.transport.haproxy_peers import Announcer, HAProxyPeer
from vaultrelay.transport.pending_clients import PendingClient, PendingClients
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.preamble import PreambleListener
from vaultrelay.transport.request_head import RequestHead
from vaultrelay.transport.route import Route
from vaultrelay.wire.refusal import Refusal, proxy_missing, request_timeout
from vaultrelay.wire.request import Request


class RequestDispatcher(PreambleListener):
    """One pending connection, until its request head is complete."""

    transport: Any
    _next: IProtocol | None = None
    _answered = False
    _is_behind_proxy = False
    _lacks_proxy_header = False

    def __init__(self, factory: "DispatcherFactory", visitor: PendingClient) -> None:
        self._factory = factory
        self._clock = factory.clock
        self._visitor = visitor
        self._head = RequestHead()
        self._deadline: IDelayedCall | None = None

    @property
    def budgets(self) -> Budgets:
        """The budgets that the connection counts against while it is pending."""
        return self._visitor.budgets

    def connectionMade(self) -> None:
        self._factory.waiting.add(self)
        self._deadline = self._clock.callLater(HEAD_SECONDS, self._too_late)

    def client_known(self, address: IAddress | None) -> bool:
        """Count the client that the PROXY header names. Return whether the connection may stay.

        `address` is None if the header names none.
        """
        self._is_behind_proxy = True
        self._visitor = visitor = self._factory.visitors.arrived(address)
        visitor.is_told = address is not None
        self._factory.waiting.budgets_changed(self)
        if not visitor.is_too_many:
            return True
        if self._is_encrypted:
            return False
        # After a reset a proxy tries the next relay, where the device has no peers.
        # An HTTP proxy has the request already, and gets the reason as an answer.
        self._cancel_deadline()
        self._deadline = self._clock.callLater(TOO_MANY_SECONDS, self._abort)
        return True

    def haproxy_connected(self, begun: bytes) -> bool:
        """Hand the connection to HAProxyPeer. Return whether HAProxy may connect as a peer."""
        announcer = self._factory.announcer
        if announcer is None:
            return False
        self._factory.waiting.remove(self)
        self._cancel_deadline()
        self._factory.visitors.left(self._visitor)
        self.transport.protocol = peer = HAProxyPeer(announcer, self._factory.waiting)
        peer.makeConnection(self.transport)
        peer.dataReceived(begun)
        return True

    def dataReceived(self, data: bytes) -> None:
        if self._next is not None:
            self._next.dataReceived(data)
            return
        if self._answered:
            return
        if not self._head.has_begun:
            self._factory.waiting.bytes_received(self)
        try:
            found = self._read(data)
            if found is not None:
                self._serve(*found)
        except Refusal as refusal:
            self._factory.visitors.failed(self._visitor, refusal.counted)
            self._refuse(refusal)
        except Exception:
            self._factory.log.failure("A request could not be served")
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._factory.waiting.remove(self)
        self._cancel_deadline()
        self._factory.visitors.left(self._visitor)
        if self._next is not None:
            self._next.connectionLost(reason)

    def handshake_began(self) -> None:
        """Note bytes of the preamble: the connection is not silent."""
        self._factory.waiting.bytes_received(self)

    def preamble_failed(self, slug: str) -> None:
        """Count a connection that ends in its preamble, by the slug of the reason."""
        counted = proxy_missing().counted if self._lacks_proxy_header else slug
        self._count(counted)
        self._factory.visitors.failed(self._visitor, counted)

    def proxy_header_missing(self, address: IAddress) -> bool:
        """Charge a connection without PROXY header. Return whether it may stay for the refusal."""
        self._lacks_proxy_header = True
        # No header names a client, so the budgets of the connection's own address are charged.
        self._visitor = self._factory.visitors.arrived(address)
        self._factory.waiting.budgets_changed(self)
        return not self._visitor.is_too_many

    def evict(self) -> None:
        """Abort the connection to make room: see PendingConnections."""
        self._count("crowded_out")
        self._factory.visitors.left(self._visitor)
        self._abort()

    def _read(self, data: bytes) -> tuple[Request, bytes] | None:
        """Return the complete request and the bytes after its head, else None. Raises Refusal."""
        try:
            found = self._head.feed(data, self._is_encrypted, self._is_behind_proxy)
            if found is not None and self._lacks_proxy_header:
                raise proxy_missing()
        except Refusal as found_first:
            refusal = proxy_missing() if self._lacks_proxy_header else found_first
            self._count(refusal.counted)
            raise refusal from None
        return found

    def _serve(self, request: Request, rest: bytes) -> None:
        is_plain = not (self._is_behind_proxy or self._is_encrypted)
        self._factory.visitors.asked(self._visitor, request, is_plain)
        self._factory.waiting.budgets_changed(self)
        handover = self._factory.route(request, self._visitor)
        if handover.lasting:
            self._factory.waiting.remove(self)
            self._cancel_deadline()
        self._head.clear()
        self._next = following = handover.protocol
        if handover.lasting and getattr(self.transport, "protocol", None) is self:
            self.transport.protocol = following
        try:
            following.makeConnection(self.transport)
        finally:
            if handover.lasting:
                self._factory.visitors.left(self._visitor)
        # A connection to the pages has one request: later bytes are discarded.
        first = handover.head + rest if handover.lasting else handover.head
        if first:
            following.dataReceived(first)

    @property
    def _is_encrypted(self) -> bool:
        return bool(ISSLTransport.providedBy(self.transport))

    def _count(self, slug: str) -> None:
        self._factory.refused[slug] += 1

    def _refuse(self, refusal: Refusal) -> None:
        self._answered = True
        to_head = self._head.is_of_head_method
        self._head.clear()
        self._cancel_deadline()
        self._deadline = self._clock.callLater(CLOSE_SECONDS, self._abort)
        self.transport.write(refusal.response(to_head))
        if refusal.counted == "proxy_unexpected":
            # The request follows at once: a close with unread data would discard the answer.
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def _too_late(self) -> None:
        self._deadline = None
        if self._next is None and self._head.has_begun:
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


class DispatcherFactory(Factory):
    """Makes the front door of each accepted connection.

    `refused` counts, by slug, connections that ended before their request was routed. Without an
    `announcer` no HAProxy may connect as a peer.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        route: Route,
        *,
        waiting: PendingConnections | None = None,
        visitors: PendingClients | None = None,
        announcer: Announcer | None = None,
        log: RelayLog,
    ) -> None:
        self.log = log
        self.clock = clock
        self.route = route
        self.waiting = PendingConnections(clock) if waiting is None else waiting
        self.visitors = visitors or PendingClients(clock, make_room=self.waiting.evict_oldest)
        self.refused = self.visitors.counters.refused
        self.announcer = announcer

    def buildProtocol(self, addr: IAddress | None) -> RequestDispatcher | None:
        visitor = self.visitors.arrived(addr)
        if visitor.is_too_many:
            # The acceptor closes the connection, before TLS and before any object is made for it.
            return None
        return RequestDispatcher(self, visitor)
