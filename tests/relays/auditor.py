"""Auditor: knows on which node each device is, and what became of every message."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Split:
    """A channel whose joined devices were on more than one node, and for how long."""

    channel: int
    began: float
    ended: float | None = None


class Auditor:
    """Hears of every join, end and message of all devices. What must never be is in `faults`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.splits: list[Split] = []
        self.faults: list[str] = []
        self.arrivals = 0
        self._now = now
        self._nodes: dict[int, dict[bytes, str]] = {}
        self._open: dict[int, Split] = {}
        self._heard: dict[tuple[int, int], int] = {}
        self._gaps: set[tuple[int, int]] = set()

    def joined(self, channel: int, device: bytes, node: str) -> None:
        """A device was welcomed by a node."""
        self._nodes.setdefault(channel, {})[device] = node
        self._look(channel)

    def gone(self, channel: int, device: bytes) -> None:
        """A device knows that its connection is over."""
        self._nodes[channel].pop(device, None)
        self._look(channel)

    def arrived(self, sender: int, receiver: int, number: int) -> None:
        """A message: which stay of a device said it to which, and its number there, from 1."""
        self.arrivals += 1
        before = self._heard.get((sender, receiver), 0)
        if number <= before:
            self.faults.append(f"message {number} of stay {sender} came after {before}")
            return
        self._gaps |= {(sender, missed) for missed in range(before + 1, number)}
        self._heard[sender, receiver] = number

    def refused(self, sender: int, number: int) -> None:
        """The sender was told that a message did not reach its peer."""
        self._gaps.discard((sender, number))

    @property
    def split_channels(self) -> set[int]:
        """Those that are split now."""
        return set(self._open)

    def longest_split(self) -> float:
        """Seconds, of those that last until now, too."""
        now = self._now()
        return max(((each.ended or now) - each.began for each in self.splits), default=0.0)

    def found(self) -> list[str]:
        """All that is wrong, when no message is under way any more."""
        return [
            *self.faults,
            *(f"message {number} of stay {sender} is missing" for sender, number in self._gaps),
        ]

    def _look(self, channel: int) -> None:
        is_split = len(set(self._nodes[channel].values())) > 1
        if is_split and channel not in self._open:
            self._open[channel] = Split(channel, self._now())
            self.splits.append(self._open[channel])
        elif not is_split and channel in self._open:
            self._open.pop(channel).ended = self._now()
