"""A reactor whose turns the test takes, over real sockets, and a protocol that remembers."""

import os
import select
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from tests.recorded_log import RecordedLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.transport.hub import EpollHub, Hub, ReactorHub
from vaultrelay.transport.hub_stream import READ, HubStream

MOST_TURNS = 5000
"""More than anything here takes. What has not come by then does not come."""
_MOST_QUIET_TURNS = 100
_PATIENCE_SECONDS = 0.05
"""How long a turn waits for the kernel, where both ends have nothing to do."""


class Recorder(Protocol):
    """Remembers what it is told."""

    transport: Any

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.lost: list[type] = []
        self.flow: list[str] = []

    @property
    def heard(self) -> bytes:
        return b"".join(self.received)

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason.type)

    def pauseProducing(self) -> None:
        self.flow.append("pause")

    def resumeProducing(self) -> None:
        self.flow.append("resume")

    def stopProducing(self) -> None:
        self.flow.append("stop")


class Turns:
    """Asks the kernel as Twisted's select reactor does, and only when the test says so."""

    def __init__(self) -> None:
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.later: list[tuple[Any, Any]] = []

    def seconds(self) -> float:
        """Time stands still."""
        return 0.0

    def addReader(self, reader: object) -> None:
        self.readers.add(reader)

    def addWriter(self, writer: object) -> None:
        self.writers.add(writer)

    def removeReader(self, reader: object) -> None:
        self.readers.discard(reader)

    def removeWriter(self, writer: object) -> None:
        self.writers.discard(writer)

    def callLater(self, delay: float, call: Any, *args: Any) -> None:
        self.later.append((call, args))

    def turn(self, patience: float = 0.0) -> int:
        """One turn: how many were served."""
        readable, writable, _ = select.select(list(self.readers), list(self.writers), [], patience)
        for each in readable:
            if each in self.readers:
                self._serve(each, "doRead")
        for each in writable:
            if each in self.writers:
                self._serve(each, "doWrite")
        later, self.later = self.later, []
        for call, args in later:
            call(*args)
        return len(readable) + len(writable) + len(later)

    def turn_until(self, done: Callable[[], object], step: Callable[[], object]) -> None:
        """Turn, and let the other end take its step, until `done`; the test fails if that never is.

        A turn waits for the kernel only when both ends had nothing to do.
        """
        quiet = 0
        for _ in range(MOST_TURNS):
            if done():
                return
            served = self.turn(_PATIENCE_SECONDS if quiet else 0.0)
            quiet = 0 if step() or served else quiet + 1
            if quiet > _MOST_QUIET_TURNS:
                break
        raise AssertionError("it never came to that")

    def settle(self, step: Callable[[], object] = lambda: None) -> None:
        """Turn until nothing more happens. For pairs, where the kernel passes all on at once."""
        for _ in range(MOST_TURNS):
            served = self.turn()
            if not step() and not served:
                return
        raise AssertionError("it never came to rest")

    def _serve(self, selectable: Any, turn: str) -> None:
        why = getattr(selectable, turn)()
        if not why:
            return
        self.removeReader(selectable)
        if turn == "doRead" and isinstance(why, ConnectionDone):
            selectable.readConnectionLost(Failure(why))
        else:
            self.removeWriter(selectable)
            selectable.connectionLost(Failure(why))


class WatchingHub(Hub):
    """Remembers for which events each stream is watched, by its descriptor."""

    def __init__(self, turns: Turns, limit: int) -> None:
        super().__init__(turns, Ledger(limit), log=RecordedLog())
        self.turns = turns
        self.events: dict[int, int] = {}

    def add(self, stream: HubStream) -> None:
        super().add(stream)
        self.events[stream.descriptor] = READ

    def change(self, descriptor: int, events: int) -> None:
        super().change(descriptor, events)
        self.events[descriptor] = events

    def remove(self, stream: HubStream) -> bool:
        self.events.pop(stream.descriptor, None)
        return super().remove(stream)


class WatchingEpollHub(WatchingHub, EpollHub):
    """All streams in one epoll."""


class WatchingReactorHub(WatchingHub, ReactorHub):
    """Each stream as a descriptor of the reactor."""


HUBS: list[type[WatchingHub]] = [WatchingReactorHub]
if hasattr(select, "epoll"):
    HUBS.append(WatchingEpollHub)


def open_hub(kind: type[WatchingHub] = HUBS[-1], limit: int = 1 << 40) -> WatchingHub:
    """Returns a hub over a reactor of its own, in service; `limit` is that of its ledger."""
    hub = kind(Turns(), limit)
    hub.startService()
    return hub


def pair_of_sockets(is_tcp: bool = False) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection within this machine; neither blocks.

    Only TCP can be reset, and only the others pass on at once what is sent.
    """
    if not is_tcp:
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)
        return here, there
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = socket.create_connection(listening.getsockname(), timeout=5)
        there, _ = listening.accept()
    for end in (here, there):
        end.setblocking(False)
    return here, there


def is_closed(descriptor: int) -> bool:
    """Whether nothing is open under a number that nobody opened anew."""
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False
