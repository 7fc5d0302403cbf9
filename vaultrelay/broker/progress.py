"""Progress: whether something grows fast enough to be waited for."""

from vaultrelay.policy.limits import PROGRESS_BYTES


class Progress:
    """When something last grew by PROGRESS_BYTES; what is counted never gets less."""

    __slots__ = ("at", "count")

    def __init__(self, count: int, now: float) -> None:
        self.count = count
        self.at = now

    def excuse(self, gap: float) -> None:
        """Count no deadline for so many seconds."""
        self.at += gap

    def look(self, count: int, now: float) -> float:
        """Seconds since the last progress."""
        if count - self.count >= PROGRESS_BYTES:
            self.count = count
            self.at = now
        return now - self.at


class MessageProgress(Progress):
    """Of a message that is not whole yet: the one after so many data messages."""

    __slots__ = ("after",)

    def __init__(self, after: int, count: int, now: float) -> None:
        super().__init__(count, now)
        self.after = after
