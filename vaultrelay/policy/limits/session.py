"""SessionLimits: the limits of one session, as its welcome announces them."""

from dataclasses import dataclass

from vaultrelay.policy.limits.defaults import (
    DEFAULT_BYTES_PER_SECOND,
    DEFAULT_CHANNEL_DEVICES,
    DEFAULT_MESSAGE_BYTES,
    DEFAULT_MESSAGES_PER_SECOND,
    DEFAULT_SESSION_TTL,
)
from vaultrelay.policy.limits.timeouts import PING_SECONDS


@dataclass(frozen=True)
class SessionLimits:
    """The limits of one session, as its operator chose; a rate of 0 is unlimited."""

    message_bytes: int = DEFAULT_MESSAGE_BYTES
    messages_per_second: int = DEFAULT_MESSAGES_PER_SECOND
    bytes_per_second: int = DEFAULT_BYTES_PER_SECOND
    channel_devices: int = DEFAULT_CHANNEL_DEVICES
    session_ttl: int = DEFAULT_SESSION_TTL
    ping_seconds: int = PING_SECONDS
