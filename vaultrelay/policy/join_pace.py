"""JoinPace: when the relay accepts connections, and when devices may return that it cannot join."""

import random
from collections.abc import Callable
from math import ceil

from vaultrelay.policy.limits.joins import (
    JOIN_PAUSE_SECONDS,
    JOIN_RATE_SECONDS,
    LATE_JOIN_SECONDS,
    RETRY_LATE_SECONDS,
)

_SPREAD = (0.5, 1)
"""The announced wait in parts of the full one. Clients wait for up to one and a half times as long,
so that the mean is near the full one."""

_REFUSAL_JOINS = 1 / 3
"""The CPU time of a refusal, in joins: the rate is that at which all of them could have joined."""


class JoinPace:
    """The pace of joins on one relay.

    While connections that have not joined are ready and wait for the core, no more are accepted:
    they wait in the kernel's queue, where they cost nothing. The hub reports its rounds and the
    joins, the acceptor how long the latest connection has waited in the queue.
    """

    def __init__(
        self, clock: Callable[[], float], uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._behind_at = self._booked_until = clock() - JOIN_RATE_SECONDS
        self._is_behind = False
        self._busy_seconds = 0.0
        self._joins = 0.0
        self._rate = 0.0
        """Joins in each second in which connections wait for the core."""
        self._waited = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether ready connections wait for the core, so that no others are accepted."""
        return self._is_behind and self._clock() - self._behind_at < JOIN_PAUSE_SECONDS

    @property
    def is_crowded(self) -> bool:
        """Whether connections have lately waited for the core."""
        return self._clock() - self._behind_at < JOIN_RATE_SECONDS

    @property
    def is_late(self) -> bool:
        """Whether devices wait for too long in the kernel's queue."""
        return self._waited > LATE_JOIN_SECONDS and self.is_crowded

    def round_ended(self, is_complete: bool) -> None:
        """Note whether a round of the hub has served all ready connections."""
        if is_complete:
            self._is_behind = False
            return
        now = self._clock()
        if self.is_behind:
            self._busy_seconds += now - self._behind_at
        self._is_behind, self._behind_at = True, now
        if self._busy_seconds >= JOIN_RATE_SECONDS:
            rate = self._joins / self._busy_seconds
            # One slow second, such as the first of a crowd, must not send devices away for long.
            self._rate = max(rate, (rate + self._rate) / 2)
            self._joins = self._busy_seconds = 0.0

    def joined(self) -> None:
        """Count a join."""
        if self._is_behind:
            self._joins += 1

    def accepted(self, waited: float) -> None:
        """Note how long a connection has waited in the kernel's queue, in seconds."""
        self._waited = waited

    def retry_seconds(self) -> int:
        """Return the wait for one more device that cannot join now, and book its join."""
        if self._is_behind:
            self._joins += _REFUSAL_JOINS
        least, most = RETRY_LATE_SECONDS
        now = self._clock()
        join_seconds = 1 / self._rate if self._rate else 0
        begin = max(self._booked_until, now + self._waited)
        self._booked_until = min(begin + join_seconds, now + most)
        return max(least, ceil((self._booked_until - now) * self._uniform(*_SPREAD)))
