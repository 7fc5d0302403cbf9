"""EpollGroup: streams that share one epoll object, which is one descriptor of the reactor."""

import select
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.native import has_twin
from vaultrelay.transport.hub_stream import READ, HubStream


class GroupHub(Protocol):
    """The hub of a group."""

    def fail(self, stream: HubStream) -> None:
        """Log the current exception, and abort only the connection that raised it."""

    def close_streams(self, reason: Failure) -> None:
        """Close all streams for this reason."""


@has_twin("streams")
def serve_ready(
    poller: "select.epoll",
    streams: dict[int, HubStream],
    at_once: int,
    fail: Callable[[HubStream], None],
) -> int:
    """Serve the streams that are ready, `at_once` at most; return the number of their events."""
    events = poller.poll(0, at_once)
    for descriptor, event in events:
        stream = streams.get(descriptor)
        if stream is None:
            # An earlier stream of these closed it. No new stream can have its number yet:
            # listeners accept outside of this loop.
            continue
        try:
            if event == READ:
                stream.can_read()
            else:
                stream.ready(event)
        except Exception:
            fail(stream)
    return len(events)


@implementer(IReadDescriptor)
class EpollGroup:
    """Watches some of a hub's `streams`, by their descriptors.

    A round takes `at_once` events at a time, until `seconds` have passed or no stream is ready;
    `round_ended` is called with whether all that were ready have been served, and `long_round`
    after a round that took longer.
    """

    def __init__(
        self,
        streams: dict[int, HubStream],
        at_once: int,
        seconds: float,
        hub: GroupHub,
        *,
        round_ended: Callable[[bool], None] | None = None,
        long_round: Callable[[], None] | None = None,
    ) -> None:
        self._streams = streams
        self._at_once = at_once
        self._seconds = seconds
        self._hub = hub
        self._round_ended = round_ended
        self._long_round = long_round
        self._poller = select.epoll()

    def add(self, descriptor: int, events: int) -> None:
        """Watch a descriptor for these events."""
        self._poller.register(descriptor, _mask(events))

    def change(self, descriptor: int, events: int) -> None:
        """Change the watched events of a descriptor."""
        self._poller.modify(descriptor, _mask(events))

    def remove(self, descriptor: int) -> None:
        """Stop watching a descriptor."""
        self._poller.unregister(descriptor)

    def close(self) -> None:
        """Close the epoll object."""
        self._poller.close()

    # IReadDescriptor, called by the reactor.

    def fileno(self) -> int:
        return -1 if self._poller.closed else self._poller.fileno()

    def logPrefix(self) -> str:
        return "Hub"

    def doRead(self) -> None:
        """Serve one round of the ready streams, for a few milliseconds at most.

        Then the reactor serves the other group, timers, listeners and its other descriptors. The
        kernel moves a reported stream behind all others, so each batch has the next ones.
        """
        streams, poller, at_once = self._streams, self._poller, self._at_once
        until = monotonic() + self._seconds
        remaining = len(streams)
        is_complete = is_long = False
        while remaining > 0:
            is_complete = serve_ready(poller, streams, at_once, self._hub.fail) < at_once
            is_long = monotonic() >= until
            if is_complete or is_long or poller.closed:
                break
            remaining -= at_once
        if is_long and self._long_round is not None:
            self._long_round()
        if self._round_ended is not None and not poller.closed:
            # The last event may have been the last one of all.
            self._round_ended(is_complete or not poller.poll(0, 1))

    def connectionLost(self, reason: Failure) -> None:
        """Close all streams when the reactor stops."""
        self._hub.close_streams(reason)


def _mask(events: int) -> int:
    # epoll reports errors and hang-ups even for an empty set of events. One-shot, since a paused
    # stream does not read, so the same hang-up would be reported without end.
    return events or select.EPOLLONESHOT
