"""DeviceFactory: makes a connection for every admitted upgrade."""

from collections.abc import Callable

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from vaultrelay.broker.outbox import Outbox
from vaultrelay.broker.session import Session
from vaultrelay.websocket.connection import DeviceConnection
from vaultrelay.websocket.send_queue import Batch
from vaultrelay.wire.upgrade import Upgrade

OpenSession = Callable[[Outbox, bytes | None], Session]


class DeviceFactory(WebSocketServerFactory):
    """An Autobahn factory whose protocols register with the broker through `open_session`."""

    noisy = False

    def __init__(
        self, reactor: IReactorTime, open_session: OpenSession, message_bytes: int
    ) -> None:
        super().__init__(server=None, reactor=reactor)
        self.open_session = open_session
        self.message_bytes = message_bytes
        self.batch = Batch()
        self._connections: set[DeviceConnection] = set()
        self._gone: Deferred[None] | None = None
        self.setProtocolOptions(
            versions=[13],
            webStatus=False,
            # A failure is closed with its code; dropping would lose what was sent before it.
            failByDrop=False,
            # The front door and the broker keep the deadlines, each connection its own close.
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            # The head that Autobahn reads is ours, without an Origin.
            allowNullOrigin=True,
        )

    def build(self, upgrade: Upgrade) -> DeviceConnection:
        """The connection of a device whose upgrade was admitted."""
        return DeviceConnection(self, upgrade)

    def all_gone(self) -> Deferred[None]:
        """Fires when no connection is left; each closing one ends in its own time."""
        if not self._connections:
            return succeed(None)
        self._gone = Deferred()
        return self._gone

    def abort_all(self) -> None:
        """Cut every connection off."""
        for connection in tuple(self._connections):
            connection.transport.abortConnection()

    def opened(self, connection: DeviceConnection) -> None:
        """A connection was made."""
        self._connections.add(connection)

    def closed(self, connection: DeviceConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if not self._connections and self._gone is not None:
            gone, self._gone = self._gone, None
            gone.callback(None)
