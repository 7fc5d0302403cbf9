"""ReadGate: whether the relay reads from a device."""

from vaultrelay.broker.outbox import Outbox


class ReadGate:
    """Pauses a device while there is at least one reason not to read from it."""

    __slots__ = ("_outbox", "_reasons")

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        # None instead of an empty set, which takes more memory than the rest of the object.
        self._reasons: set[object] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the device is read."""
        return self._reasons is None

    def has_reason(self, reason: object) -> bool:
        """Return whether the device is not read for this reason, among others."""
        return self._reasons is not None and reason in self._reasons

    def add_reason(self, reason: object) -> None:
        """Do not read until this reason, and all others, are removed."""
        if self._reasons is None:
            self._reasons = {reason}
            self._outbox.pause()
        else:
            self._reasons.add(reason)

    def remove_reason(self, reason: object) -> None:
        """Read again if this was the last reason. Does nothing for one that was not added."""
        if self._reasons is not None:
            self._reasons.discard(reason)
            if not self._reasons:
                self._reasons = None
                self._outbox.resume()

    def close(self) -> None:
        """Drop all reasons without a resume: the connection ends."""
        self._reasons = None
