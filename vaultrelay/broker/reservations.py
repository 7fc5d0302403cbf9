"""Reservations: the messages that may end though memory is short."""

from vaultrelay.broker.pressed_reader import PressedReader, is_reserved, missing_bytes
from vaultrelay.policy.limits.memory import PROGRESS_BYTES


class Reservations:
    """The connections with a reservation for the rest of their message.

    `last` is the one with the reservation in the last part of the memory, if there is one.
    """

    def __init__(self) -> None:
        self._missing: dict[PressedReader, int] = {}
        """The bytes that were missing at the last look at the progress."""
        self.last: PressedReader | None = None
        self.failed_at: dict[PressedReader, float] = {}
        """When the first reservation of a message that still does not go on was taken back."""

    def __len__(self) -> int:
        return len(self._missing)

    def add(self, reader: PressedReader) -> None:
        """Reserve the rest of the message of a connection."""
        if reader.partial is not None:
            self._missing[reader] = reader.partial.missing_bytes
            reader.partial.reserve()
            reader.transport.read_again()

    def forget(self, reader: PressedReader) -> None:
        """Drop a closed connection."""
        self._missing.pop(reader, None)
        self.failed_at.pop(reader, None)
        self.prune()

    def prune(self) -> None:
        """Forget reservations that were used."""
        for reader in [each for each in self._missing if not is_reserved(each)]:
            del self._missing[reader]
            self.failed_at.pop(reader, None)
        if self.last not in self._missing:
            self.last = None

    def take_back(self, now: float) -> list[PressedReader]:
        """Take back the reservations without progress since the last look; return whose."""
        slow: list[PressedReader] = []
        for reader, before in tuple(self._missing.items()):
            missing = missing_bytes(reader)
            if reader.partial is not None and before - missing < min(PROGRESS_BYTES, before):
                slow.append(reader)
                self.failed_at.setdefault(reader, now)
                reader.partial.unreserve()
                del self._missing[reader]
            else:
                self.failed_at.pop(reader, None)
                self._missing[reader] = missing
        self.prune()
        return slow
