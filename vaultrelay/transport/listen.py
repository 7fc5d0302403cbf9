"""Listening services: a port that is taken stops the start instead of being logged."""

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, ENOENT, ENOTDIR
from functools import partial
from pathlib import Path
from socket import gaierror
from typing import Any

from twisted.application.service import Service
from twisted.internet import tcp
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure

from vaultrelay.transport.accepting import Acceptor
from vaultrelay.transport.direct import DirectServer
from vaultrelay.transport.direct_tls import DirectTlsServer
from vaultrelay.transport.pending import PendingConnections
from vaultrelay.transport.proxy_protocol import ProxiedServer, ProxiedTlsServer
from vaultrelay.transport.tls import ServerTls

_UNIX = ("unix:", "haproxy:unix:")
_SERVERS: dict[type, tuple[Callable[..., Any], Callable[..., Any]]] = {
    tcp.Port: (DirectServer, ProxiedServer)
}
"""What makes the connections of a kind of port: plain ones, and those behind a proxy's line."""
with suppress(ImportError):  # Windows has no unix sockets
    from twisted.internet import unix

    from vaultrelay.transport.direct_unix import (
        DirectUnixServer,
        InheritedUnixPort,
        ProxiedUnixServer,
        clear_after_a_kill,
        owner_only,
    )

    for _kind in (unix.Port, InheritedUnixPort):
        _SERVERS[_kind] = (DirectUnixServer, ProxiedUnixServer)

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
"""The lock that another relay holds is no error of the system's."""


class CannotListen(Exception):
    """An endpoint that cannot be listened on: which one, and why."""

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
    """Where to listen, and what comes before HTTP on each connection: a proxy's line, TLS."""

    endpoint: IStreamServerEndpoint
    tls: ServerTls | None = None
    is_proxied: bool = False
    is_inherited: bool = False
    """Whether the socket is somebody else's, who keeps it open while the relay restarts."""
    unix_path: str = ""
    """The file that the relay makes for a unix socket."""


@dataclass(frozen=True)
class OpenSocket:
    """A unix socket without a restriction of who connects; an abstract one has no mode."""

    path: str
    mode: int | None
    is_inherited: bool


class ListeningService(Service):
    """Listens while it runs.

    Twisted's own StreamServerEndpointService logs a taken port and stays up, deaf; this one raises.
    """

    port: IListeningPort | None = None

    _acceptor: Acceptor | None = None

    def __init__(
        self,
        text: str,
        listening: Listening,
        factory: IProtocolFactory,
        waiting: PendingConnections | None = None,
    ) -> None:
        self.text = text
        self._wanted = listening
        self._factory = factory
        self._waiting = waiting

    @property
    def tls(self) -> ServerTls | None:
        """What TLS the connections begin with; None without."""
        return self._wanted.tls

    @property
    def is_plain(self) -> bool:
        """Whether devices connect without TLS, and without a proxy that could have done it."""
        return self.tls is None and not self._wanted.is_proxied

    @property
    def is_inherited(self) -> bool:
        """Whether those who connect after the end find another relay, and need only wait."""
        return self._wanted.is_inherited

    @property
    def unix_path(self) -> str:
        """The file that it makes for a unix socket; empty for all others."""
        return self._wanted.unix_path

    @property
    def open_socket(self) -> "OpenSocket | None":
        """Its unix socket, where every user of this machine may connect to it."""
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
        """Listen, while the process may still have the privilege that a low port needs."""
        failures: list[Failure] = []
        around: AbstractContextManager[None] = nullcontext()
        if self._wanted.unix_path:
            clear_after_a_kill(Path(self._wanted.unix_path))
            around = owner_only()
        with around:
            listening: Deferred[IListeningPort] = self._wanted.endpoint.listen(self._factory)
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
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        return None if port is None else port.stopListening()

    def _listening(self, port: IListeningPort) -> None:
        set_transport(port, self._wanted)
        if self._waiting is not None:
            self._acceptor = set_acceptor(port, self._waiting)
        self.port = port


def shown(port: IListeningPort) -> str:
    """Where a port of an endpoint string listens, which the string need not say."""
    host: Any = port.getHost()
    return f"port {host.port} of {host.host}" if hasattr(host, "port") else "open"


def set_acceptor(port: Any, waiting: PendingConnections) -> Acceptor | None:
    """Let a port's connections be taken as they should; one of another kind takes them itself."""
    kind: type = port.__class__
    if kind not in _SERVERS:
        return None
    acceptor = Acceptor(port, waiting)
    port.doRead = acceptor.doRead
    return acceptor


def set_transport(port: Any, listening: Listening) -> None:
    """Let the connections of a port be direct, and begin as they should.

    A port that is neither TCP nor a unix socket keeps its own.
    """
    kind: type = port.__class__
    if kind is tcp.Port and listening.tls is not None:
        tls = ProxiedTlsServer if listening.is_proxied else DirectTlsServer
        port.transport = partial(tls, listening.tls)
    elif kind in _SERVERS:
        port.transport = _SERVERS[kind][listening.is_proxied]
