"""The figures that a relay announces to a device: limits and intervals, each within a range.

A device allocates memory and waits by them, so it refuses a figure outside its range when it reads
it. The options of a relay have the same ranges. Sizes are bytes, times are seconds.
"""

from dataclasses import dataclass
from typing import NamedTuple

from vaultrelay.wire.json_object import Fields

MESSAGE_BYTES = (1024, 64 * 1024 * 1024)
"""Below it the shortest message of a vault does not fit. A device holds a message three times while
it reads or masks it: 200 MB for the largest, which a phone has for a moment."""
MESSAGES_PER_SECOND = (1, 1_000_000_000)
BYTES_PER_SECOND = (1, 1_000_000_000_000)
"""The maximum is more than a network has; no limit is null."""
CHANNEL_DEVICES = (1, 1000)
"""A `welcome` that lists a thousand peers still fits into 64 KiB."""
SESSION_TTL = (1, 2_592_000)
"""Up to 30 days, after which an unused session is surely abandoned."""
PING_SECONDS = (20, 600)
"""Of a ping interval: shorter ones drain a phone, longer ones lose it. A device takes a relay for
dead after one and a half of them."""
DRAIN_SECONDS = (0, 3600)
"""Until a draining relay closes, and before a device returns: no user waits for an hour."""
MAILBOX = {
    "retention": (60, 31_536_000),
    "item_bytes": (1024, 262_144),
    "channel_bytes": (1024, 1_000_000_000_000),
    "channel_items": (1, 1_000_000_000),
    "window_bytes": (1024, 64 * 1024 * 1024),
}
"""Of the limits of a mailbox. A store counts minutes; after a year devices better
synchronize. An item is no shorter than the shortest message of a vault; the relay holds pages of
items while devices catch up, and larger ones take megabytes. No vault has the maxima of a channel.
A device keeps the PUTs of its window on its own disk."""
PUT_HEADER_BYTES = 52
"""Of a PUT, before the item: both must fit into a message. Here, since relays without a mailbox do
not import `mailbox`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The relay's limits on a device; None where there is no limit."""

    message_bytes: int
    messages_per_second: int | None
    bytes_per_second: int | None
    channel_devices: int

    def fields(self) -> dict[str, object]:
        return {
            "message_bytes": self.message_bytes,
            "messages_per_second": self.messages_per_second,
            "bytes_per_second": self.bytes_per_second,
            "channel_devices": self.channel_devices,
        }

    @classmethod
    def read(cls, fields: Fields) -> "Limits":
        return cls(
            fields.integer_within("message_bytes", MESSAGE_BYTES),
            fields.optional_integer_within("messages_per_second", MESSAGES_PER_SECOND),
            fields.optional_integer_within("bytes_per_second", BYTES_PER_SECOND),
            fields.integer_within("channel_devices", CHANNEL_DEVICES),
        )


class MailboxLimits(NamedTuple):
    """The limits of the mailbox; `retention` in seconds. The ranges are MAILBOX."""

    retention: int
    item_bytes: int
    channel_bytes: int
    channel_items: int
    window_bytes: int

    @classmethod
    def read(cls, fields: Fields) -> "MailboxLimits":
        return cls(
            **{name: fields.integer_within(name, bounds) for name, bounds in MAILBOX.items()}
        )
