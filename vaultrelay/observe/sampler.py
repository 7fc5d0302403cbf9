"""Sampler: measures the delay of timers, and samples the relay every few seconds."""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from vaultrelay.observe.history import History
from vaultrelay.observe.relay_snapshot import CURVES
from vaultrelay.policy.limits.admin import LAG_SAMPLES, LAG_SECONDS, SAMPLE_SECONDS


class Totals(NamedTuple):
    """The input of a sample: devices now, and counts since the start."""

    joined: int
    messages: int
    bytes: int
    undelivered: int


class Sampler:
    """Measures delays and fills `history` while it runs, with one timer for both."""

    def __init__(self, clock: IReactorTime, totals: Callable[[], Totals]) -> None:
        self._clock = clock
        self._totals = totals
        self._timer: IDelayedCall | None = None
        self._due = self._sampled_at = self._before_at = 0.0
        self._before = Totals(0, 0, 0, 0)
        self._lag = 0.0
        self.history = History(CURVES)

    def latest(self, curve: str) -> float:
        """Return the latest sample of a curve; 0 if it is unknown."""
        return sum(self.history.latest(curve), 0.0)

    @property
    def lag_seconds(self) -> float:
        """The longest delay of a timer in the last minute, in seconds."""
        return max([self._lag, *self.history.latest("lag", LAG_SAMPLES)])

    def start(self) -> None:
        """Start; earlier counts are excluded."""
        self._sampled_at = self._before_at = self._clock.seconds()
        self._before = self._totals()
        self._wait()

    def stop(self) -> None:
        """Stop, and cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._due = self._clock.seconds() + LAG_SECONDS
        self._timer = self._clock.callLater(LAG_SECONDS, self._look)

    def _look(self) -> None:
        now = self._clock.seconds()
        self._lag = max(self._lag, now - self._due)
        # First, so that an exception below does not stop the sampler.
        self._wait()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            self._sample(now)

    def _sample(self, now: float) -> None:
        took, self._before_at = now - self._before_at, now
        before, self._before = self._before, self._totals()
        # The relay stood still for these samples: their values are unknown.
        missed = int((now - self._sampled_at) // SAMPLE_SECONDS) - 1
        self.history.skip(missed)
        self._sampled_at += (missed + 1) * SAMPLE_SECONDS
        self.history.add(
            joined=self._before.joined,
            messages=(self._before.messages - before.messages) / took,
            bytes=(self._before.bytes - before.bytes) / took,
            undelivered=(self._before.undelivered - before.undelivered) / took,
            lag=self._lag,
        )
        self._lag = 0.0
