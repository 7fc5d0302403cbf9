"""The PROXY protocol: a first line that says where a connection really comes from."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper, HAProxyWrappingFactory
from zope.interface import implementer


class ProxiedProtocol(HAProxyProtocolWrapper):
    """Twisted's, which raises for some bad lines instead of hanging up."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        try:
            super().dataReceived(data)
        except ValueError:
            # Twisted would log it with the peer's bytes in it.
            self.transport.abortConnection()


class ProxiedFactory(HAProxyWrappingFactory):
    """Builds what reads the line and then steps aside."""

    protocol: Any = ProxiedProtocol


@implementer(IStreamServerEndpoint)
class ProxiedEndpoint:
    """An endpoint whose connections begin with the PROXY protocol, version 1 or 2."""

    def __init__(self, endpoint: IStreamServerEndpoint) -> None:
        self._endpoint = endpoint

    def listen(self, factory: IProtocolFactory) -> "Deferred[IListeningPort]":
        return self._endpoint.listen(ProxiedFactory(factory))
