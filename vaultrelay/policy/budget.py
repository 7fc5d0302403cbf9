"""Budget: the bytes that the relay holds for all its devices, against one limit."""


class Budget:
    """Counts what is held. Holders add and remove their own; who looks after it asks `is_over`."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @property
    def is_over(self) -> bool:
        """Whether more is held than may be."""
        return self.held > self.limit
