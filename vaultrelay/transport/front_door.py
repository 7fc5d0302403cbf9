"""The front door: reads one request head, bounded in size and time, and hands the connection on.

What stands behind it is a `Route`. A lasting connection takes the door's place at its transport.
Where something stands between door and transport, the door stays and passes on what it hears.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vaultrelay.logs import log
from vaultrelay.policy.limits import CLOSE_SECONDS, HEAD_BYTES, HEAD_SECONDS
from vaultrelay.transport.visitors import Visitor, Visitors
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

    def __init__(
        self, clock: IReactorTime, route: Route, visitors: Visitors, visitor: Visitor
    ) -> None:
        self._clock = clock
        self._route = route
        self._visitors = visitors
        self._visitor = visitor
        self._head = b""
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self._deadline = self._clock.callLater(HEAD_SECONDS, self._too_late)

    def peerKnown(self, address: IAddress | None) -> bool:
        """Whether the connection may stay. Called by a transport that had to find out the address.

        None is an address that is not to be known.
        """
        visitor = self._visitors.arrived(address)
        if visitor is not None:
            self._visitor = visitor
        return visitor is not None

    def dataReceived(self, data: bytes) -> None:
        if self._next is not None:
            self._next.dataReceived(data)
            return
        if self._answered:
            return
        # Only what is new is searched, so that a dripping head costs its length and not its square.
        searched = max(0, len(self._head) - len(HEAD_END) + 1)
        self._head += data
        end = self._head.find(HEAD_END, searched)
        try:
            if not self._head[:1].isalpha():
                raise bad_request(
                    "This is not HTTP. If the URL says wss: this port speaks ws, without TLS."
                )
            if end < 0:
                if len(self._head) > HEAD_BYTES:
                    raise head_too_large(HEAD_BYTES)
                return
            end += len(HEAD_END)
            if end > HEAD_BYTES:
                raise head_too_large(HEAD_BYTES)
            self._serve(self._head[:end], self._head[end:])
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception:
            log.failure("A request could not be served")
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel_deadline()
        self._visitors.left(self._visitor)
        if self._next is not None:
            self._next.connectionLost(reason)

    def _serve(self, head: bytes, rest: bytes) -> None:
        request = read_request(head)
        self._visitors.asked(self._visitor, request)
        handover = self._route(request, self._visitor)
        if handover.lasting:
            self._cancel_deadline()
        self._head = b""
        self._next = following = handover.protocol
        if handover.lasting and getattr(self.transport, "protocol", None) is self:
            self.transport.protocol = following
        try:
            following.makeConnection(self.transport)
        finally:
            if handover.lasting:
                self._visitors.left(self._visitor)
        # One request on a connection: a page's client has nothing more to say.
        first = handover.head + rest if handover.lasting else handover.head
        if first:
            following.dataReceived(first)

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
            self._refuse(request_timeout())
        else:
            self._abort()

    def _abort(self) -> None:
        self.transport.abortConnection()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class FrontDoorFactory(Factory):
    """Builds the front door of each accepted connection."""

    noisy = False

    def __init__(self, clock: IReactorTime, route: Route, visitors: Visitors | None = None) -> None:
        self._clock = clock
        self._route = route
        self._visitors = visitors or Visitors(clock)

    def buildProtocol(self, addr: IAddress | None) -> FrontDoor | None:
        visitor = self._visitors.arrived(addr)
        if visitor is None:
            # The port closes the connection, before TLS and before anything is made for it.
            return None
        return FrontDoor(self._clock, self._route, self._visitors, visitor)
