"""History: the last hour of some curves, in arrays of fixed size."""

from array import array
from collections.abc import Iterable
from math import isnan, nan

from vaultrelay.policy.limits.admin import HISTORY_SAMPLES


class History:
    """One array for each curve, the oldest sample first; nan is unknown."""

    def __init__(self, names: Iterable[str], samples: int = HISTORY_SAMPLES) -> None:
        self._curves = {name: array("f", [nan]) * samples for name in names}

    def add(self, **values: float) -> None:
        """Add the next sample of each curve; nan for a curve without a value."""
        for name, curve in self._curves.items():
            curve[:-1] = curve[1:]
            curve[-1] = values.get(name, nan)

    def skip(self, samples: int) -> None:
        """Add unknown samples for a time without measurements."""
        for _ in range(min(samples, HISTORY_SAMPLES)):
            self.add()

    def curve(self, name: str) -> list[float]:
        """Return all samples of one curve, the oldest first."""
        return self._curves[name].tolist()

    def latest(self, name: str, samples: int = 1) -> list[float]:
        """Return the known values among the last samples of a curve."""
        return [value for value in self._curves[name][-samples:] if not isnan(value)]
