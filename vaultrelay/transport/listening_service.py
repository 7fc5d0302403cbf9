"""ListeningService: one listener of the relay. A port in use stops the start."""

import os
import stat
from dataclasses import dataclass
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, ENOENT, ENOTDIR
from functools import partial
from pathlib import Path
from socket import gaierror, socket
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure

from vaultrelay.transport.acceptor import Acceptor
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listening_socket import Bindable
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.proxy_stage import ProxyStage
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.socket_address import is_unix
from vaultrelay.transport.stream import Stream
from vaultrelay.transport.tls_stream import TlsStream
from vaultrelay.transport.unix_stream import UnixStream

_UNIX = ("unix:", "haproxy:unix:")
_CURES: dict[int | None, str] = {
    EADDRINUSE: "; another program listens there, or this relay already runs",
    EADDRNOTAVAIL: "; this machine does not have that address",
    EACCES: "; ports below 1024 take a privilege, such as CAP_NET_BIND_SERVICE",
}
_UNIX_CURES: dict[int | None, str] = {
    None: "; another relay is on this socket",
    EADDRINUSE: "; another program listens there, or what is there is no socket",
    ENOENT: "; make its folder first",
    ENOTDIR: "; what should be its folder is none",
    EACCES: "; this user may make no socket in its folder",
}
"""None is for SocketLocked, another relay's lock, which is no error of the system."""


class CannotListen(Exception):
    """The relay cannot listen on an endpoint; the text has the endpoint, the reason and a hint."""

    def __init__(self, text: str, cause: BaseException | None) -> None:
        reason = getattr(cause, "socketError", cause)
        because = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        cures = _UNIX_CURES if text.startswith(_UNIX) else _CURES
        cure = cures.get(getattr(reason, "errno", None), "")
        if isinstance(reason, gaierror):
            cure = "; name the interface by an IP address of this machine"
        super().__init__(f"cannot listen on {text}: {because.lower()}{cure}")


@dataclass(frozen=True)
class Listening:
    """The endpoint of a listener, and the preamble of its connections: a PROXY header, TLS.

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

    def make_stream(self, hub: Hub, accepted: socket, address: Any, protocol: Any) -> Stream:
        """Return the stream of an accepted connection, with the stages of its preamble."""
        is_before_tls = self.tls is not None
        stages = (ProxyStage(is_before_tls),) if self.is_proxied else ()
        if self.tls is not None:
            return TlsStream(hub, accepted, address, protocol, self.tls, stages)
        kind = UnixStream if is_unix(accepted.family) else PlainStream
        return kind(hub, accepted, address, protocol, stages)


@dataclass(frozen=True)
class OpenSocket:
    """A unix socket that every user can connect to; an abstract socket has no mode."""

    path: str
    mode: int | None
    is_inherited: bool


class ListeningService(Service):
    """Listens while it runs. Raises CannotListen at the start if it cannot listen.

    Twisted's StreamServerEndpointService only logs a port in use, and runs without a listener.
    """

    port: IListeningPort | None = None

    def __init__(
        self,
        text: str,
        listening: Listening,
        factory: IProtocolFactory,
        pending: PendingConnections,
        hub: Hub,
    ) -> None:
        self.text = text
        self._wanted = listening
        self._factory = factory
        self._pending = pending
        self._hub = hub

    @property
    def tls(self) -> ServerTls | None:
        """The TLS of the connections, None without TLS."""
        return self._wanted.tls

    @property
    def is_plain(self) -> bool:
        """Whether devices connect without TLS, and without a proxy that could terminate it."""
        return self.tls is None and not self._wanted.is_proxied

    @property
    def is_inherited(self) -> bool:
        """Whether another process keeps the socket open; connections wait there for a restart."""
        return self._wanted.is_inherited

    @property
    def unix_path(self) -> str:
        """The file that the relay makes for a unix socket; else empty."""
        return self._wanted.unix_path

    @property
    def open_socket(self) -> "OpenSocket | None":
        """The unix socket, if every user of this machine can connect to it."""
        address: Any = self.port and self.port.getHost()
        path = getattr(address, "name", None)
        if not path:
            return None
        if path.startswith(b"\0"):
            return OpenSocket(f"@{os.fsdecode(path[1:])}", None, self.is_inherited)
        try:
            mode = stat.S_IMODE(Path(os.fsdecode(path)).stat().st_mode)
        except OSError:
            return None
        writable = mode & stat.S_IWOTH
        return OpenSocket(os.fsdecode(path), mode, self.is_inherited) if writable else None

    def privilegedStartService(self) -> None:
        """Listen, while the process still has the privilege that a port below 1024 needs."""
        where = self._wanted.where
        if IStreamServerEndpoint.providedBy(where):
            self._listen_at(where)
            return
        try:
            bound = where.bind()
        except (OSError, TypeError, ValueError, OverflowError) as error:
            # The others come from Python, for example for a host that is not valid text.
            raise CannotListen(self.text, error) from None
        self.port = Acceptor(
            bound,
            self._factory,
            partial(self._wanted.make_stream, self._hub),
            self._pending,
            self._hub.reactor,
            hides_address=self._wanted.is_proxied,
            log=self._hub.log,
        )
        self.port.startListening()

    def startService(self) -> None:
        if self.port is None:
            self.privilegedStartService()
        super().startService()

    def stopService(self) -> object:
        super().stopService()
        port, self.port = self.port, None
        return None if port is None else port.stopListening()

    def _listen_at(self, endpoint: IStreamServerEndpoint) -> None:
        failures: list[Failure] = []

        def listens(port: IListeningPort) -> None:
            self.port = port

        endpoint.listen(self._factory).addCallbacks(listens, failures.append)
        if failures:
            raise CannotListen(self.text, failures[0].value)


def shown(port: IListeningPort) -> str:
    """Return the local address of a listener, which the endpoint string may leave open."""
    host: Any = port.getHost()
    return f"port {host.port} of {host.host}" if hasattr(host, "port") else "open"
