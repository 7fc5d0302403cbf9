"""SendQueue: the frames to one device, gathered within a batch, held while its transport is
full."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session
from vaultrelay.policy.limits.memory import CONTROL_RESERVE, HIGH_MARK, LOW_MARK
from vaultrelay.policy.limits.streams import MAX_READ_BYTES, MIN_READ_BYTES
from vaultrelay.websocket.batch import Batch
from vaultrelay.websocket.frame_buffer import COPY_BELOW, FrameBuffer, Pieces
from vaultrelay.websocket.frame_writer import binary_frames, frame_header
from vaultrelay.websocket.interfaces import QueueOwner


@implementer(IPushProducer)
class SendQueue:
    """A producer to the transport of one device, and the frames that wait for its room.

    The transport calls `pauseProducing` when the kernel takes no more, and `resumeProducing` when
    all is taken. It gets one message, or little more than the kernel takes. The rest waits here,
    where it can be counted and dropped. While the transport has room nothing is held.
    """

    __slots__ = (
        "_batch",
        "_buffer",
        "_is_high",
        "_maximum",
        "_on_empty",
        "_pending",
        "_put",
        "_under_way",
        "is_full",
        "owner",
        "transport",
    )

    def __init__(self, batch: Batch, maximum: int) -> None:
        self._batch = batch
        self._maximum = maximum
        self.owner: QueueOwner | None = None
        self._on_empty: Callable[[], object] | None = None
        self._pending: list[bytes] | None = None
        self._buffer: FrameBuffer | None = None
        self.is_full = False
        """Whether the transport takes no more."""
        self._is_high = False
        self._under_way = 0
        """Bytes in the last write to the transport, until it has passed all of them on."""
        self._put = 0
        """All bytes ever held."""
        self.transport: Any = None

    @property
    def room(self) -> Room:
        """OPEN, or HIGH above the high mark."""
        return Room.HIGH if self._is_high else Room.OPEN

    @property
    def held(self) -> int:
        """Bytes that wait, here or in the transport."""
        return self._under_way if self._buffer is None else self._under_way + self._buffer.size

    @property
    def shared_bytes(self) -> int:
        """Those of broadcasts that wait here, which are in memory once for all receivers."""
        return 0 if self._buffer is None else self._buffer.shared_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes in memory on their way to the device."""
        # A stream without TLS has nothing of that kind.
        return self.held + int(getattr(self.transport, "tls_bytes", 0))

    @property
    def bytes_taken(self) -> int:
        """See Outbox.bytes_taken: of all bytes ever held, those that are acknowledged."""
        unacknowledged = getattr(self.transport, "unacknowledged", None)
        if unacknowledged is None:
            return self._put - self.held
        waiting = 0 if self._buffer is None else self._buffer.size
        return int(self._put - waiting - unacknowledged())

    def call_when_empty(self, callback: Callable[[], object]) -> bool:
        """See Outbox.call_when_empty."""
        is_waiting = self.held > 0
        if is_waiting:
            self._on_empty = callback
        return is_waiting

    def deliver(self, messages: list[bytes], is_broadcast: bool) -> Room:
        """See Outbox.deliver."""
        if self.is_full and self.held + len(messages[0]) > HIGH_MARK + self._maximum:
            return Room.FULL
        if is_broadcast:
            self.write(self._batch.shared_frames(messages))
        elif len(messages[0]) < COPY_BELOW:
            self.write(binary_frames(messages))
        else:
            for message in messages:
                self._write_all([frame_header(len(message)), message])
        return Room.HIGH if self._is_high else Room.OPEN

    def reserve(self, size: int) -> bool:
        """Return whether there is room for frames that are sent even to a full queue."""
        return not self.is_full or self.held + size <= HIGH_MARK + self._maximum + CONTROL_RESERVE

    def write(self, frame: bytes) -> None:
        """Send, or add to the one write at the end of the batch."""
        if self._pending is not None:
            self._pending.append(frame)
        else:
            self._write_all([frame])

    def flush(self, sender: Session | None = None) -> None:
        """Send what the batch has gathered, which came from `sender`, if any."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._send(pending)
            if self._is_high and sender is not None and self.owner is not None:
                self.owner.hold_sender(sender)

    def drop(self) -> None:
        """Drop the waiting frames, except those of which the transport has a part."""
        if self._buffer is not None:
            self._buffer.drop()
            self._forget_empty()

    def clear(self) -> None:
        """Drop everything: the transport is gone, or will not keep its part."""
        if self._buffer is not None:
            self._buffer.clear()
        self._buffer = self._pending = None
        self._release()

    def close(self) -> None:
        """Drop everything, since the connection is gone."""
        self.clear()
        self.owner = self.transport = self._on_empty = None

    def end(self) -> None:
        """Give the transport all waiting frames, and close it after them."""
        # It will not ask for them any more.
        self.transport.unregisterProducer()
        self.flush()
        while self._buffer is not None:
            frames, size = self._take()
            self._under_way += size
            self._fills(frames)
        self.transport.loseConnection()

    def pauseProducing(self) -> None:
        # Twisted calls this at every write while it holds something.
        self.is_full = True

    def resumeProducing(self) -> None:
        self.is_full = False
        self._release()
        self._send_waiting()
        if self._is_high and self.held <= LOW_MARK:
            self._is_high = False
            if self.owner is not None:
                self.owner.queue_drained()
        if self._on_empty is not None and not self.is_full:
            callback, self._on_empty = self._on_empty, None
            callback()

    def stopProducing(self) -> None:
        pass

    def _write_all(self, pieces: list[bytes]) -> None:
        """Do the same as `write`, for frames in pieces that must stay together."""
        if self._pending is not None:
            self._pending += pieces
        elif self.is_full:
            # At once, so that the next message is judged by it.
            self._wait(pieces)
        elif self._batch.is_open:
            self._pending = pieces
            self._batch.queues.append(self)
        else:
            self._send(pieces)

    def _send(self, frames: list[bytes]) -> None:
        if self.is_full:
            self._wait(frames)
        elif self._batch.ledger.is_pressed or len(frames[-1]) > MAX_READ_BYTES:
            # In parts: what the transport has is held for this receiver alone, with TLS as records.
            self._put += self._buffer_frames(frames)
            self._send_waiting()
            self._note_high()
        elif self._fills(frames):
            # The transport keeps each piece whole until its last byte is taken.
            self._under_way = size = sum(map(len, frames))
            self._put += size
            self._batch.ledger.add(size)
            self._note_high()

    def _send_waiting(self) -> None:
        """Send from the buffer until the transport is full."""
        while self._buffer is not None and not self.is_full:
            frames, self._under_way = self._take()
            if not self._fills(frames):
                self._release()

    def _fills(self, frames: Sequence[bytes | memoryview]) -> bool:
        """Send; return whether the transport is full now."""
        if len(frames) == 1:
            self.transport.write(frames[0])
        else:
            self.transport.writeSequence(frames)
        return self.is_full

    def _wait(self, frames: list[bytes]) -> None:
        self._put += self._buffer_frames(frames)
        self._note_high()

    def _buffer_frames(self, frames: list[bytes]) -> int:
        if self._buffer is None:
            self._buffer = FrameBuffer(self._batch.ledger)
        return self._buffer.add(frames, self._batch.shared)

    def _take(self) -> tuple[Pieces, int]:
        """Return the next waiting frames; they are held until the transport has passed them on."""
        assert self._buffer is not None  # noqa: S101  for the type checker
        taken = self._buffer.take(self._batch.ledger.read_bytes or MIN_READ_BYTES)
        self._forget_empty()
        return taken

    def _forget_empty(self) -> None:
        if self._buffer is not None and not self._buffer.size:
            self._buffer = None

    def _note_high(self) -> None:
        """Report that the queue went above its high mark."""
        if not self._is_high and self.held > HIGH_MARK:
            self._is_high = True
            if self.owner is not None:
                self.owner.queue_full()

    def _release(self) -> None:
        """Count no more what was under way."""
        self._batch.ledger.add(-self._under_way)
        self._under_way = 0
