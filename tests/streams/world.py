"""World: a port of one kind on one reactor, its clients, and what has to be true at the end."""

import gc
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent, LogLevel, globalLogPublisher

from tests.authority import Issued, issue, write_pair
from tests.recorded_log import RecordedLog
from tests.streams.probe import Probe
from tests.streams.wire import Wire, connect, wrap
from vaultrelay.certificates.server_certificate import load_certificate
from vaultrelay.policy.ledger import Ledger
from vaultrelay.transport import hub as hubs
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.listening_service import ListeningService
from vaultrelay.transport.listening_socket import Bindable, TcpAddress
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.unix_path import UnixPath

LEDGER_BYTES = 64 << 20
SMALL_WINDOW = 64 * 1024
"""A client's receive buffer that makes a few megabytes more than the kernel takes."""
_STEP_SECONDS = 0.001
_VERSIONS = {"tls13": ssl.TLSVersion.TLSv1_3, "tls12": ssl.TLSVersion.TLSv1_2}
_Result = TypeVar("_Result")


class Place:
    """What all cases of a process share: the reactor, a folder, a certificate."""

    def __init__(self, reactor: Any, name: str, hub: str, folder: Path) -> None:
        self.reactor = reactor
        self.name = name
        self.hub = hub
        self.folder = folder
        self.issued: Issued = issue()
        self.tls = ServerTls([load_certificate(*write_pair(folder, self.issued))])


class ProbeFactory(Factory):
    """Builds the protocols that it was given, and then Probes."""

    noisy = False

    def __init__(self) -> None:
        self.next: list[Any] = []
        self.built: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self.next.pop(0) if self.next else Probe()
        if callable(protocol):
            protocol = protocol(addr)
        if protocol is not None:
            self.built.append(protocol)
        return protocol


