"""FrameBuffer: frames that wait until the transport of a device has room."""

from collections import deque
from collections.abc import Mapping

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.streams import PIECES_AT_ONCE
from vaultrelay.websocket.shared_frame import SharedFrame

Pieces = list[bytes | memoryview]

COPY_BELOW = 32 * 1024
"""Bytes. Larger frames of a single receiver are not copied."""
_CHUNK_BYTES = 64 * 1024
_WHOLE_BYTES = 68 * 1024
"""A message of 64 KiB with its headers, and less."""


class FrameBuffer:
    """Whole frames in order, `size` bytes, counted in the ledger.

    Small ones are joined: as single objects they would take several times the memory of their
    bytes, and the ledger counts the bytes. Frames of a broadcast are held, and counted, once for
    all receivers. `shared_bytes` is their part of `size`.
    """

    __slots__ = ("_chunks", "_ledger", "_shared", "_started", "shared_bytes", "size")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._chunks: deque[list[bytes] | bytearray | SharedFrame] = deque()
        self._started: deque[bytes | memoryview] = deque()
        """The rest of the frames that were taken in part."""
        self._shared: SharedFrame | None = None
        """The frame of a broadcast to which these bytes belong."""
        self.size = self.shared_bytes = 0

    def add(self, frames: list[bytes], shared: Mapping[int, SharedFrame]) -> int:
        """Add frames, which may come in pieces; return their size.

        `shared` has the frames of broadcasts, by the id of their bytes.
        """
        size = sum(map(len, frames))
        self.size += size
        if not shared:
            self._add_private(frames, size)
            return size
        private: list[bytes] = []
        for frame in frames:
            if id(frame) not in shared:
                private.append(frame)
                continue
            self._add_private(private, sum(map(len, private)))
            private = []
            broadcast = shared[id(frame)]
            broadcast.hold()
            self._chunks.append(broadcast)
            self.shared_bytes += len(frame)
        self._add_private(private, sum(map(len, private)))
        return size

    def take(self, maximum: int) -> tuple[Pieces, int]:
        """Take the next bytes: about 64 KiB of small frames, a frame of that size, or `maximum` of
        a larger one.

        Returns them and their size, which remains counted in the ledger.
        """
        if not self._started:
            self._start(self._chunks.popleft())
        if self._shared is None:
            # With TLS the transport has a copy: of a whole frame it is the only one.
            maximum = max(maximum, _WHOLE_BYTES)
        taken: Pieces = []
        size = 0
        while self._started and size < maximum:
            piece = self._started.popleft()
            if len(piece) > maximum - size:
                piece = self._cut(piece, maximum - size)
            taken.append(piece)
            size += len(piece)
        self.size -= size
        if self._shared is not None:
            self.shared_bytes -= size
            self._ledger.add(size)
            self._release_taken()
        return taken, size

    def drop(self) -> None:
        """Drop all frames but the rest of one that was taken in part."""
        kept = sum(map(len, self._started))
        shared_kept = kept if self._shared is not None else 0
        self._ledger.add(-(self.size - kept - (self.shared_bytes - shared_kept)))
        for chunk in self._chunks:
            if isinstance(chunk, SharedFrame):
                chunk.release()
        self._chunks.clear()
        self.size, self.shared_bytes = kept, shared_kept

    def clear(self) -> None:
        """Drop all bytes."""
        self.drop()
        if self._shared is None:
            self._ledger.add(-self.size)
        self._started.clear()
        self._release_taken()
        self.size = self.shared_bytes = 0

    def _add_private(self, frames: list[bytes], size: int) -> None:
        if not size:
            return
        self._ledger.add(size)
        if size >= COPY_BELOW and len(frames) <= PIECES_AT_ONCE:
            self._chunks.append(frames)
            return
        last = self._chunks[-1] if self._chunks else None
        if not isinstance(last, bytearray) or len(last) >= _CHUNK_BYTES:
            last = bytearray()
            self._chunks.append(last)
        last += b"".join(frames)

    def _start(self, chunk: list[bytes] | bytearray | SharedFrame) -> None:
        if isinstance(chunk, SharedFrame):
            self._shared = chunk
            self._started.append(chunk.frame)
        elif isinstance(chunk, bytearray):
            self._started.append(bytes(chunk))
        else:
            self._started.extend(chunk)

    def _cut(self, piece: bytes | memoryview, size: int) -> memoryview:
        """Return the first `size` bytes of a frame, and keep the rest."""
        view = memoryview(piece)
        rest = view[size:]
        if self._shared is None and 2 * len(rest) <= len(view.obj):  # type: ignore[arg-type]  # a view of bytes or of a bytearray
            # Of a view all of the frame stays in memory, at most twice what the ledger counts.
            rest = memoryview(bytes(rest))
        self._started.appendleft(rest)
        return view[:size]

    def _release_taken(self) -> None:
        if self._shared is not None and not self._started:
            self._shared.release()
            self._shared = None
