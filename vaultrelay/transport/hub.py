"""Hub: waits for all streams of the relay with one descriptor of Twisted's reactor, on Linux.

There, all streams are in one epoll object, which the reactor finds readable when any stream is
ready. On other systems the reactor has one descriptor for each stream.
"""

import select
from time import monotonic
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReadDescriptor, IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import EVENTS_AT_ONCE, ROUND_SECONDS
from vaultrelay.transport.deferred_streams import DeferredStreams

READ = getattr(select, "EPOLLIN", 1)
WRITE = getattr(select, "EPOLLOUT", 4)
ERROR = getattr(select, "EPOLLERR", 8)


class HubStream(Protocol):
    """A stream as its hub uses it. `descriptor` is -1 once the stream is closed."""

    descriptor: int

    @property
    def other_events(self) -> int:
        """The watched events beside input."""

    def read_again(self) -> None:
        """Watch for input again, if the protocol wants it."""

    def can_read(self) -> None:
        """Read once, even if no data is available."""

    def ready(self, events: int) -> None:
        """Handle any combination of events, including errors."""

    def abortConnection(self) -> None:
        """Reset the connection and discard unsent bytes."""

    def lose(self, reason: Failure) -> None:
        """Close the stream for this reason."""


class Hub(Service):
    """The streams of one relay, open while the service runs.

    `ledger` holds the number of bytes that a stream may read at once.
    """

    def __init__(self, reactor: Any, ledger: Ledger, *, log: RelayLog) -> None:
        self.reactor = reactor
        self.ledger = ledger
        self.log = log
        self._streams: dict[int, HubStream] = {}
        self._deferred = DeferredStreams(reactor, ledger)

    def defer(self, stream: HubStream) -> None:
        """Do not read from a stream until memory is freed."""
        self.change(stream.descriptor, stream.other_events)
        self._deferred.add(stream)

    def add(self, stream: HubStream) -> None:
        """Watch a stream for reading."""
        self._streams[stream.descriptor] = stream

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


@implementer(IReadDescriptor)
class EpollHub(Hub):
    """Watches all streams with one epoll object, which is one descriptor of the reactor."""

    _poller: Any = None

    def startService(self) -> None:
        super().startService()
        self._poller = select.epoll()
        self.reactor.addReader(self)

    def stopService(self) -> None:
        super().stopService()
        self.reactor.removeReader(self)
        self._poller.close()

    def add(self, stream: HubStream) -> None:
        self._poller.register(stream.descriptor, READ)
        super().add(stream)

    def change(self, descriptor: int, events: int) -> None:
        # epoll reports errors and hang-ups even for an empty set of events. One-shot, since a
        # paused stream does not read, so the same hang-up would be reported without end.
        self._poller.modify(descriptor, events or select.EPOLLONESHOT)

    def remove(self, stream: HubStream) -> bool:
        was_watched = super().remove(stream)
        if was_watched:
            self._poller.unregister(stream.descriptor)
        return was_watched

    # IReadDescriptor, called by the reactor.

    def fileno(self) -> int:
        return -1 if self._poller.closed else self._poller.fileno()

    def logPrefix(self) -> str:
        return "Hub"

    def doRead(self) -> None:
        """Serve one round of the ready streams, for a few milliseconds at most.

        Then the reactor serves timers, listeners and its other descriptors. The kernel moves a
        reported stream behind all others, so each batch has the next ones.
        """
        streams = self._streams
        poller = self._poller
        until = monotonic() + ROUND_SECONDS
        remaining = len(streams)
        while remaining > 0:
            events = poller.poll(0, EVENTS_AT_ONCE)
            for descriptor, event in events:
                stream = streams.get(descriptor)
                if stream is None:
                    # An earlier stream of this batch closed it. No new stream can have its
                    # number yet: listeners accept outside of this loop.
                    continue
                try:
                    if event == READ:
                        stream.can_read()
                    else:
                        stream.ready(event)
                except Exception:
                    self.fail(stream)
            if len(events) < EVENTS_AT_ONCE or monotonic() >= until or poller.closed:
                return
            remaining -= EVENTS_AT_ONCE

    def connectionLost(self, reason: Failure) -> None:
        """Close all streams when the reactor stops."""
        self.close_streams(reason)


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
        try:
            self._stream.ready(event)
        except Exception:
            self._hub.fail(self._stream)
