"""An endpoint that connects at once, to a transport that keeps what is written."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from zope.interface import implementer


@implementer(IStreamClientEndpoint)
class InstantEndpoint:
    """TCP to a server of the test's."""

    def __init__(self) -> None:
        self.transport = StringTransport()
        self.protocol: Any = None

    def connect(self, factory: Any) -> "Deferred[Any]":
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        return succeed(self.protocol)
