"""What goes out to one device: gathered within a batch, counted while its transport is full."""

from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vaultrelay.broker.outbox import Room
from vaultrelay.logs import log
from vaultrelay.policy.limits import CONTROL_RESERVE, HIGH_MARK
from vaultrelay.websocket.frames import binary_frame, frame_header

_COPY_BELOW = 32 * 1024
"""Bytes. A larger message goes to its receivers without a copy that has the header before it."""


class Batch:
    """All that one read of one connection makes go out: one write for each receiver.

    There is one for all connections, since they are read one after another.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.queues: list[SendQueue] = []
        self._message = self._frame = b""

    def begin(self) -> None:
        """Until `end`, each queue gathers what it is given."""
        self.is_open = True

    def end(self) -> None:
        """Send what was gathered."""
        self.is_open = False
        queues, self.queues = self.queues, []
        for queue in queues:
            try:
                queue.flush()
            except Exception:
                # One that cannot be written to must not keep the others from what is theirs.
                log.failure("A connection could not be written to")
                queue.transport.abortConnection()
        self._message = self._frame = b""

    def framed(self, message: bytes) -> bytes:
        """A message as a frame; made once for all receivers of a broadcast."""
        if message is not self._message:
            self._message, self._frame = message, binary_frame(message)
        return self._frame


class Drainable(Protocol):
    """Who wants to know when a queue is empty again."""

    def drained(self) -> None:
        """It is."""


@implementer(IPushProducer)
class SendQueue:
    """A producer to the transport of one device.

    The transport says `pauseProducing` when its buffer is full and `resumeProducing` when that is
    empty again; what is queued in between is counted here. `owner` is told then.
    """

    __slots__ = ("_batch", "_is_full", "_most", "_owner", "_pending", "_queued", "transport")

    def __init__(self, batch: Batch, most: int, owner: Drainable) -> None:
        self._batch = batch
        self._most = most
        self._owner = owner
        self._pending: list[bytes] | None = None
        self._queued = 0
        self._is_full = False
        self.transport: Any = None

    @property
    def is_full(self) -> bool:
        """Whether the transport's buffer is."""
        return self._is_full

    @property
    def room(self) -> Room:
        """OPEN, or HIGH above the high mark."""
        return Room.HIGH if self._is_full and self._queued > HIGH_MARK else Room.OPEN

    def deliver(self, message: bytes) -> Room:
        """See Outbox.deliver."""
        if self._is_full:
            if self._queued + len(message) > HIGH_MARK + self._most:
                return Room.FULL
            self._queued += len(message)
        if len(message) < _COPY_BELOW:
            self.write(self._batch.framed(message))
        else:
            self.write(frame_header(len(message)))
            self.write(message)
        return self.room if self._is_full else Room.OPEN

    def reserve(self, size: int) -> bool:
        """Count what goes out even to a full queue; whether there is room for it at all."""
        if not self._is_full:
            return True
        self._queued += size
        return self._queued <= HIGH_MARK + self._most + CONTROL_RESERVE

    def write(self, data: bytes) -> None:
        """Send, or add to what goes out in one write at the end of the batch."""
        if self._pending is not None:
            self._pending.append(data)
            return
        self._pending = [data]
        if self._batch.is_open:
            self._batch.queues.append(self)
        else:
            self.flush()

    def flush(self) -> None:
        """Send what the batch has gathered."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        was_full = self._is_full
        if len(pending) == 1:
            self.transport.write(pending[0])
        else:
            self.transport.writeSequence(pending)
        if self._is_full and not was_full:
            # What filled the transport's buffer lies in it; what came before was less than that.
            self._queued = sum(map(len, pending))

    def pauseProducing(self) -> None:
        # Twisted calls this at every write while its buffer is full.
        self._is_full = True

    def resumeProducing(self) -> None:
        self._is_full = False
        self._queued = 0
        self._owner.drained()

    def stopProducing(self) -> None:
        pass
