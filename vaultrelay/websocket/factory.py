"""DeviceFactory: makes a connection for every admitted upgrade."""

from collections.abc import Callable

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from vaultrelay.broker.outbox import Outbox
from vaultrelay.broker.session import Session
from vaultrelay.logs import log
from vaultrelay.websocket.connection import DeviceConnection
from vaultrelay.websocket.frames import binary_frame
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
        self._connections: set[DeviceConnection] = set()
        self._gone: Deferred[None] | None = None
        self.in_batch = False
        self.batch: list[DeviceConnection] = []
        self._message = self._frame = b""
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

    def begin_batch(self) -> None:
        """Until `end_batch`, each connection gathers what it sends, to send it in one write."""
        self.in_batch = True

    def end_batch(self) -> None:
        """Send what was gathered."""
        self.in_batch = False
        batch, self.batch = self.batch, []
        for connection in batch:
            try:
                connection.flush()
            except Exception:
                # One that cannot be written to must not keep the others from what is theirs.
                log.failure("A connection could not be written to")
                connection.transport.abortConnection()
        self._message = self._frame = b""

    def framed(self, message: bytes) -> bytes:
        """A message as a frame; made once for all receivers of a broadcast."""
        if message is not self._message:
            self._message, self._frame = message, binary_frame(message)
        return self._frame

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
