"""Hub: waits for all streams of the relay, as few descriptors of Twisted's reactor as possible.

On Linux all streams are in one epoll object, which the reactor finds readable when any of them is
ready. Elsewhere each stream is a descriptor of the reactor's own.
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

READ = getattr(select, "EPOLLIN", 1)
WRITE = getattr(select, "EPOLLOUT", 4)
ERROR = getattr(select, "EPOLLERR", 8)


class HubStream(Protocol):
    """What a hub needs to know of a stream. `descriptor` is -1 once the stream is closed."""

    descriptor: int

    def can_read(self) -> None:
        """Read once; nothing may be there."""

    def ready(self, events: int) -> None:
        """Handle any combination of events, those of errors included."""

    def abortConnection(self) -> None:
        """Close at once, and discard what is unsent."""

    def lose(self, reason: Failure) -> None:
        """Close, for this reason."""


class Hub(Service):
    """The streams of one relay, open while the service runs.

    `ledger` has the number of bytes that a stream may read at once.
    """

    def __init__(self, reactor: Any, ledger: Ledger, *, log: RelayLog) -> None:
        self.reactor = reactor
        self.ledger = ledger
        self.log = log
        self._streams: dict[int, HubStream] = {}

    def add(self, stream: HubStream) -> None:
        """Watch a stream, for reading."""
        self._streams[stream.descriptor] = stream

    def change(self, descriptor: int, events: int) -> None:
        """Watch the stream of this descriptor for these events from now on."""

    def remove(self, stream: HubStream) -> bool:
        """Watch a stream no longer; returns whether it was watched."""
        return self._streams.pop(stream.descriptor, None) is not None

    def stopService(self) -> None:
        super().stopService()
        self.close_streams(Failure(ConnectionLost()))

    def close_streams(self, reason: Failure) -> None:
        """Close all streams, for this reason."""
        for stream in tuple(self._streams.values()):
            try:
                stream.lose(reason)
            except Exception:
                self.fail(stream)

    def fail(self, stream: HubStream) -> None:
        """Log the exception at hand and end the connection that raised it, and no other."""
        self.log.failure("A connection failed")
        stream.abortConnection()


def make_hub(reactor: Any, ledger: Ledger, *, log: RelayLog) -> Hub:
    """Returns the hub that serves most connections on this system."""
    return (EpollHub if hasattr(select, "epoll") else ReactorHub)(reactor, ledger, log=log)


@implementer(IReadDescriptor)
class EpollHub(Hub):
    """All streams in one epoll object, which is one descriptor of the reactor."""

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
        # epoll reports errors and hang-ups even for an empty set of events. Once is enough: a
        # paused stream does not read, so the same hang-up would be reported without end.
        self._poller.modify(descriptor, events or select.EPOLLONESHOT)

    def remove(self, stream: HubStream) -> bool:
        was_watched = super().remove(stream)
        if was_watched:
            self._poller.unregister(stream.descriptor)
        return was_watched

    # The reactor calls these.

    def fileno(self) -> int:
        return -1 if self._poller.closed else self._poller.fileno()

    def logPrefix(self) -> str:
        return "Hub"

    def doRead(self) -> None:
        """Serve one round of the streams that are ready, and only for a few milliseconds.

        Timers, listening ports and other descriptors of the reactor then have their turn. The
        kernel puts a stream that was reported behind all others, so that each batch has the next.
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
                    # It was closed by one before it. No other can have its number: ports accept
                    # in turns of their own.
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
        """The reactor stops."""
        self.close_streams(reason)


class ReactorHub(Hub):
    """Each stream as a descriptor of the reactor."""

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
    """One stream, as a reactor wants it."""

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
