"""Reconnecting: whether and when a client dials again after each end of a connection.

No I/O and no clock: the caller passes the time. Protocol page, Reconnecting and Close codes.
"""

import random
from collections.abc import Callable

from vaultrelay.client.events import Closed
from vaultrelay.client.refused import NO_ANSWER, Refused
from vaultrelay.client.tls_failed import Untrusted
from vaultrelay.wire.answer import Answer

MAX_DELAY = 60
"""Seconds. A relay is found again within a minute of its return."""
LASTING_SECONDS = 60
"""A session of this length shows that the relay works: the delays begin anew."""
MAX_GIVEN_SECONDS = 3600
"""Of a time that a relay gives: no faulty one keeps a device away for longer than an hour."""
MIN_DRAIN_WINDOW = (1, 2)
"""Of the range that `draining` gives, as without a time: no relay makes a device dial in a loop."""
DRAIN_WINDOW = (2, 12)
"""After a close with 4000 without `draining`."""
REPLACED_WINDOW = (30, 60)
REPLACED_SECONDS = 600
"""A second 4509 within this time shows that two installations have the same device key."""

_RESTART, _REPLACED = 4000, 4509
_ADDRESS_NOT_ALLOWED = "address_not_allowed"
_FINAL = range(4500, 5000)
_FINAL_STANDARD = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
_RETRY_STATUSES = frozenset({408, 429, *range(500, 600)})
_MAX_EXPONENT = 6
"""2 to this power exceeds MAX_DELAY."""


class Reconnecting:
    """The delays of one client. `between` returns a random number between two others."""

    def __init__(self, between: Callable[[float, float], float] = random.uniform) -> None:
        self._between = between
        self._attempt = 0
        self._opened_at: float | None = None
        self._window: tuple[int, int] | None = None
        self._replaced_at: float | None = None
        self.is_delay_given = False
        """Whether the last delay is one of the relay: it applies when the network returns, too."""
        self.depends_on_network = False
        """Whether a change of the network permits another attempt after a refusal."""

    def opened(self, now: float) -> None:
        """A session has begun."""
        self._opened_at = now

    def draining(self, window: tuple[int, int]) -> None:
        """The relay is about to stop, and gave the range of seconds for the delay."""
        (low, high), (lowest, least) = window, MIN_DRAIN_WINDOW
        self._window = (max(low, lowest), max(high, least))

    def ended(self, error: Exception, now: float) -> float | None:
        """Return the seconds until the next attempt; None if only the user may start one.

        `error` is what `connect` or `Device.receive` raised.
        """
        lasted = 0.0 if self._opened_at is None else now - self._opened_at
        self._attempt = 1 if lasted >= LASTING_SECONDS else self._attempt + 1
        window, self._opened_at, self._window = self._window, None, None
        self.is_delay_given = self.depends_on_network = False
        if isinstance(error, Untrusted | ValueError):
            # `connect` raises ValueError for a URL, a seed or a tag that stays bad.
            return None
        if isinstance(error, Refused):
            return self._after_refusal(error)
        if isinstance(error, Closed):
            return self._after_close(error, window, now)
        return self._back_off()

    def _after_refusal(self, refused: Refused) -> float | None:
        if refused.error == NO_ANSWER:
            return self._back_off()
        if refused.status not in _RETRY_STATUSES:
            self.depends_on_network = refused.error == _ADDRESS_NOT_ALLOWED
            return None
        return self._given(_retry_after(refused.answer))

    def _after_close(
        self, closed: Closed, window: tuple[int, int] | None, now: float
    ) -> float | None:
        if closed.code == _REPLACED:
            return self._after_replacement(now)
        if closed.code in _FINAL or closed.code in _FINAL_STANDARD:
            return None
        if closed.code == _RESTART or window is not None:
            return self._by_relay(*(window or DRAIN_WINDOW))
        return self._given(_retry_of(closed.reason))

    def _after_replacement(self, now: float) -> float | None:
        before, self._replaced_at = self._replaced_at, now
        if before is not None and now - before < REPLACED_SECONDS:
            return None
        return self._by_relay(*REPLACED_WINDOW)

    def _given(self, text: str) -> float:
        """The delay for a number of seconds of the relay; back-off if it gave none, or 0."""
        digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
        if not digits:
            return self._back_off()
        # int() refuses thousands of digits.
        is_huge = len(digits) > len(str(MAX_GIVEN_SECONDS))
        seconds = MAX_GIVEN_SECONDS if is_huge else min(int(digits), MAX_GIVEN_SECONDS)
        return self._by_relay(seconds, 1.5 * seconds)

    def _by_relay(self, low: float, high: float) -> float:
        """Return a delay that the relay or its close code prescribes."""
        self.is_delay_given = True
        return self._between(low, high)

    def _back_off(self) -> float:
        delay = min(2 ** min(self._attempt, _MAX_EXPONENT), MAX_DELAY)
        return self._between(delay / 2, delay)


def _retry_after(answer: Answer | None) -> str:
    return "" if answer is None else answer.header("retry-after")


def _retry_of(reason: str) -> str:
    """The value of ``;retry=`` in a close reason."""
    details = dict(part.partition("=")[::2] for part in reason.split(";")[1:])
    return details.get("retry", "")
