"""A relay and its devices in memory, and other servers, for tests of the client."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.test.iosim import FakeTransport, IOPump, makeFakeClient
from twisted.test.iosim import connect as pump_between
from zope.interface import implementer

from tests.memory import SEED, Relay
from vaultrelay.client import Device, connect
from vaultrelay.client.relay_endpoint import CONNECT_SECONDS

URL = "ws://relay.test"


class RelayTransport(FakeTransport):
    """The relay's end, with what only its streams have."""

    def read_again(self) -> None:
        """It always watches for input."""


@implementer(IStreamClientEndpoint)
class InMemory:
    """An endpoint whose connections lead to protocols of the test's choice."""

    def __init__(self, clock: Any, build: Callable[[], Any]) -> None:
        self.pumps: list[IOPump] = []
        self._clock = clock
        self._build = build

    def connect(self, factory: Any) -> Any:
        server, client = self._build(), factory.buildProtocol(None)
        pump = pump_between(
            server,
            RelayTransport(server, isServer=True),
            client,
            makeFakeClient(client),
            clock=self._clock,
        )
        self.pumps.append(pump)
        return succeed(client)

    def flush(self) -> None:
        while sum(pump.flush() for pump in self.pumps):
            pass


class World:
    """A relay in memory, and devices that connect to it with the reference client."""

    def __init__(self, **settings: Any) -> None:
        self.relay = Relay(**settings)
        self.clock = self.relay.clock
        self.network = InMemory(self.clock, lambda: self.relay.dispatcher.buildProtocol(None))

    def start(self, work: Coroutine[Any, Any, Any]) -> "Deferred[Any]":
        started = ensureDeferred(work)
        self.network.flush()
        return started

    def join(self, device: bytes, url: str = URL) -> Device:
        joining = connect(self.clock, url, SEED, device, endpoint=self.network)
        found: Device = result(self.start(joining))
        return found

    def next(self, device: Device) -> Any:
        return result(self.start(device.receive()))


def result(deferred: "Deferred[Any]") -> Any:
    """What a fired Deferred holds, raised if it is a failure."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    assert found, "it has not fired"
    if hasattr(found[0], "raiseException"):
        found[0].raiseException()
    return found[0]


class Scripted(Protocol):
    """A server that answers whatever comes with bytes of the test's choice."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.received = b""
        self.lost = False

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = True

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.answers and self.received.endswith(b"\r\n\r\n"):
            for answer in self.answers:
                self.transport.write(answer)  # type: ignore[union-attr]
            self.answers.clear()


def scripted(*answers: bytes, url: str = URL) -> tuple[Scripted, "Deferred[Device]"]:
    """A connect to a server that says `answers`."""
    server = Scripted(*answers)
    relay = Relay()
    network = InMemory(relay.clock, lambda: server)
    connecting = ensureDeferred(connect(relay.clock, url, SEED, b"device-a", endpoint=network))
    network.flush()
    if not connecting.called:
        relay.clock.advance(CONNECT_SECONDS)
        network.flush()
    return server, connecting


def hung_up() -> tuple[Scripted, "Deferred[Device]"]:
    """A connect to a server that ends the connection at once."""

    class HangsUp(Scripted):
        def dataReceived(self, data: bytes) -> None:
            assert self.transport is not None
            self.transport.loseConnection()

    server, relay = HangsUp(), Relay()
    network = InMemory(relay.clock, lambda: server)
    connecting = ensureDeferred(connect(relay.clock, URL, SEED, b"device-a", endpoint=network))
    network.flush()
    return server, connecting
