"""Protocols and producers that record how a transport calls them, and what it does wrong."""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol, IPullProducer, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.transport.shared_bio import INCOMING, OUTGOING

Hook = Callable[..., object]


def _nothing(*_: object) -> None:
    pass


class Probe(Protocol):
    """Records its calls in order; `faults` are calls that break the contract."""

    transport: Any

    def __init__(self, made: Hook = _nothing, data: Hook = _nothing, lost: Hook = _nothing) -> None:
        self.calls: list[str] = []
        self.pieces: list[bytes] = []
        self.reasons: list[type] = []
        self.faults: list[str] = []
        self.on_made, self.on_data, self.on_lost = made, data, lost

    @property
    def received(self) -> bytes:
        return b"".join(self.pieces)

    def called(self, name: str) -> None:
        """Record a call into the protocol or its producer."""
        if self.reasons:
            self.faults.append(f"{name} after connectionLost")
        if INCOMING.pending or OUTGOING.pending:
            self.faults.append(f"{name} while a shared buffer has {INCOMING.pending} bytes")
        self.calls.append(name)

    def connectionMade(self) -> None:
        self.called("made")
        self.on_made(self)

    def dataReceived(self, data: bytes) -> None:
        self.called("data")
        if not data or type(data) is not bytes:
            self.faults.append(f"dataReceived of {data!r}")
        self.pieces.append(data)
        self.on_data(self, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.called("lost")
        assert reason.type is not None
        self.reasons.append(reason.type)
        self.on_lost(self, reason)

    def forget(self) -> None:
        """Forget what was received so far."""
        self.calls.clear()
        self.pieces.clear()


@implementer(IHalfCloseableProtocol)
class HalfProbe(Probe):
    """Goes on after one direction has ended."""

    def __init__(self, read_ended: Hook = _nothing, **hooks: Hook) -> None:
        super().__init__(**hooks)
        self.on_read_ended = read_ended

    def readConnectionLost(self) -> None:
        self.called("read ended")
        self.on_read_ended(self)

    def writeConnectionLost(self) -> None:
        self.called("write ended")


@implementer(IPushProducer, IPullProducer)
class Producer:
    """Records what it is asked for, in the calls of its probe."""

    def __init__(
        self,
        probe: Probe,
        resume: Hook = _nothing,
        pause: Hook = _nothing,
        stop: Hook = _nothing,
    ) -> None:
        self.probe = probe
        self.on_resume, self.on_pause, self.on_stop = resume, pause, stop

    def pauseProducing(self) -> None:
        self.probe.called("pause")
        self.on_pause(self)

    def resumeProducing(self) -> None:
        self.probe.called("resume")
        self.on_resume(self)

    def stopProducing(self) -> None:
        self.probe.called("stop")
        self.on_stop(self)
