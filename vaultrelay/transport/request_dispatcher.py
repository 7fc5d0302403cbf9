"""RequestDispatcher: reads one request head within its size and deadline, and routes it.

A `Route` returns the protocol for the request. That of a lasting connection replaces the dispatcher
at the transport; if the transport is wrapped, the dispatcher stays and forwards the data.
"""

from collections.abc import Callable
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
from vaultrelay.policy.limits.networks import OVERLOAD_REPORT_SECONDS
from vaultrelay.policy.limits.pending import HEAD_SECONDS
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.transport.client_budgets import PendingClient, PendingClients
from vaultrelay.transport.haproxy_peers import Announcer, HAProxyPeer
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.preamble import PreambleListener
from vaultrelay.transport.request_head import RequestHead
from vaultrelay.transport.route import Route
from vaultrelay.wire.refusal import Refusal, proxy_missing, request_timeout
from vaultrelay.wire.request import Request


class RequestDispatcher(PreambleListener):
    """One pending connection, until its request head is complete."""

    transport: Any
    _successor: IProtocol | None = None
    _answered = False
    _is_behind_proxy = False
    _lacks_proxy_header = False

    def __init__(self, factory: "DispatcherFactory", client: PendingClient) -> None:
        self._factory = factory
        self._client = client
        self._head = RequestHead()
        self._deadline: IDelayedCall | None = None

    @property
    def budgets(self) -> Budgets:
        """The budgets that the connection counts against while it is pending."""
        return self._client.budgets

    def connectionMade(self) -> None:
        self._factory.pending.add(self)
        self._set_deadline(HEAD_SECONDS, self._deadline_passed)

    def client_known(self, address: IAddress | None) -> bool:
        """Count the client that the PROXY header names. Return whether the connection may stay.

        `address` is None if the header names none.
        """
        self._is_behind_proxy = True
        self._count_client(address)
        self._client.is_forwarded = address is not None
        if not self._client.is_over_budget:
            return True
        if self._is_encrypted:
            return False
        # After a reset a proxy tries the next relay, where the device has no peers.
        # An HTTP proxy has the request already, and gets the reason as an answer.
        self._set_deadline(OVERLOAD_REPORT_SECONDS, self._abort)
        return True

    def haproxy_connected(self, begun: bytes) -> bool:
        """Hand the connection to HAProxyPeer. Return whether HAProxy may connect as a peer."""
        announcer = self._factory.announcer
        if announcer is None:
            return False
        self._leave()
        self._factory.clients.release(self._client)
        self.transport.protocol = peer = HAProxyPeer(announcer, self._factory.pending)
        peer.makeConnection(self.transport)
        peer.dataReceived(begun)
        return True

    def handshake_began(self) -> None:
        """Note bytes of the preamble: the connection is not silent."""
        self._factory.pending.bytes_received(self)

    def preamble_failed(self, slug: str) -> None:
        """Count a connection that ends in its preamble, by the slug of the reason."""
        counted = proxy_missing().counted if self._lacks_proxy_header else slug
        self._count(counted)
        self._factory.clients.note_refusal(self._client, counted)

    def proxy_header_missing(self, address: IAddress) -> bool:
        """Charge a connection without PROXY header. Return whether it may stay for the refusal."""
        self._lacks_proxy_header = True
        # No header names a client, so the budgets of the connection's own address are charged.
        self._count_client(address)
        return not self._client.is_over_budget

    def dataReceived(self, data: bytes) -> None:
        if self._successor is not None:
            self._successor.dataReceived(data)
            return
        if self._answered:
            return
        if not self._head.has_begun:
            self._factory.pending.bytes_received(self)
        try:
            parsed = self._parse(data)
            if parsed is not None:
                self._serve(*parsed)
        except Refusal as refusal:
            self._factory.clients.note_refusal(self._client, refusal.counted)
            self._refuse(refusal)
        except Exception:
            self._factory.log.failure("Cannot serve a request")
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._leave()
        self._factory.clients.release(self._client)
        if self._successor is not None:
            self._successor.connectionLost(reason)

    def evict(self) -> None:
        """Abort the connection to make room: see PendingConnections."""
        self._count("crowded_out")
        self._factory.clients.release(self._client)
        self._abort()

    def _parse(self, data: bytes) -> tuple[Request, bytes] | None:
        """Return the complete request and the bytes after its head, else None. Raises Refusal."""
        try:
            parsed = self._head.feed(data, self._is_encrypted, self._is_behind_proxy)
            if parsed is not None and self._lacks_proxy_header:
                raise proxy_missing()
        except Refusal as first:
            refusal = proxy_missing() if self._lacks_proxy_header else first
            self._count(refusal.counted)
            raise refusal from None
        return parsed

    def _serve(self, request: Request, rest: bytes) -> None:
        self._client.is_encrypted = self._is_encrypted
        is_plain = not (self._is_behind_proxy or self._is_encrypted)
        self._factory.clients.apply_request(self._client, request, is_plain)
        self._factory.pending.budgets_changed(self)
        result = self._factory.route(request, self._client)
        self._head.clear()
        self._successor = successor = result.protocol
        if result.lasting:
            self._leave()
            if getattr(self.transport, "protocol", None) is self:
                self.transport.protocol = successor
        try:
            successor.makeConnection(self.transport)
        finally:
            if result.lasting:
                self._factory.clients.release(self._client)
        # A connection to the pages has one request: later bytes are discarded.
        first = result.head + rest if result.lasting else result.head
        if first:
            successor.dataReceived(first)

    @property
    def _is_encrypted(self) -> bool:
        return bool(ISSLTransport.providedBy(self.transport))

    def _count_client(self, address: IAddress | None) -> None:
        self._client = self._factory.clients.add(address)
        self._factory.pending.budgets_changed(self)

    def _count(self, slug: str) -> None:
        self._factory.refused[slug] += 1

    def _refuse(self, refusal: Refusal) -> None:
        self._answered = True
        to_head = self._head.is_of_head_method
        self._head.clear()
        self._set_deadline(CLOSE_SECONDS, self._abort)
        self.transport.write(refusal.response(to_head))
        if refusal.counted == "proxy_unexpected":
            # The request follows at once: a close with unread data would discard the answer.
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def _deadline_passed(self) -> None:
        if self._successor is None and self._head.has_begun:
            self._count("request_timeout")
            self._refuse(request_timeout())
            return
        if self._successor is None and not self._answered:
            self._count("silent")
        self._abort()

    def _abort(self) -> None:
        self.transport.abortConnection()

    def _leave(self) -> None:
        """End the time in which the connection is pending."""
        self._factory.pending.remove(self)
        self._cancel_deadline()

    def _set_deadline(self, seconds: float, call: Callable[[], None]) -> None:
        self._cancel_deadline()
        self._deadline = self._factory.clock.callLater(seconds, call)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class DispatcherFactory(Factory):
    """Makes the dispatcher of each accepted connection.

    `refused` counts, by slug, connections that ended before their request was routed. Without an
    `announcer` no HAProxy may connect as a peer.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        route: Route,
        *,
        pending: PendingConnections | None = None,
        clients: PendingClients | None = None,
        announcer: Announcer | None = None,
        log: RelayLog,
    ) -> None:
        self.log = log
        self.clock = clock
        self.route = route
        self.pending = PendingConnections(clock) if pending is None else pending
        self.clients = clients or PendingClients(clock, make_room=self.pending.evict_oldest)
        self.refused = self.clients.counters.refused
        self.announcer = announcer

    def buildProtocol(self, addr: IAddress | None) -> RequestDispatcher | None:
        client = self.clients.add(addr)
        # Without a protocol the acceptor closes the connection, before TLS.
        return None if client.is_over_budget else RequestDispatcher(self, client)
