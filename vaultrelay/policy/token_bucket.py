"""TokenBucket: a rate with a burst of one second, which can go into debt."""

from math import inf


class TokenBucket:
    """`rate` tokens a second, with at most `burst` saved; a rate of 0 is unlimited.

    Spending is always granted, and a sender in debt waits. So a message larger than the burst
    passes, and is paid for afterwards. Spending reads no clock: call `refill` periodically, so that
    no more than its interval is saved beside the burst.
    """

    __slots__ = ("_burst", "_filled_at", "_rate", "left")

    def __init__(self, rate: float, now: float, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = rate if burst is None else burst
        self._filled_at = now
        self.left = self._burst if rate else inf

    def spend(self, tokens: float) -> bool:
        """Take `tokens`; return whether the bucket may be in debt now (see `debt_seconds`)."""
        self.left -= tokens
        return self.left < 0

    def refill(self, now: float) -> None:
        """Add the tokens earned since the last refill."""
        if self._rate:
            self.left = min(self._burst, self.left + (now - self._filled_at) * self._rate)
            self._filled_at = now

    def debt_seconds(self, now: float) -> float:
        """Refill, then return the seconds until the bucket is out of debt; 0 if it is not in
        debt."""
        if not self._rate:
            return 0.0
        self.refill(now)
        return max(0.0, -self.left / self._rate)
