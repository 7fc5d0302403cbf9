"""Ledger: the bytes that the relay holds for all its devices, against one limit."""


class Ledger:
    """Counts what is held. Holders add, and take away by adding less than nothing."""

    __slots__ = ("held", "is_over", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.is_over = False
        """Whether more is held than may be. Kept at each change, since every read asks for it."""

    def add(self, size: int) -> None:
        """Count so many bytes more."""
        self.held += size
        self.is_over = self.held > self.limit

    def change_limit(self, limit: int) -> None:
        """Hold no more than this from now on."""
        self.limit = limit
        self.add(0)
