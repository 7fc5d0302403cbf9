"""EventQueue: the events that wait for a device's `receive`."""

from twisted.internet.defer import DeferredQueue

from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.events import Closed, Event, Message
from vaultrelay.wire.mailbox import Item

UNRECEIVED_BYTES = 1024 * 1024
"""Of queued events. Above it the relay is not read, which slows the senders down."""
EVENT_BYTES = 512
"""The memory of an event beside its payload."""


class EventQueue:
    """Keeps the order of events, and stops reading the socket above UNRECEIVED_BYTES."""

    def __init__(self, socket: DeviceSocket) -> None:
        self._socket = socket
        self._events: DeferredQueue[Event | Closed] = DeferredQueue()
        self._bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether no event waits."""
        return not self._events.pending

    def put(self, event: Event | Closed) -> None:
        """Add an event, or give it to a waiting `get`."""
        self._bytes += _size(event)
        self._events.put(event)
        if self._bytes > UNRECEIVED_BYTES:
            self._socket.pause_reading()

    async def get(self) -> Event | Closed:
        """Return the next event."""
        event = await self._events.get()
        self._bytes -= _size(event)
        if self._bytes <= UNRECEIVED_BYTES:
            self._socket.resume_reading()
        return event


def _size(event: Event | Closed) -> int:
    return EVENT_BYTES + (len(event.payload) if isinstance(event, Message | Item) else 0)
