"""FrameBuffer: frames that wait until the transport of a device has room."""

from collections import deque

from vaultrelay.policy.limits.streams import PIECES_AT_ONCE

COPY_BELOW = 32 * 1024
"""Bytes. A larger message is one object for all receivers, beside its header: no copy has both."""
_CHUNK_BYTES = 64 * 1024


class FrameBuffer:
    """Whole frames in order, `size` bytes. Small ones are joined: as single objects they would take
    several times the memory of their bytes, and the ledger counts the bytes."""

    __slots__ = ("_chunks", "size")

    def __init__(self) -> None:
        self._chunks: deque[list[bytes] | bytearray] = deque()
        self.size = 0

    def add(self, frames: list[bytes]) -> int:
        """Add frames, which may come in pieces; return their size."""
        size = sum(map(len, frames))
        self.size += size
        if size >= COPY_BELOW and len(frames) <= PIECES_AT_ONCE:
            self._chunks.append(frames)
            return size
        last = self._chunks[-1] if self._chunks else None
        if not isinstance(last, bytearray) or len(last) >= _CHUNK_BYTES:
            last = bytearray()
            self._chunks.append(last)
        last += b"".join(frames)
        return size

    def take(self) -> tuple[list[bytes], int]:
        """Take the next frames, some 64 KiB or one message; return them and their size."""
        chunk = self._chunks.popleft()
        frames = [bytes(chunk)] if isinstance(chunk, bytearray) else chunk
        size = sum(map(len, frames))
        self.size -= size
        return frames, size
