"""Ledger: the bytes that the relay holds for all its devices, against one limit."""

from vaultrelay.policy.limits import (
    LEAST_READ_BYTES,
    MOST_READ_BYTES,
    ROOMY_BYTES,
    ROOMY_SHARE,
)


class Ledger:
    """Counts what is held. Holders add, and take away by adding less than nothing."""

    __slots__ = ("_roomy", "held", "is_over", "limit", "read_bytes")

    def __init__(self, limit: int) -> None:
        self.held = 0
        self.is_over = False
        """Whether more is held than may be. Kept at each change, since every read asks for it."""
        self.read_bytes = MOST_READ_BYTES
        """The most that one stream may read at once, kept in the same way: less as memory fills, so
        that many senders that are paused together cannot hold more than there is."""
        self.change_limit(limit)

    def add(self, size: int) -> None:
        """Count so many bytes more."""
        self.held += size
        self.is_over = self.held > self.limit
        self.read_bytes = MOST_READ_BYTES if self.held <= self._roomy else self._small_read()

    def change_limit(self, limit: int) -> None:
        """Hold no more than this from now on."""
        self.limit = limit
        self._roomy = min(limit // ROOMY_SHARE, ROOMY_BYTES)
        self.add(0)

    def _small_read(self) -> int:
        """Return the size of a read, which falls as more is held and as less is free."""
        by_held = MOST_READ_BYTES * self._roomy // self.held
        free = max(self.limit - self.held, 0)
        by_free = MOST_READ_BYTES * free // max(self.limit - self._roomy, 1)
        return max(LEAST_READ_BYTES, min(by_held, by_free))
