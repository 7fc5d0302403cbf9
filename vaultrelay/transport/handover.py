"""Handover: which protocol serves a request, and where a front door asks for it."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IProtocol

from vaultrelay.transport.visitors import Visitor
from vaultrelay.wire.request import Request


@dataclass(frozen=True)
class Handover:
    """The protocol that serves a request, and the request head as that protocol reads it, if any.

    `lasting` connections outlive the deadline of the request; others must be done by then.
    """

    protocol: IProtocol
    head: bytes
    lasting: bool


Route = Callable[[Request, Visitor], Handover]
"""Returns the handover of a request; raises Refusal if it is not served."""
