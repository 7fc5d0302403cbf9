"""Endpoint: an address of a listener, and what precedes HTTP on its connections."""

from dataclasses import dataclass
from socket import socket
from typing import Any

from twisted.internet.interfaces import IStreamServerEndpoint

from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listening_socket import Bindable
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.proxy_stage import ProxyStage
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.socket_address import is_unix
from vaultrelay.transport.stream import Stream
from vaultrelay.transport.tls_stream import TlsStream


@dataclass(frozen=True)
class Endpoint:
    """The address of a listener, and the preamble of its connections: a PROXY header, TLS.

    `where` is an endpoint of Twisted or of a plugin if the relay does not bind its kind itself;
    its connections are then Twisted's, too.
    """

    where: Bindable | IStreamServerEndpoint
    tls: ServerTls | None = None
    is_proxied: bool = False
    is_inherited: bool = False
    """Whether another process owns the socket and keeps it open while the relay restarts."""
    unix_path: str = ""
    """The file that the relay makes for a unix socket; else empty."""

    @property
    def is_plain(self) -> bool:
        """Whether devices connect without TLS, and without a proxy that could terminate it."""
        return self.tls is None and not self.is_proxied

    def make_stream(self, hub: Hub, accepted: socket, address: Any, protocol: Any) -> Stream:
        """Return the stream of an accepted connection, with the stages of its preamble."""
        stages = (ProxyStage(is_before_tls=self.tls is not None),) if self.is_proxied else ()
        if self.tls is not None:
            return TlsStream(hub, accepted, address, protocol, self.tls, stages)
        # A unix stream must lack the methods of TCP: twisted.web looks for setTcpNoDelay.
        kind = Stream if is_unix(accepted.family) else PlainStream
        return kind(hub, accepted, address, protocol, stages)
