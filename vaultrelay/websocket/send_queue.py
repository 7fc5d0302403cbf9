"""What goes out to one device: gathered within a batch, held while its transport is full."""

from collections import deque
from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vaultrelay.broker.outbox import Room
from vaultrelay.logs import log
from vaultrelay.policy.budget import Budget
from vaultrelay.policy.limits import CONTROL_RESERVE, HIGH_MARK, LOW_MARK
from vaultrelay.websocket.frames import binary_frame, frame_header

_COPY_BELOW = 32 * 1024
"""Bytes. A larger message goes to its receivers without a copy that has the header before it."""
_FEED_BYTES = 64 * 1024
"""What a transport gets at a time of what waited for it. All it has is beyond recall."""


class Batch:
    """All that one read of one connection makes go out: one write for each receiver.

    There is one for all connections, since they are read one after another.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.is_open = False
        self.reader: Any = None
        self.queues: list[SendQueue] = []
        self._message = self._frame = b""

    def begin(self, reader: Any) -> None:
        """Until `end`, each queue gathers what it is given; `reader` is whose read it is."""
        self.is_open = True
        self.reader = reader

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
        self.reader = None
        self._message = self._frame = b""

    def framed(self, message: bytes) -> bytes:
        """A message as a frame; made once for all receivers of a broadcast."""
        if message is not self._message:
            self._message, self._frame = message, binary_frame(message)
        return self._frame


class QueueOwner(Protocol):
    """Who has a queue."""

    def filled_up(self) -> None:
        """It went above its high mark."""

    def drained(self) -> None:
        """It is below its low mark again."""


@implementer(IPushProducer)
class SendQueue:
    """A producer to the transport of one device, and what waits until that has room.

    The transport says `pauseProducing` when its buffer is full and `resumeProducing` when that is
    empty again. It gets little more than it can send, so that the rest can still be given up.
    """

    __slots__ = (
        "_batch",
        "_is_full",
        "_is_high",
        "_most",
        "_owner",
        "_pending",
        "_put",
        "_under_way",
        "_waiting",
        "held",
        "transport",
    )

    def __init__(self, batch: Batch, most: int, owner: QueueOwner) -> None:
        self._batch = batch
        self._most = most
        self._owner = owner
        self._pending: list[bytes] | None = None
        self._waiting: deque[bytes] | None = None
        self._is_full = False
        self._is_high = False
        self._under_way = 0
        self._put = 0
        self.held = 0
        """Bytes, while the transport is full: in its buffer, and waiting for it."""
        self.transport: Any = None

    @property
    def is_full(self) -> bool:
        """Whether the transport's buffer is."""
        return self._is_full

    @property
    def room(self) -> Room:
        """OPEN, or HIGH above the high mark."""
        return Room.HIGH if self._is_high else Room.OPEN

    @property
    def taken(self) -> int:
        """See Outbox.taken: what was put in, without what is here or not acknowledged."""
        unacknowledged = getattr(self.transport, "unacknowledged", None)
        return self._put - self.held - (unacknowledged() if unacknowledged else 0)

    def deliver(self, message: bytes) -> Room:
        """See Outbox.deliver."""
        if self._is_full and self.held + len(message) > HIGH_MARK + self._most:
            return Room.FULL
        if len(message) < _COPY_BELOW:
            self.write(self._batch.framed(message))
        else:
            self.write(frame_header(len(message)))
            self.write(message)
        return self.room if self._is_high else Room.OPEN

    def reserve(self, size: int) -> bool:
        """Whether there is room for what goes out even to a full queue."""
        return not self._is_full or self.held + size <= HIGH_MARK + self._most + CONTROL_RESERVE

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
        """Send what the batch has gathered, or hold it."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        if self._is_full:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.extend(pending)
            self._hold(sum(map(len, pending)))
        elif self._fills(pending):
            self._under_way = sum(map(len, pending))
            self._hold(self._under_way)

    def drop(self) -> None:
        """Give up what waits. What is under way counts no longer: it goes, or is cut off."""
        self._waiting = None
        self._release(self.held)
        self._under_way = 0

    def pauseProducing(self) -> None:
        # Twisted calls this at every write while its buffer is full.
        self._is_full = True

    def resumeProducing(self) -> None:
        self._is_full = False
        self._release(self._under_way)
        self._under_way = 0
        waiting = self._waiting
        while waiting:
            pieces: list[bytes] = []
            size = 0
            while waiting and size < _FEED_BYTES:
                pieces.append(waiting.popleft())
                size += len(pieces[-1])
            if self._fills(pieces):
                self._under_way = size
                break
            self._release(size)
        if not waiting:
            self._waiting = None
        if self._is_high and self.held <= LOW_MARK:
            self._is_high = False
            self._owner.drained()

    def stopProducing(self) -> None:
        pass

    def _fills(self, pieces: list[bytes]) -> bool:
        """Send; whether the transport is full now."""
        if len(pieces) == 1:
            self.transport.write(pieces[0])
        else:
            self.transport.writeSequence(pieces)
        return self._is_full

    def _hold(self, size: int) -> None:
        self._put += size
        self.held += size
        self._batch.budget.held += size
        if not self._is_high and self.held > HIGH_MARK:
            self._is_high = True
            self._owner.filled_up()

    def _release(self, size: int) -> None:
        self.held -= size
        self._batch.budget.held -= size
