"""DeviceFactory: makes a connection for every admitted upgrade."""

from collections.abc import Callable
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vaultrelay.broker.backpressure import Backpressure
from vaultrelay.broker.core_shares import CoreShares
from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import SPARE_FRAME_READERS
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.batch import Batch
from vaultrelay.websocket.connection import DeviceConnection
from vaultrelay.websocket.foreign_frames import ForeignFrames, FrameListener
from vaultrelay.websocket.interfaces import OpenSession


class DeviceFactory(WebSocketServerFactory):
    """Makes connections that register with the broker by `open_session`, and keeps a set of them.

    `on_closing` is called with each connection that waits for its peer's answer to a close,
    `on_closed` with each closed one.
    """

    protocol = ForeignFrames

    def __init__(
        self,
        *,
        reactor: IReactorTime,
        open_session: OpenSession,
        message_bytes: int,
        ledger: Ledger,
        log: RelayLog,
        on_closing: Callable[[DeviceConnection], object] = lambda connection: None,
        on_closed: Callable[[DeviceConnection], object] = lambda connection: None,
    ) -> None:
        super().__init__(reactor=reactor, server=None)
        self.setProtocolOptions(
            # FrameReader unmasks.
            applyMask=False,
            # A failure is closed with its code; dropping would lose the frames sent before it.
            failByDrop=False,
            # The dispatcher and the broker keep the deadlines, each connection its own close.
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
        )
        self.open_session = open_session
        self.message_bytes = message_bytes
        self.ledger = ledger
        self.relay_log = log
        self.batch = Batch(ledger, log)
        self._on_closing = on_closing
        self._on_closed = on_closed
        self._connections: set[DeviceConnection] = set()
        self.backpressure = Backpressure(ledger, reactor, self._connections)
        self.core_shares = CoreShares(reactor, ledger, self._connections)
        self._spare: list[ForeignFrames] = []
        self._gone: Deferred[None] | None = None

    def buildProtocol(self, addr: Any) -> Any:
        """Return the DeviceConnection of an AdmittedUpgrade; None for anything else."""
        return DeviceConnection(self, addr) if isinstance(addr, AdmittedUpgrade) else None

    @property
    def count(self) -> int:
        """Return the number of connections, including closing ones."""
        return len(self._connections)

    def all_gone(self) -> Deferred[None]:
        """Fires when no connection is left; each closing one ends in its own time."""
        if not self._connections:
            return succeed(None)
        self._gone = Deferred()
        return self._gone

    def abort_all(self) -> None:
        """Cut off every connection."""
        for connection in tuple(self._connections):
            connection.transport.abortConnection()

    # Its connections call these.

    def opened(self, connection: DeviceConnection) -> None:
        """Add a connection."""
        self._connections.add(connection)

    def take_turn(
        self, connection: DeviceConnection, read: Callable[[Any], None], data: Any
    ) -> None:
        """Call `read` with what came of a connection: in a batch, and in a turn of the core while
        others want it. An exception closes the connection."""
        shares = self.core_shares
        has_turn = shares.is_busy and shares.begin(connection.session)
        self.batch.begin()
        try:
            read(data)
        except Exception:
            connection.fail_internally()
        finally:
            self.batch.end(connection.session)
        if has_turn and connection.session is not None:
            shares.end(connection.session)
        if self.ledger.is_pressed:
            self.backpressure.check(connection)

    def closing(self, connection: DeviceConnection) -> IDelayedCall:
        """Record that a connection waits for the end of its close; return the call that cuts it
        off."""
        self._on_closing(connection)
        abort = connection.transport.abortConnection
        call: IDelayedCall = self.reactor.callLater(CLOSE_SECONDS, abort)
        return call

    def closed(self, connection: DeviceConnection) -> None:
        """Remove a connection."""
        self._connections.discard(connection)
        self.backpressure.forget(connection)
        if connection.session is not None:
            self.core_shares.forget(connection.session)
        self._on_closed(connection)
        if not self._connections and self._gone is not None:
            gone, self._gone = self._gone, None
            gone.callback(None)

    def borrow_frames(self, listener: FrameListener) -> ForeignFrames:
        """Return an instance of Autobahn's protocol, which takes 0.2 ms to make, for a listener."""
        if self._spare:
            frames = self._spare.pop()
        else:
            frames = ForeignFrames()
            frames.factory = self
            frames.open()
        frames.lend(listener)
        return frames

    def return_frames(self, frames: ForeignFrames) -> None:
        """Take an instance back, for another connection."""
        frames.release()
        del frames.listener
        if len(self._spare) < SPARE_FRAME_READERS:
            self._spare.append(frames)