class World:
    """One case's server and clients."""

    def __init__(self, place: Place, kind: str) -> None:
        self.place, self.kind = place, kind
        self.reactor = place.reactor
        self.is_tls = kind in _VERSIONS
        self.factory = ProbeFactory()
        self.ledger = Ledger(LEDGER_BYTES)
        self.hub: Any = None
        self.wires: list[Wire] = []
        self.logged: list[LogEvent] = []
        self._observer: Any = self._observe
        self._descriptors = _open_descriptors()

    # Begin and end.

    async def start(self) -> None:
        globalLogPublisher.addObserver(self._observer)
        path = str(self.place.folder / "socket")
        if self.place.hub == "twisted":
            self._port: Any = self._listen_as_twisted(path)
        else:
            self.hub = getattr(hubs, self.place.hub)(self.reactor, self.ledger, log=RecordedLog())
            self.hub.startService()
            where: Bindable = TcpAddress("127.0.0.1", 0, 500)
            if self.kind == "unix":
                where = UnixPath(path, 0o600, 500)
            listening = Endpoint(where, self.place.tls if self.is_tls else None)
            pending = PendingConnections(self.reactor)
            self._service = ListeningService("", listening, self.factory, pending, self.hub)
            self._service.startService()
            self._port = self._service.port
        host = self._port.getHost()
        self.address: Any = path if self.kind == "unix" else (host.host, host.port)

    def _listen_as_twisted(self, path: str) -> Any:
        if self.kind == "unix":
            return self.reactor.listenUNIX(path, self.factory)
        if self.kind == "tcp":
            return self.reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        from twisted.internet.ssl import PrivateCertificate

        issued = self.place.issued
        options = PrivateCertificate.loadPEM(issued.key_pem + issued.pem).options()
        return self.reactor.listenSSL(0, self.factory, options, interface="127.0.0.1")

    async def finish(self) -> None:
        """Close all, and check that nothing is left and no call broke the contract."""
        for wire in self.wires:
            wire.close()
        probes = [each for each in self.factory.built if isinstance(each, Probe)]
        await self.until(lambda: all(probe.reasons for probe in probes if probe.calls), "losses")
        if self.hub is not None:
            await self.until(lambda: not self.hub._streams, "an empty hub")
            assert self.ledger.held == 0, f"the ledger holds {self.ledger.held} bytes"

    async def clean_up(self) -> None:
        """Stop what runs, after a failure, too."""
        for wire in self.wires:
            wire.close()
        if self.hub is None:
            await self._port.stopListening()
        else:
            self._service.stopService()
            if self.hub.running:
                self.hub.stopService()
        globalLogPublisher.removeObserver(self._observer)

    async def check_left(self) -> None:
        """Check what no case may leave: faults, descriptors, errors in the log."""
        # An exception keeps the client's socket that it came from, and its thread the exception.
        await self.thread(int)
        gc.collect()
        left = self._descriptors
        await self.until(
            lambda: len(_open_descriptors() - left) <= 0, f"{_open_descriptors() - left} closed"
        )
        for each in self.factory.built:
            if isinstance(each, Probe):
                assert not each.faults, each.faults
                assert each.calls.count("lost") <= 1, each.calls
        # What Twisted's own transports log of their own accord is not for us to judge.
        assert self.place.hub == "twisted" or not self.logged, self.logged

    def _observe(self, event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            self.logged.append(event)

    def expect_logged(self, error: type[Exception], count: int = 1) -> None:
        """Check that exactly so many failures of this type were logged."""
        found = [each for each in self.logged if _failed_with(each, error)]
        self.logged = [each for each in self.logged if each not in found]
        assert len(found) == count, f"{len(found)} of {error.__name__} were logged"

    # Connect and wait.

    async def connect(self, probe: Any = None, window: int | None = None) -> tuple[Wire, Any]:
        """Connect, and return once bytes pass: TLS has its handshake at both ends."""
        found: Any = probe or Probe()
        hook, found.on_data = found.on_data, lambda *_: None
        wire = await self.dial(found, window)
        await self.thread(wire.send, b"!")
        await self.until(lambda: found.received == b"!", "the first byte")
        found.on_data = hook
        found.forget()
        return wire, found

    async def dial(self, protocol: Any, window: int | None = None) -> Wire:
        """Connect with this protocol at the server, and have the client's part of a handshake."""
        self.factory.next.append(protocol)
        wire = Wire(await self.thread(self._dial, window))
        self.wires.append(wire)
        return wire

    def _dial(self, window: int | None) -> Any:
        connected = connect(self.address, window)
        try:
            return wrap(connected, _VERSIONS[self.kind]) if self.is_tls else connected
        except BaseException:
            connected.close()
            raise

    def thread(self, call: Callable[..., _Result], *args: Any) -> Deferred[_Result]:
        """Run a client's blocking call."""
        return deferToThread(call, *args)

    async def until(self, done: Callable[[], object], what: str = "") -> None:
        """Wait for something that has to come; the runner's limit ends it."""
        self.awaited = what
        while not done():
            await deferLater(self.reactor, _STEP_SECONDS)
        self.awaited = ""

    async def turns(self, count: int = 8) -> None:
        """Let the reactor serve what is ready: loopback delivers within the client's call."""
        for _ in range(count):
            await deferLater(self.reactor, 0)

    async def is_healthy(self) -> None:
        """Check that a new connection is accepted and served."""
        wire, _ = await self.connect(Probe(data=lambda probe, data: probe.transport.write(data)))
        await self.thread(wire.send, b"still here?")
        assert await self.thread(wire.receive, 11) == b"still here?"


def _open_descriptors() -> set[str]:
    """Returns what is open, by the kernel's names for it; sockets are numbered for good."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(str(descriptor.readlink()))
    return {each for each in found if each.startswith(("socket", "anon_inode"))}


def _failed_with(event: LogEvent, error: type[Exception]) -> bool:
    failure = event.get("log_failure", event.get("failure"))
    return failure is not None and failure.check(error) is not None
