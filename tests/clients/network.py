"""A network and a clock in memory, for kit and client in one process: no case waits in real time,
and none depends on how busy the machine is. Connections behave as Twisted's TCP does."""

from collections import deque
from collections.abc import Coroutine
from itertools import count
from typing import Any

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

HIGH_WATER_BYTES = 64 * 1024
"""Unread bytes at which a producer is paused, as in Twisted's TCP; also the most read at once."""
HERE = "127.0.0.1"
FIRST_PORT = 20_000
TURN = 1e-6
"""Seconds that a turn of the loop takes: a call from within a turn is made in a later one."""


@implementer(ITCPTransport)
class End:
    """One end of a connection. What it writes is read in the next turn, unless its peer pauses."""

    peer: "End"
    protocol: Any = None
    """Without a protocol, what its peer writes waits."""

    def __init__(self, network: "Network", address: IPv4Address) -> None:
        self._network = network
        self._address = address
        self._unread: deque[bytes] = deque()
        self._size = 0
        self._producer: Any = None
        self._is_held = False
        self._is_paused = False
        self.disconnecting = False
        self.connected = True

    def open(self, protocol: Any) -> None:
        """Connect a protocol."""
        self.protocol = protocol
        self._network.schedule(self.peer)
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        if self.disconnecting or not self.connected or not data:
            return
        self._unread.append(bytes(data))
        self._size += len(data)
        self._network.schedule(self)
        if self._producer is not None and self._size > HIGH_WATER_BYTES and not self._is_held:
            self._is_held = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def deliver(self) -> None:
        """Let the peer read, then end the connection if all is read and it is to end."""
        if not self.connected or self.peer.protocol is None or self.peer._is_paused:
            return
        if self._unread:
            data = self._take()
            if self._unread or self.disconnecting:
                self._network.schedule(self)
            self.peer.protocol.dataReceived(data)
            if self._producer is not None and self._is_held and not self._size:
                self._is_held = False
                self._producer.resumeProducing()
        elif self.disconnecting:
            self._end(connectionDone, connectionDone)

    def _take(self) -> bytes:
        data = self._unread[0] if len(self._unread) == 1 else b"".join(self._unread)
        self._unread.clear()
        if len(data) > HIGH_WATER_BYTES:
            self._unread.append(data[HIGH_WATER_BYTES:])
            data = data[:HIGH_WATER_BYTES]
        self._size -= len(data)
        return data

    def _end(self, mine: Failure, theirs: Failure) -> None:
        self.connected = self.peer.connected = False
        self.disconnecting = self.peer.disconnecting = True
        self.protocol.connectionLost(mine)
        self.peer.protocol.connectionLost(theirs)

    def loseConnection(self, *reason: object) -> None:
        self.disconnecting = True
        self._network.schedule(self)

    def abortConnection(self) -> None:
        self._unread.clear()
        self._size = 0
        self.disconnecting = True
        self._network.callLater(0, self._abort)

    def _abort(self) -> None:
        if self.connected and self.peer.protocol is None:
            self._network.callLater(0, self._abort)
        elif self.connected:
            self._end(Failure(error.ConnectionAborted()), Failure(error.ConnectionLost()))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None
        self._is_held = False

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._network.schedule(self.peer)

    def stopProducing(self) -> None:
        self.loseConnection()

    def getPeer(self) -> IPv4Address:
        return self.peer._address

    def getHost(self) -> IPv4Address:
        return self._address

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def getTcpNoDelay(self) -> bool:
        return True

    def setTcpKeepAlive(self, enabled: bool) -> None:
        pass

    def getTcpKeepAlive(self) -> bool:
        return False

    def loseWriteConnection(self) -> None:
        self.loseConnection()


class Port:
    """A listening port."""

    def __init__(self, network: "Network", number: int, factory: Any) -> None:
        self._network = network
        self._number = number
        self.factory = factory

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", HERE, self._number)

    def stopListening(self) -> Deferred[None]:
        self._network.ports.pop(self._number, None)
        return deferLater(self._network, 0)


class Connector:
    """An attempt to connect, in the next turn."""

    def __init__(self, network: "Network", host: str, number: int, factory: Any) -> None:
        self._network = network
        self._address = IPv4Address("TCP", host, number)
        self._factory = factory
        self._attempt = network.callLater(0, self._connect)
        factory.startedConnecting(self)

    def getDestination(self) -> IPv4Address:
        return self._address

    def stopConnecting(self) -> None:
        self._attempt.cancel()
        self._fail(error.UserError())

    def _connect(self) -> None:
        if self._address.host != HERE:
            self._fail(error.DNSLookupError())
        elif port := self._network.ports.get(self._address.port):
            near = End(self._network, IPv4Address("TCP", HERE, self._network.new_number()))
            far = End(self._network, self._address)
            near.peer, far.peer = far, near
            self._network.callLater(0, self._accept, port, far)
            near.open(self._factory.buildProtocol(self._address))
        else:
            self._fail(error.ConnectionRefusedError())

    def _fail(self, reason: Exception) -> None:
        self._factory.clientConnectionFailed(self, Failure(reason))

    def _accept(self, port: Port, far: End) -> None:
        protocol = port.factory.buildProtocol(far.getPeer())
        far.open(protocol or Protocol())
        if protocol is None:
            far.abortConnection()


class Network(Clock):
    """The reactor of both sides. Time moves when nothing else is left to do."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: dict[int, Port] = {}
        self.new_number = count(FIRST_PORT).__next__
        self._ready: dict[End, None] = {}

    def callLater(self, delay: float, callable: Any, *args: object, **kw: object) -> Any:
        return super().callLater(max(delay, TURN), callable, *args, **kw)

    def schedule(self, end: End) -> None:
        """Deliver in the next turn what an end has written."""
        self._ready[end] = None

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Port:
        number = self.new_number()
        self.ports[number] = found = Port(self, number, factory)
        return found

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> Connector:
        return Connector(self, host, port, factory)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run until the end of the coroutine. Raises what it raises."""
        done: list[Any] = []
        ensureDeferred(coroutine).addBoth(done.append)
        while not done:
            ready, self._ready = self._ready, {}
            for end in ready:
                end.deliver()
            waiting = self.getDelayedCalls()
            rest = min((each.getTime() for each in waiting), default=0.0) - self.seconds()
            self.advance(TURN if self._ready else max(rest, TURN))
        if isinstance(done[0], Failure):
            done[0].raiseException()
