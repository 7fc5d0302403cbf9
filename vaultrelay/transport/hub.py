"""Hub: waits for all streams of the relay with two descriptors of Twisted's reactor, on Linux.

There, the streams that have joined are in one epoll object and the others in a second one, which
the reactor finds readable when any of their streams is ready. On other systems the reactor has one
descriptor for each stream.
"""

import select
from collections.abc import Callable
from time import monotonic
from typing import Any

from twisted.application.service import Service
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.logs import RelayLog
from vaultrelay.policy.join_pace import JoinPace
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.joins import JOIN_ROUND_SECONDS
from vaultrelay.policy.limits.streams import EVENTS_AT_ONCE, ROUND_SECONDS
from vaultrelay.transport.deferred_streams import DeferredStreams
from vaultrelay.transport.epoll_group import EpollGroup
from vaultrelay.transport.hub_stream import READ, WRITE, HubStream


class Hub(Service):
    """The streams of one relay, open while the service runs.

    `ledger` holds the number of bytes that a stream may read at once.
    """

    def __init__(self, reactor: Any, ledger: Ledger, *, log: RelayLog) -> None:
        self.reactor = reactor
        self.ledger = ledger
        self.log = log
        self.pace = JoinPace(reactor.seconds)
        self._streams: dict[int, HubStream] = {}
        self._deferred = DeferredStreams(reactor, ledger)
        self.on_long_round: Callable[[], object] = lambda: None
        """Called after a round that took longer than ROUND_SECONDS."""

    def defer(self, stream: HubStream) -> None:
        """Do not read from a stream until memory is freed."""
        self.change(stream.descriptor, stream.other_events)
        self._deferred.add(stream)

    def add(self, stream: HubStream) -> None:
        """Watch a stream for reading."""
        self._streams[stream.descriptor] = stream

    def prefer(self, stream: HubStream, events: int) -> None:
        """Serve a stream that has joined before those that have not; `events` are the watched
        ones."""

    def change(self, descriptor: int, events: int) -> None:
        """Change the watched events of the stream with this descriptor."""

    def remove(self, stream: HubStream) -> bool:
        """Stop watching a stream. Return whether it was watched."""
        self._deferred.discard(stream)
        return self._streams.pop(stream.descriptor, None) is not None

    def stopService(self) -> None:
        super().stopService()
        self.close_streams(Failure(ConnectionLost()))

    def close_streams(self, reason: Failure) -> None:
        """Close all streams for this reason."""
        for stream in tuple(self._streams.values()):
            try:
                stream.lose(reason)
            except Exception:
                self.fail(stream)

    def fail(self, stream: HubStream) -> None:
        """Log the current exception, and abort only the connection that raised it."""
        self.log.failure("A connection failed")
        stream.abortConnection()


def make_hub(reactor: Any, ledger: Ledger, *, log: RelayLog) -> Hub:
    """Return the hub that serves most connections on this system."""
    return (EpollHub if hasattr(select, "epoll") else ReactorHub)(reactor, ledger, log=log)


class EpollHub(Hub):
    """Watches all streams with two epoll objects, each of which is one descriptor of the reactor.

    Streams that have joined have a round in every turn of the reactor, however many others are
    ready: those share shorter rounds, which set the pace of new connections.
    """

    def __init__(self, reactor: Any, ledger: Ledger, *, log: RelayLog) -> None:
        super().__init__(reactor, ledger, log=log)
        self._new: set[int] = set()
        """The descriptors of the streams that have not joined."""

    def startService(self) -> None:
        super().startService()
        self._joined = EpollGroup(
            self._streams, EVENTS_AT_ONCE, ROUND_SECONDS, self, long_round=self._note_long_round
        )
        self._joining = EpollGroup(
            self._streams, 1, JOIN_ROUND_SECONDS, self, round_ended=self.pace.round_ended
        )
        for group in (self._joined, self._joining):
            self.reactor.addReader(group)

    def stopService(self) -> None:
        super().stopService()
        for group in (self._joined, self._joining):
            self.reactor.removeReader(group)
            group.close()

    def add(self, stream: HubStream) -> None:
        self._joining.add(stream.descriptor, READ)
        self._new.add(stream.descriptor)
        super().add(stream)

    def prefer(self, stream: HubStream, events: int) -> None:
        if stream.descriptor in self._new:
            self._leave(stream.descriptor)
            self._joined.add(stream.descriptor, events)
            self.pace.joined()

    def change(self, descriptor: int, events: int) -> None:
        (self._joining if descriptor in self._new else self._joined).change(descriptor, events)

    def remove(self, stream: HubStream) -> bool:
        was_watched = super().remove(stream)
        if was_watched:
            self._leave(stream.descriptor)
        return was_watched

    def _note_long_round(self) -> None:
        self.on_long_round()

    def _leave(self, descriptor: int) -> None:
        """Remove a descriptor from its group."""
        if descriptor in self._new:
            self._new.remove(descriptor)
            self._joining.remove(descriptor)
        else:
            self._joined.remove(descriptor)


class ReactorHub(Hub):
    """Watches each stream as a descriptor of the reactor."""

    def __init__(self, reactor: Any, ledger: Ledger, *, log: RelayLog) -> None:
        super().__init__(reactor, ledger, log=log)
        self._descriptors: dict[int, _Descriptor] = {}

    def add(self, stream: HubStream) -> None:
        super().add(stream)
        self._descriptors[stream.descriptor] = descriptor = _Descriptor(self, stream)
        self.reactor.addReader(descriptor)

    def change(self, descriptor: int, events: int) -> None:
        adapter = self._descriptors[descriptor]
        for event, add, remove in (
            (READ, self.reactor.addReader, self.reactor.removeReader),
            (WRITE, self.reactor.addWriter, self.reactor.removeWriter),
        ):
            (add if events & event else remove)(adapter)

    def remove(self, stream: HubStream) -> bool:
        descriptor = self._descriptors.pop(stream.descriptor, None)
        if descriptor is not None:
            self.reactor.removeReader(descriptor)
            self.reactor.removeWriter(descriptor)
        return super().remove(stream)


@implementer(IReadWriteDescriptor)
class _Descriptor:
    """Adapts one stream to the interfaces of the reactor."""

    def __init__(self, hub: Hub, stream: HubStream) -> None:
        self._hub = hub
        self._stream = stream

    def fileno(self) -> int:
        return self._stream.descriptor

    def logPrefix(self) -> str:
        return "Stream"

    def doRead(self) -> None:
        self._serve(READ)

    def doWrite(self) -> None:
        self._serve(WRITE)

    def connectionLost(self, reason: Failure) -> None:
        self._stream.lose(reason)

    def _serve(self, event: int) -> None:
        until = monotonic() + ROUND_SECONDS
        try:
            self._stream.ready(event)
        except Exception:
            self._hub.fail(self._stream)
        if monotonic() >= until:
            self._hub.on_long_round()
