"""Reservations: the messages that may end though memory is short."""

from typing import NamedTuple

from vaultrelay.broker.pressed_reader import PressedReader, gate_of, is_reserved, missing_bytes
from vaultrelay.policy.limits.memory import PROGRESS_BYTES, UNFINISHED_SECONDS
from vaultrelay.policy.limits.pressure import PRESSURE_TICK_SECONDS


class _Failures(NamedTuple):
    """The reservations of a message that were taken back, since it last made progress."""

    first_at: float
    times: int


class Reservations:
    """The connections with a reservation for the rest of their message.

    `last` is the one with the reservation in the last part of the memory, if there is one.
    """

    def __init__(self) -> None:
        self._missing: dict[PressedReader, int] = {}
        """The bytes that were missing at the last look at the progress."""
        self.last: PressedReader | None = None
        self._failures: dict[PressedReader, _Failures] = {}

    def __len__(self) -> int:
        return len(self._missing)

    @property
    def has_last(self) -> bool:
        """Whether the last part of the memory is reserved."""
        return self.last is not None and is_reserved(self.last)

    def add(self, reader: PressedReader) -> None:
        """Reserve the rest of the message of a connection."""
        if reader.partial is not None:
            self._missing[reader] = reader.partial.missing_bytes
            reader.partial.reserve()
            reader.read_again()

    def forget(self, reader: PressedReader) -> None:
        """Drop a closed connection."""
        self._missing.pop(reader, None)
        self._failures.pop(reader, None)
        if self.last is reader:
            self.last = None

    def forget_failures(self) -> None:
        """Drop those of a time when memory was short before."""
        self._failures.clear()

    def failed_before(self, moment: float) -> set[PressedReader]:
        """Return those that had a reservation for a message without progress since this moment."""
        return {reader for reader, each in self._failures.items() if each.first_at <= moment}

    def is_given_up(self, reader: PressedReader) -> bool:
        """Return whether a message could have been sent for UNFINISHED_SECONDS, and was not."""
        failures = self._failures.get(reader)
        return failures is not None and failures.times * PRESSURE_TICK_SECONDS >= UNFINISHED_SECONDS

    def prune(self) -> None:
        """Forget reservations that were used. To be called every tick."""
        for reader in [each for each in self._missing if not is_reserved(each)]:
            self.forget(reader)

    def take_back(self, now: float) -> list[PressedReader]:
        """Take back the reservations without progress since the last look; return their readers."""
        slow: list[PressedReader] = []
        for reader, before in tuple(self._missing.items()):
            missing = missing_bytes(reader)
            if reader.partial is not None and before - missing < min(PROGRESS_BYTES, before):
                slow.append(reader)
                self._count_failure(reader, now)
                reader.partial.unreserve()
                del self._missing[reader]
            else:
                self._failures.pop(reader, None)
                self._missing[reader] = missing
        return slow

    def _count_failure(self, reader: PressedReader, now: float) -> None:
        gate = gate_of(reader)
        if gate is not None and gate.is_open:
            # Otherwise it is the relay that does not read, for another reason.
            first_at, times = self._failures.get(reader, (now, 0))
            self._failures[reader] = _Failures(first_at, times + 1)
