"""TokenBucket: a rate with one second's worth of burst, that can go into debt."""

from math import inf


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up; a rate of 0 never runs out.

    Spending is always granted; whoever is in debt waits. So a message larger than the burst still
    passes, and pays for itself afterwards. Spending looks at no clock: `refill` is to be called now
    and then, so that no more than its interval is saved up beside the burst.
    """

    __slots__ = ("_burst", "_filled_at", "_rate", "left")

    def __init__(self, rate: float, now: float, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = rate if burst is None else burst
        self._filled_at = now
        self.left = self._burst if rate else inf

    def spend(self, tokens: float) -> bool:
        """Take `tokens`; whether the bucket may be in debt now, so that `debt_seconds` can tell."""
        self.left -= tokens
        return self.left < 0

    def refill(self, now: float) -> None:
        """Add what the time since the last refill has earned."""
        if self._rate:
            self.left = min(self._burst, self.left + (now - self._filled_at) * self._rate)
            self._filled_at = now

    def debt_seconds(self, now: float) -> float:
        """Seconds until the bucket is out of debt, refilled first; 0 when it is not in debt."""
        if not self._rate:
            return 0.0
        self.refill(now)
        return max(0.0, -self.left / self._rate)
