"""Listening services: a port that is taken stops the start instead of being logged."""

from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure

from vaultrelay.transport.direct import make_direct

_CURES = {
    EADDRINUSE: "; another program listens there, or this relay already runs",
    EADDRNOTAVAIL: "; this machine does not have that address",
    EACCES: "; ports below 1024 take a privilege, such as CAP_NET_BIND_SERVICE",
}


class CannotListen(Exception):
    """An endpoint that cannot be listened on: which one, and why."""

    def __init__(self, text: str, cause: BaseException | None) -> None:
        reason = getattr(cause, "socketError", cause)
        because = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        cure = _CURES.get(getattr(reason, "errno", None) or 0, "")
        super().__init__(f"cannot listen on {text}: {because.lower()}{cure}")


class ListeningService(Service):
    """Listens on one endpoint while it runs.

    Twisted's own StreamServerEndpointService logs a taken port and stays up, deaf; this one raises.
    """

    port: IListeningPort | None = None

    def __init__(
        self, text: str, endpoint: IStreamServerEndpoint, factory: IProtocolFactory
    ) -> None:
        self.text = text
        self._endpoint = endpoint
        self._factory = factory

    def privilegedStartService(self) -> None:
        """Listen, while the process may still have the privilege that a low port needs."""
        failures: list[Failure] = []
        listening: Deferred[IListeningPort] = self._endpoint.listen(self._factory)
        listening.addCallbacks(self._listening, failures.append)
        if failures:
            raise CannotListen(self.text, failures[0].value)

    def startService(self) -> None:
        if self.port is None:
            self.privilegedStartService()
        super().startService()

    def stopService(self) -> object:
        super().stopService()
        port, self.port = self.port, None
        return None if port is None else port.stopListening()

    def _listening(self, port: IListeningPort) -> None:
        make_direct(port)
        self.port = port
