"""Handover: which protocol serves a request, and where a front door asks for it."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IProtocol

from vaultrelay.transport.visitors import Visitor
from vaultrelay.wire.request import Request


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
