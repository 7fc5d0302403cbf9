"""Ledger: the count of all bytes that the relay holds, against one limit."""

from vaultrelay.policy.limits.streams import (
    MAX_READ_BYTES,
    MIN_READ_BYTES,
    ROOMY_BYTES,
    ROOMY_SHARE,
)


class Ledger:
    """Counts the bytes held. Holders add a size when they take bytes, and its negative later."""

    __slots__ = ("_roomy", "held", "is_over", "limit", "read_bytes")

    def __init__(self, limit: int) -> None:
        self.held = 0
        self.is_over = False
        """Whether more than `limit` is held. Updated at each change, since every read checks it."""
        self.read_bytes = MAX_READ_BYTES
        """The largest read of one stream, updated likewise: it shrinks as memory fills, so that
        many senders that are paused together cannot exceed the limit."""
        self.configure(limit)

    def add(self, size: int) -> None:
        """Count `size` more bytes; fewer if it is negative."""
        self.held += size
        self.is_over = self.held > self.limit
        self.read_bytes = MAX_READ_BYTES if self.held <= self._roomy else self._small_read()

    def configure(self, limit: int) -> None:
        """Apply another limit, in bytes, also to what is held already."""
        self.limit = limit
        self._roomy = min(limit // ROOMY_SHARE, ROOMY_BYTES)
        self.add(0)

    def _small_read(self) -> int:
        """Return the size of a read, which shrinks as more is held and less is free."""
        by_held = MAX_READ_BYTES * self._roomy // self.held
        free = max(self.limit - self.held, 0)
        by_free = MAX_READ_BYTES * free // max(self.limit - self._roomy, 1)
        return max(MIN_READ_BYTES, min(by_held, by_free))
