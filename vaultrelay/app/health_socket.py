"""HealthSocket: the pages on a unix socket of this user's, for the health check.

It works whatever the relay listens on. That it cannot be made never stops a relay.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet import tcp, unix
from twisted.internet.error import CannotListenError
from twisted.python.failure import Failure

from vaultrelay.config.runtime_folder import UnsafeFolder, make_folder, socket_path
from vaultrelay.logs import log
from vaultrelay.policy.limits import HEALTH_WAITING, UNIX_PATH_BYTES
from vaultrelay.transport.accepting import Acceptor
from vaultrelay.transport.direct_unix import DirectUnixServer, owner_only
from vaultrelay.transport.front_door import FrontDoorFactory, Route
from vaultrelay.transport.pending import PendingConnections


class HealthSocket(Service):
    """Listens in the runtime folder while it runs, under the name of the relay's ports.

    It has a front door of its own: who asks here takes no place at the public one, and is in no
    figure of the relay's.
    """

    _port: Any = None
    _acceptor: Acceptor | None = None

    def __init__(
        self, reactor: Any, folder: str, route: Route, ports: Callable[[], list[int]]
    ) -> None:
        self._reactor = reactor
        self._folder = folder
        self._ports = ports
        self._door = FrontDoorFactory(reactor, route)
        self._door.waiting = PendingConnections(reactor, HEALTH_WAITING)

    def startService(self) -> None:
        """Listen, once the relay has its ports, and the user that it will run as."""
        super().startService()
        try:
            make_folder(self._folder)
            path = socket_path(self._folder, self._ports())
            size = len(os.fsencode(path))
            if size > UNIX_PATH_BYTES:
                raise UnsafeFolder(
                    f"{path} has {size} bytes, and the path of a unix socket at most "
                    f"{UNIX_PATH_BYTES}"
                )
            _remove_left_over(path)
            port: Any = _OwnPort(
                os.fsencode(path), self._door, HEALTH_WAITING, 0o600, self._reactor
            )
            with owner_only():
                port.startListening()
        except (OSError, UnsafeFolder, CannotListenError) as error:
            log.warn(
                "No socket for vault-relay healthcheck, which will ask the port instead: {why}. "
                "Name a folder that the relay can write with --runtime-folder.",
                why=_reason(error),
            )
            return
        self._port = port
        port.transport = DirectUnixServer
        self._acceptor = Acceptor(port, self._door.waiting)
        port.doRead = self._acceptor.doRead

    def stopService(self) -> object:
        super().stopService()
        port, self._port = self._port, None
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        return None if port is None else port.stopListening()


class _OwnPort(unix.Port):
    """Removes its own socket file at the end, and no other; Twisted's fails where there is none."""

    _file: tuple[int, int] | None = None

    def startListening(self) -> None:
        super().startListening()
        self._file = _identity(self._bindPath)

    def connectionLost(self, reason: Failure) -> None:
        if self._file is not None and _identity(self._bindPath) == self._file:
            Path(os.fsdecode(self._bindPath)).unlink()
        tcp.Port.connectionLost(self, reason)


def _identity(path: bytes) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove_left_over(path: str) -> None:
    """Remove the socket file of a relay that was killed. One that still answers stays."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
        except (FileNotFoundError, BlockingIOError):
            # Nobody was there, or somebody is, with more to do than to answer.
            pass


def _reason(error: Exception) -> str:
    cause: Any = getattr(error, "socketError", error)
    if getattr(cause, "strerror", None) is None:
        return str(cause)
    file = f"{cause.filename}: " if cause.filename else ""
    return f"{file}{cause.strerror.lower()}"
