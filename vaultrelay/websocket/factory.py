"""DeviceFactory: makes a connection for every admitted upgrade."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from vaultrelay.broker.outbox import Outbox
from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.access import ANYBODY, Admission
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.connection import DeviceConnection
from vaultrelay.websocket.send_queue import Batch
from vaultrelay.wire.upgrade import Upgrade

OpenSession = Callable[[Outbox, bytes | None, Admission], Session]


class DeviceFactory:
    """Makes connections that register with the broker through `open_session`, and knows them all.

    `isServer` is all that Autobahn asks of a factory once a connection is open.
    """

    isServer = True

    def __init__(
        self,
        reactor: IReactorTime,
        open_session: OpenSession,
        message_bytes: int,
        ledger: Ledger,
        *,
        log: RelayLog,
    ) -> None:
        self.reactor = reactor
        self.open_session = open_session
        self.message_bytes = message_bytes
        self.ledger = ledger
        self.log = log
        self.batch = Batch(self.ledger, log=log)
        self.leaving: Callable[[DeviceConnection], object] = lambda connection: None
        """Told of each connection that waits for its peer's answer to a close."""
        self.left: Callable[[DeviceConnection], object] = lambda connection: None
        """Told of each connection that is gone."""
        self._connections: set[DeviceConnection] = set()
        self._gone: Deferred[None] | None = None

    def build(self, upgrade: Upgrade, admission: Admission = ANYBODY) -> DeviceConnection:
        """The connection of a device whose upgrade was admitted."""
        return DeviceConnection(self, upgrade, admission)

    @property
    def count(self) -> int:
        """How many connections there are, closing ones among them."""
        return len(self._connections)

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

    def relieve(self) -> None:
        """Close who holds most until no more is held than may be: never a bystander."""
        while self.ledger.is_over and self._connections:
            most = max(self._connections, key=lambda connection: connection.held)
            if not most.held:
                return
            most.relieve()

    def opened(self, connection: DeviceConnection) -> None:
        """A connection was made."""
        self._connections.add(connection)

    def closed(self, connection: DeviceConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self.left(connection)
        if not self._connections and self._gone is not None:
            gone, self._gone = self._gone, None
            gone.callback(None)
