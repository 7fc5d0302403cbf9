"""Connections of unix sockets that send at once. Cannot be imported on Windows, which has none."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from twisted.internet import base, unix
from twisted.internet.interfaces import IProtocolFactory
from twisted.python.failure import Failure

from vaultrelay.transport.direct import DirectServer
from vaultrelay.transport.proxy_protocol import Proxied


class DirectUnixServer(DirectServer, unix.Server):
    """Twisted's, without passing file descriptors: nobody behind it takes any."""


class ProxiedUnixServer(Proxied, DirectUnixServer):
    """A unix socket behind a proxy."""


@contextmanager
def owner_only() -> Iterator[None]:
    """Let a socket that is bound meanwhile begin with access for its owner alone.

    Twisted gives it its mode after that; with the umask of the process it could be wider before.
    """
    umask = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(umask)


class InheritedUnixPort(unix.Port):
    """A listening socket of a service manager's, whose mode, backlog and file stay as they are.

    Twisted's opens it to everybody, makes its queue shorter, and at the end shuts it down and
    removes its file, though the next relay is to go on with it.
    """

    factory: Any
    numberAccepts = 1
    """At a time, of Twisted's own accepting; ours has a limit of its own."""

    def __init__(self, inherited: socket.socket, factory: IProtocolFactory, reactor: Any) -> None:
        super().__init__(inherited.getsockname(), factory, reactor=reactor)
        self.socket = inherited

    def fileno(self) -> int:
        return self.socket.fileno()

    def startListening(self) -> None:
        self.factory.doStart()
        self.connected = True
        self.startReading()

    def connectionLost(self, reason: Failure) -> None:
        base.BasePort.connectionLost(self, reason)
        self.connected = False
        self.socket.close()
        self.factory.doStop()


def clear_after_a_kill(path: Path) -> None:
    """Take away the socket and the lock that a killed relay left there, if nobody listens on it.

    Twisted goes by the process number in the lock. Another process may have it by now, and in a
    container the relay itself has the same one at every start.
    """
    # A file that is no socket refuses connections, too.
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.setblocking(False)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                for left in (path, path.with_name(f"{path.name}.lock")):
                    left.unlink(missing_ok=True)
