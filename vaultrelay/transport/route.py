"""Routes: the type of the function that routes a request, and of its result."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IProtocol

from vaultrelay.transport.client_budgets import PendingClient
from vaultrelay.wire.request import Request


@dataclass(frozen=True)
class RouteResult:
    """The protocol that serves a request, and the request head in that protocol's form, if any.

    `lasting` connections outlive the deadline of the request; others must end within it.
    """

    protocol: IProtocol
    head: bytes
    lasting: bool


Route = Callable[[Request, PendingClient], RouteResult]
"""Returns the route of a request. Raises Refusal if it is not served."""
