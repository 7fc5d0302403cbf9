"""Listeners: opens, reconfigures and closes all listeners for devices."""

from collections.abc import Sequence
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from vaultrelay.certificates.server_certificate import ServerCertificate
from vaultrelay.config.settings import Settings
from vaultrelay.policy.limits.pending import LISTEN_BACKLOG
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listening_service import ListeningService, describe_port
from vaultrelay.transport.listening_socket import TcpAddress
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.public_addresses import public_addresses
from vaultrelay.transport.server_tls import ServerTls


class Listeners(MultiService):
    """One listener for each endpoint string of the settings, or one for their port.

    Raises BadEndpoint if a string is not an endpoint, and CannotListen at the start if an endpoint
    cannot be listened on.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        hub: Hub,
        factory: IProtocolFactory,
        pending: PendingConnections,
    ) -> None:
        super().__init__()
        self._settings = settings
        self.all = [
            ListeningService(text, listening, factory, pending, hub)
            for text, listening in _listenings(settings, hub.reactor)
        ]
        for listener in self.all:
            listener.setServiceParent(self)

    def configure(
        self, pairs: Sequence[tuple[ServerCertificate, ...]], *, renew_tickets: bool = False
    ) -> None:
        """Serve these certificates to new connections; one tuple for each listener.

        `renew_tickets`: replace the keys of TLS session tickets, too.
        """
        for listener, own in zip(self.all, pairs, strict=True):
            if listener.endpoint.tls is not None and (
                renew_tickets or own != listener.endpoint.tls.certificates
            ):
                listener.endpoint.tls.serve(own)

    @property
    def ports(self) -> list[IListeningPort]:
        """The open ports, in the order of the settings."""
        return [listener.port for listener in self.all if listener.port is not None]

    def port_numbers(self) -> list[int]:
        """Return the port numbers, sorted; unix sockets have none."""
        hosts: list[Any] = [port.getHost() for port in self.ports]
        return sorted({host.port for host in hosts if hasattr(host, "port")})

    def plain_addresses(self) -> tuple[str, ...]:
        """Return the public addresses with a listener without TLS."""
        return public_addresses(
            listener.port for listener in self.all if listener.endpoint.is_plain
        )

    def description(self) -> str:
        """Return the open ports as text for the log."""
        settings = self._settings
        if settings.listen:
            return ", ".join(
                f"{text} ({describe_port(port)})"
                for text, port in zip(settings.listen, self.ports, strict=True)
            )
        address: Any = self.ports[0].getHost()
        tls = "with TLS" if settings.certificates else "without TLS"
        return f"port {address.port} of {settings.bind} {tls}"

    def stop(self, *, inherited_only: bool = False) -> Deferred[Any]:
        """Stop listening; if `inherited_only`, only on sockets that another process keeps open."""
        return gatherResults(
            maybeDeferred(listener.stopService)
            for listener in self.all
            if listener.endpoint.is_inherited or not inherited_only
        )


def _listenings(settings: Settings, reactor: Any) -> list[tuple[str, Endpoint]]:
    if settings.listen:
        source = settings.source_of("listen")
        return [(f"{text} ({source})", read_endpoint(reactor, text)) for text in settings.listen]
    source = f"{settings.source_of('port')}, {settings.source_of('bind')}"
    text = f"port {settings.port} of {settings.bind} ({source})"
    address = TcpAddress(settings.bind, settings.port, LISTEN_BACKLOG)
    tls = ServerTls(settings.certificates) if settings.certificates else None
    return [(text, Endpoint(address, tls))]
