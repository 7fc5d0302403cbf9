"""History: the last hour of some curves, in ring buffers of fixed size."""

from array import array
from collections.abc import Iterable
from math import nan

from vaultrelay.policy.limits import HISTORY_SAMPLES


class History:
    """One ring buffer for each curve; nan is unknown. All memory is allocated at once."""

    def __init__(self, names: Iterable[str], samples: int = HISTORY_SAMPLES) -> None:
        self._samples = samples
        self._rings = {name: array("f", [nan]) * samples for name in names}
        self._next = 0

    def add(self, **values: float) -> None:
        """Add the next sample of each curve; nan for a curve without a value."""
        for name, ring in self._rings.items():
            ring[self._next] = values.get(name, nan)
        self._next = (self._next + 1) % self._samples

    def skip(self, samples: int) -> None:
        """Add unknown samples for a time without measurements."""
        for _ in range(min(samples, self._samples)):
            self.add()

    def curve(self, name: str) -> list[float]:
        """Return all samples of one curve, the oldest first."""
        ring = self._rings[name]
        return [*ring[self._next :], *ring[: self._next]]

    def latest(self, name: str, samples: int = 1) -> list[float]:
        """Return the known values among the last samples of a curve."""
        return [value for value in self.curve(name)[-samples:] if value == value]  # noqa: PLR0124
