"""Close codes: why the relay ends a connection, and whether the device may reconnect.

4000 to 4499: reconnect, with back-off. 4500 to 4999: do not, until the user, the app or the
operator changes something, but for the one retry of 4509. RFC 6455's own codes stay for its own
errors.
"""

from enum import Enum

_STAY_AWAY = 4500
REASON_BYTES = 123
"""The room in a close frame beside the code (RFC 6455, section 5.5)."""


class CloseCode(Enum):
    """A reason of the relay to end a connection: number, slug, sentence for people."""

    RESTART = 4000, "restart", "The relay is restarting."
    IDLE = 4001, "idle", "No data or control message arrived within the session's time to live."
    PING_TIMEOUT = 4002, "ping_timeout", "The device did not answer a ping."
    HELLO_TIMEOUT = 4003, "hello_timeout", "No hello arrived in time."
    SLOW = 4004, "slow", "The device did not read what the relay sent."
    RATE = 4005, "rate", "Too many pings, control messages or joins."
    RELAY_FULL = 4006, "relay_full", "The relay has reached its maximum number of devices."
    MEMORY = 4007, "memory", "The relay's buffers are full, and this device holds most of them."
    INTERNAL = 4008, "internal", "The relay had an internal error. Its log contains the reference."
    RESYNC = 4009, "resync", "The connection between two relays lost messages."
    PROTOCOL = 4500, "protocol", "The relay and the device have no protocol version in common."
    BAD_MESSAGE = 4501, "bad_message", "The device violated the protocol."
    TOO_BIG = 4502, "too_big", "A message is larger than the relay's limit."
    PROOF = 4503, "proof", "The proof does not show that the device holds the channel's key."
    AUDIENCE = 4504, "audience", "The device dialled a name that is not this relay's."
    NOT_ALLOWED = 4506, "not_allowed", "The operator does not allow this channel."
    CHANNEL_FULL = 4507, "channel_full", "The channel has reached its maximum number of devices."
    REPLACED = 4509, "replaced", "The same device joined again on another connection."
    KICKED = 4510, "kicked", "The operator ended this session."

    def __init__(self, number: int, slug: str, sentence: str) -> None:
        self.number = number
        self.slug = slug
        self.sentence = sentence

    @property
    def retries(self) -> int | None:
        """Return how often a device may retry by itself in ten minutes; None is unlimited."""
        if self is CloseCode.REPLACED:
            return 1
        return None if self.number < _STAY_AWAY else 0

    def reason(self, **details: object) -> str:
        """Return the reason text of the close frame: ``slug`` or ``slug;key=value``, cut to its
        room."""
        parts = [self.slug, *(f"{key}={value}" for key, value in details.items())]
        return ";".join(parts).encode("ascii", "replace")[:REASON_BYTES].decode("ascii")
