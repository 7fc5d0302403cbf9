"""Liveness: when a device is pinged, and when it counts as lost or idle."""

from random import uniform

from vaultrelay.broker.outbox import Outbox
from vaultrelay.policy.limits import PING_JITTER, PING_RANGE, PONG_SECONDS
from vaultrelay.wire.close_codes import CloseCode


class Liveness:
    """What is known of a device's life, brought up to date by `look` once in a tick.

    Any byte of the device is life; only its messages are activity, which the session TTL asks for.
    The relay pings in its own silence too, so that a device that hears nothing knows it is cut off.
    """

    __slots__ = (
        "_active_at",
        "_heard_at",
        "_ping_after",
        "_pinged_at",
        "_said_at",
        "is_active",
        "ping_seconds",
    )

    def __init__(self, now: float, ping_seconds: int) -> None:
        self.is_active = False
        """Set by the session at each message; cleared by `look`."""
        self._active_at = self._heard_at = self._said_at = now
        self._pinged_at: float | None = None
        self.set_interval(ping_seconds)

    def set_interval(self, seconds: int) -> None:
        """Ping after so many seconds of silence, moved into PING_RANGE."""
        lowest, highest = PING_RANGE
        self.ping_seconds = min(max(seconds, lowest), highest)
        self._ping_after = self.ping_seconds * uniform(1 - PING_JITTER, 1)

    def look(self, outbox: Outbox, now: float) -> None:
        """Take note of what happened since the last look."""
        if outbox.received_since_tick:
            outbox.received_since_tick = False
            self._heard_at = now
            self._pinged_at = None
        if outbox.sent_since_tick:
            outbox.sent_since_tick = False
            self._said_at = now
        if self.is_active:
            self.is_active = False
            self._active_at = now

    def silent_seconds(self, now: float) -> float:
        """For how long nothing has gone either way."""
        return now - max(self._heard_at, self._said_at)

    def excuse(self, now: float) -> None:
        """The relay does not read the device: its silence is the relay's own."""
        self._heard_at = self._active_at = now
        self._pinged_at = None

    def verdict(self, now: float, session_ttl: int) -> CloseCode | None:
        """Why the device is to be closed, if it is."""
        if now - self._active_at >= session_ttl:
            return CloseCode.IDLE
        if self._pinged_at is not None and now - self._pinged_at >= PONG_SECONDS:
            return CloseCode.PING_TIMEOUT
        return None

    def wants_ping(self, now: float) -> bool:
        """Whether it is time for a ping, which counts as sent then."""
        silent_since = min(self._heard_at, self._said_at)
        if self._pinged_at is not None or now - silent_since < self._ping_after:
            return False
        self._pinged_at = now
        self.set_interval(self.ping_seconds)
        return True
