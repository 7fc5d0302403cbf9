"""Liveness: when a device is pinged, and when it counts as lost or idle."""

from random import uniform

from vaultrelay.broker.outbox import Outbox
from vaultrelay.policy.limits.timeouts import PING_JITTER, PING_RANGE, PONG_SECONDS
from vaultrelay.wire.close_codes import CloseCode


class Liveness:
    """The times of the last signs of life of a device, updated by `update` once in a tick.

    Any byte of the device is life; only its messages are activity, on which the session TTL
    depends. The relay also pings when it has sent nothing, so that a device that receives nothing
    knows that it is cut off.
    """

    __slots__ = (
        "_active_at",
        "_ping_after",
        "_pinged_at",
        "_received_at",
        "_sent_at",
        "is_active",
        "ping_seconds",
    )

    def __init__(self, now: float, ping_seconds: int) -> None:
        self.is_active = False
        """Set by the session at each message; cleared by `update`."""
        self._active_at = self._received_at = self._sent_at = now
        self._pinged_at: float | None = None
        self.set_interval(ping_seconds)

    def set_interval(self, seconds: int) -> None:
        """Set the ping interval, in seconds of silence, clamped to PING_RANGE."""
        self.ping_seconds = min(max(seconds, PING_RANGE[0]), PING_RANGE[1])
        self._ping_after = self.ping_seconds * uniform(1 - PING_JITTER, 1)

    def update(self, outbox: Outbox, now: float) -> None:
        """Record the bytes and messages since the last update."""
        if outbox.received_since_tick:
            outbox.received_since_tick = False
            self._received_at = now
            self._pinged_at = None
        if outbox.sent_since_tick:
            outbox.sent_since_tick = False
            self._sent_at = now
        if self.is_active:
            self.is_active = False
            self._active_at = now

    def silent_seconds(self, now: float) -> float:
        """Return the seconds since anything was received or sent."""
        return now - max(self._received_at, self._sent_at)

    def restart(self, now: float) -> None:
        """Restart all deadlines: the relay itself did not read from the device."""
        self._received_at = self._active_at = now
        self._pinged_at = None

    def close_code(self, now: float, session_ttl: int) -> CloseCode | None:
        """Return the code to close the device with if a deadline is over."""
        if now - self._active_at >= session_ttl:
            return CloseCode.IDLE
        if self._pinged_at is not None and now - self._pinged_at >= PONG_SECONDS:
            return CloseCode.PING_TIMEOUT
        return None

    def begin_ping(self, now: float) -> bool:
        """Return whether a ping is due; it then counts as sent."""
        quiet_since = min(self._received_at, self._sent_at)
        if self._pinged_at is not None or now - quiet_since < self._ping_after:
            return False
        self._pinged_at = now
        self.set_interval(self.ping_seconds)
        return True
