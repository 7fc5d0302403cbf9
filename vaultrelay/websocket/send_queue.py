"""What goes out to one device: gathered within a batch, held while its transport is full."""

from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vaultrelay.broker.outbox import Room
from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import CONTROL_RESERVE, HIGH_MARK, LOW_MARK
from vaultrelay.websocket.frames import binary_frame, frame_header
from vaultrelay.websocket.unsent import Unsent

_COPY_BELOW = 32 * 1024
"""Bytes. A larger message goes to its receivers without a copy that has the header before it."""


class Batch:
    """All that one read of one connection makes go out: one write for each receiver.

    There is one for all connections, since they are read one after another.
    """

    def __init__(self, ledger: Ledger, *, log: RelayLog) -> None:
        self.ledger = ledger
        self._log = log
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
                self._log.failure("A connection could not be written to")
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

    def queue_full(self) -> None:
        """It went above its high mark."""

    def queue_drained(self) -> None:
        """It is below its low mark again."""


@implementer(IPushProducer)
class SendQueue:
    """A producer to the transport of one device, and what waits until that has room.

    The transport says `pauseProducing` when the kernel takes no more, and `resumeProducing` when
    all is taken. It gets one message, or little more than the kernel takes. The rest waits here,
    where it can be counted and given up. While the transport has room nothing is held.
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
        "_unsent",
        "held",
        "transport",
    )

    def __init__(self, batch: Batch, most: int, owner: QueueOwner) -> None:
        self._batch = batch
        self._most = most
        self._owner = owner
        self._pending: list[bytes] | None = None
        self._unsent: Unsent | None = None
        self._is_full = False
        self._is_high = False
        self._under_way = 0
        """Bytes that the transport was given last, and has not passed on whole."""
        self._put = 0
        """All that was ever held."""
        self.held = 0
        """Bytes that wait, here or in the transport; counted in the ledger."""
        self.transport: Any = None

    @property
    def room(self) -> Room:
        """OPEN, or HIGH above the high mark."""
        return Room.HIGH if self._is_high else Room.OPEN

    @property
    def bytes_taken(self) -> int:
        """See Outbox.bytes_taken: of what was ever held, all that is acknowledged."""
        unacknowledged = getattr(self.transport, "unacknowledged", None)
        if unacknowledged is None:
            return self._put - self.held
        waiting = 0 if self._unsent is None else self._unsent.size
        return int(self._put - waiting - unacknowledged())

    def deliver(self, message: bytes) -> Room:
        """See Outbox.deliver."""
        if self._is_full and self.held + len(message) > HIGH_MARK + self._most:
            return Room.FULL
        if len(message) < _COPY_BELOW:
            self.write(self._batch.framed(message))
        else:
            self._write_all([frame_header(len(message)), message])
        return Room.HIGH if self._is_high else Room.OPEN

    def reserve(self, size: int) -> bool:
        """Whether there is room for what goes out even to a full queue."""
        return not self._is_full or self.held + size <= HIGH_MARK + self._most + CONTROL_RESERVE

    def write(self, frame: bytes) -> None:
        """Send, or add to what goes out in one write at the end of the batch."""
        if self._pending is not None:
            self._pending.append(frame)
        else:
            self._write_all([frame])

    def flush(self) -> None:
        """Send what the batch has gathered."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._send(pending)

    def drop(self) -> None:
        """Give up what waits, but for what the transport has already."""
        if self._unsent is not None:
            self._release(self._unsent.size)
            self._unsent = None

    def clear(self) -> None:
        """Give up everything: the transport is gone, or will not keep what it has."""
        self._unsent = self._pending = None
        self._release(self.held)
        self._under_way = 0

    def hand_over(self) -> None:
        """Give the transport all that waits, since it will not ask for it any more."""
        self.flush()
        while self._unsent is not None:
            frames, size = self._take()
            self._under_way += size
            self._fills(frames)

    def pauseProducing(self) -> None:
        # Twisted calls this at every write while it holds something.
        self._is_full = True

    def resumeProducing(self) -> None:
        self._is_full = False
        self._release(self._under_way)
        self._under_way = 0
        while self._unsent is not None and not self._is_full:
            frames, size = self._take()
            if self._fills(frames):
                self._under_way = size
            else:
                self._release(size)
        if self._is_high and self.held <= LOW_MARK:
            self._is_high = False
            self._owner.queue_drained()

    def stopProducing(self) -> None:
        pass

    def _write_all(self, pieces: list[bytes]) -> None:
        """The same as `write`, for frames in pieces that must not be parted."""
        if self._pending is not None:
            self._pending += pieces
        elif self._is_full:
            # At once, so that the next message is judged by it.
            self._wait(pieces)
        elif self._batch.is_open:
            self._pending = pieces
            self._batch.queues.append(self)
        else:
            self._send(pieces)

    def _send(self, frames: list[bytes]) -> None:
        if self._is_full:
            self._wait(frames)
        elif self._fills(frames):
            # The transport keeps each piece whole until its last byte is taken.
            self._under_way = sum(map(len, frames))
            self._hold(self._under_way)

    def _fills(self, frames: list[bytes]) -> bool:
        """Send; whether the transport is full now."""
        if len(frames) == 1:
            self.transport.write(frames[0])
        else:
            self.transport.writeSequence(frames)
        return self._is_full

    def _wait(self, frames: list[bytes]) -> None:
        if self._unsent is None:
            self._unsent = Unsent()
        self._hold(self._unsent.add(frames))

    def _take(self) -> tuple[list[bytes], int]:
        """The next of what waits; they are held until the transport has passed them on."""
        assert self._unsent is not None  # noqa: S101  for the type checker
        taken = self._unsent.take()
        if not self._unsent.size:
            self._unsent = None
        return taken

    def _hold(self, size: int) -> None:
        self._put += size
        self.held += size
        self._batch.ledger.add(size)
        if not self._is_high and self.held > HIGH_MARK:
            self._is_high = True
            self._owner.queue_full()

    def _release(self, size: int) -> None:
        self.held -= size
        self._batch.ledger.add(-size)
