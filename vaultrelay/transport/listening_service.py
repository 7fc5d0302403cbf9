"""ListeningService: one listener of the relay. A port in use stops the start."""

import os
import stat
from dataclasses import dataclass
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, ENOENT, ENOTDIR
from functools import partial
from pathlib import Path
from socket import gaierror
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.python.failure import Failure

from vaultrelay.transport.acceptor import Acceptor
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.pending_connections import PendingConnections

_UNIX = ("unix:", "haproxy:unix:")
_CURES: dict[int | None, str] = {
    EADDRINUSE: "; stop the program that listens there, which may be another relay",
    EADDRNOTAVAIL: "; use an address of this machine",
    EACCES: "; use a port of 1024 or above, or give the relay CAP_NET_BIND_SERVICE",
}
_UNIX_CURES: dict[int | None, str] = {
    None: "; stop the other relay that uses this socket",
    EADDRINUSE: "; stop the program that listens there, or remove the file if it is not a socket",
    ENOENT: "; create its folder first",
    ENOTDIR: "; a part of its path is not a folder",
    EACCES: "; let the relay's user create files in its folder",
}
"""None is for SocketLocked, another relay's lock, which is not an error of the system."""


class CannotListen(Exception):
    """The relay cannot listen on an endpoint; the text has the endpoint, the reason and a cure."""

    def __init__(self, text: str, cause: BaseException | None) -> None:
        reason = getattr(cause, "socketError", cause)
        because = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        cures = _UNIX_CURES if text.startswith(_UNIX) else _CURES
        cure = cures.get(getattr(reason, "errno", None), "")
        if isinstance(reason, gaierror):
            cure = "; use an IP address of this machine as the interface"
        super().__init__(f"cannot listen on {text}: {because.lower()}{cure}")


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
        endpoint: Endpoint,
        factory: IProtocolFactory,
        pending: PendingConnections,
        hub: Hub,
    ) -> None:
        self.text = text
        self.endpoint = endpoint
        self._factory = factory
        self._pending = pending
        self._hub = hub

    @property
    def open_socket(self) -> OpenSocket | None:
        """The unix socket, if every user of this machine can connect to it."""
        address: Any = self.port and self.port.getHost()
        path = getattr(address, "name", None)
        if not path:
            return None
        is_inherited = self.endpoint.is_inherited
        if path.startswith(b"\0"):
            return OpenSocket(f"@{os.fsdecode(path[1:])}", None, is_inherited)
        try:
            mode = stat.S_IMODE(Path(os.fsdecode(path)).stat().st_mode)
        except OSError:
            return None
        return OpenSocket(os.fsdecode(path), mode, is_inherited) if mode & stat.S_IWOTH else None

    def privilegedStartService(self) -> None:
        """Listen, while the process still has the privilege that a port below 1024 needs."""
        where = self.endpoint.where
        if IStreamServerEndpoint.providedBy(where):
            self._listen_by_twisted(where)
            return
        try:
            bound = where.bind()
        except (OSError, TypeError, ValueError, OverflowError) as error:
            # The others come from Python, for example for a host that is not valid text.
            raise CannotListen(self.text, error) from None
        self.port = Acceptor(
            bound,
            self._factory,
            partial(self.endpoint.make_stream, self._hub),
            self._pending,
            self._hub.pace,
            self._hub.reactor,
            hides_address=self.endpoint.is_proxied,
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

    def _listen_by_twisted(self, endpoint: IStreamServerEndpoint) -> None:
        failures: list[Failure] = []
        listening = endpoint.listen(self._factory)
        listening.addCallbacks(partial(setattr, self, "port"), failures.append)
        if failures:
            raise CannotListen(self.text, failures[0].value)


def describe_port(port: IListeningPort) -> str:
    """Return the local address of a listener, which the endpoint string may leave open."""
    host: Any = port.getHost()
    return f"port {host.port} of {host.host}" if hasattr(host, "port") else "open"
