"""SendBuffer: the bytes of one stream that the kernel has not taken yet."""

from collections import deque
from collections.abc import Iterable
from itertools import islice

from vaultrelay.policy.limits.streams import PIECES_AT_ONCE

Piece = bytes | memoryview


class SendBuffer:
    """Pieces of bytes in order, without copies. `size` is the number of bytes."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque()
        self.size = 0

    def add(self, pieces: Iterable[Piece], sent: int = 0) -> None:
        """Add pieces, without their first `sent` bytes."""
        for piece in pieces:
            size = len(piece)
            if sent < size:
                self._pieces.append(memoryview(piece)[sent:] if sent else piece)
                self.size += size - sent
                sent = 0
            else:
                sent -= size

    def first(self) -> list[Piece]:
        """Return the next pieces, as many as one system call takes."""
        return list(islice(self._pieces, PIECES_AT_ONCE))

    def discard(self, sent: int) -> None:
        """Remove the first `sent` bytes."""
        self.size -= sent
        pieces = self._pieces
        while pieces and sent >= len(pieces[0]):
            sent -= len(pieces.popleft())
        if sent:
            pieces[0] = memoryview(pieces[0])[sent:]
