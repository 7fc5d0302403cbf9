"""History: the last hour of some curves, in rings of fixed size."""

from array import array
from collections.abc import Iterable
from math import nan

from vaultrelay.policy.limits import HISTORY_SAMPLES


class History:
    """One ring for each curve; what is not known is nan. It takes all its memory at once."""

    def __init__(self, names: Iterable[str], samples: int = HISTORY_SAMPLES) -> None:
        self._samples = samples
        self._rings = {name: array("f", [nan]) * samples for name in names}
        self._next = 0

    def add(self, **values: float) -> None:
        """The next sample of each curve; nan for a curve that is not named."""
        for name, ring in self._rings.items():
            ring[self._next] = values.get(name, nan)
        self._next = (self._next + 1) % self._samples

    def skip(self, samples: int) -> None:
        """Time went by of which nothing is known."""
        for _ in range(min(samples, self._samples)):
            self.add()

    def curve(self, name: str) -> list[float]:
        """All of one curve, the oldest first."""
        ring = self._rings[name]
        return [*ring[self._next :], *ring[: self._next]]

    def latest(self, name: str, samples: int = 1) -> list[float]:
        """The last few samples of a curve that are known."""
        return [value for value in self.curve(name)[-samples:] if value == value]  # noqa: PLR0124
