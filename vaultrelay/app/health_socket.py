"""HealthSocket: serves the public pages on a private unix socket, for the health check.

It works with every kind of listener. If it cannot be made, the relay starts without it.
"""

import os
from collections.abc import Callable

from twisted.application.service import MultiService

from vaultrelay.config.runtime_folder import UnsafeFolder, make_folder, socket_path
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.pending import PENDING_HEALTH_REQUESTS, UNIX_PATH_BYTES
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listening_service import CannotListen, ListeningService
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.transport.route import Route
from vaultrelay.transport.unix_path import UnixPath


class HealthSocket(MultiService):
    """Listens in the runtime folder while it runs; its file name contains the relay's ports.

    `source` is the option that sets the folder.

    It has its own dispatcher: health checks use no capacity of the public one, and do not count in
    the relay's figures.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        folder: str,
        source: str,
        route: Route,
        ports: Callable[[], list[int]],
        log: RelayLog,
    ) -> None:
        super().__init__()
        self._log = log
        self._hub = hub
        self._folder = folder
        self._source = source
        self._ports = ports
        self._dispatcher = DispatcherFactory(
            hub.reactor,
            route,
            pending=PendingConnections(hub.reactor, PENDING_HEALTH_REQUESTS),
            log=log,
        )

    def startService(self) -> None:
        """Listen. By now the relay has its ports, and runs as its final user."""
        super().startService()
        path = socket_path(self._folder, self._ports())
        try:
            make_folder(self._folder)
            size = len(os.fsencode(path))
            if size > UNIX_PATH_BYTES:
                raise UnsafeFolder(
                    f"{path} has {size} bytes, more than the {UNIX_PATH_BYTES} that the path of a "
                    "unix socket can have"
                )
            endpoint = Endpoint(UnixPath(path, 0o600, PENDING_HEALTH_REQUESTS, has_lock=False))
            listener = ListeningService(
                f"unix:{path}", endpoint, self._dispatcher, self._dispatcher.pending, self._hub
            )
            listener.setServiceParent(self)
        except (OSError, UnsafeFolder, CannotListen) as error:
            self._log.warn(
                "Cannot create the socket for vault-relay healthcheck, which uses the port "
                "instead: {why}. Set {option} to a folder that the relay can write to.",
                why=_reason(error),
                option=self._source,
            )


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror.lower()}"
