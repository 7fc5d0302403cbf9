"""The figures that a relay announces to a device: limits and intervals, each within a range.

A device allocates memory and waits by them, so it refuses a figure outside its range when it reads
it. The options of a relay have the same ranges. Sizes are bytes, times are seconds.
"""

from dataclasses import dataclass

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
MAILBOX_RETENTION = (60, 31_536_000)
"""A store counts minutes. A device that slept for a year synchronizes with a peer."""
MAILBOX_ITEM_BYTES = (1024, 262_144)
"""The minimum is that of a message. A relay holds pages of items in memory while devices catch up:
larger ones take megabytes."""
MAILBOX_CHANNEL_BYTES = (1024, 1_000_000_000_000)
MAILBOX_CHANNEL_ITEMS = (1, 1_000_000_000)
"""The maxima are more than a vault has."""
MAILBOX_WINDOW_BYTES = (1024, 64 * 1024 * 1024)
"""Of PUTs that a relay holds until they are on its disk; a device keeps them on its own."""


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


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """The limits of the mailbox; `retention` in seconds."""

    retention: int
    item_bytes: int
    channel_bytes: int
    channel_items: int
    window_bytes: int

    def fields(self) -> dict[str, object]:
        return {
            "retention": self.retention,
            "item_bytes": self.item_bytes,
            "channel_bytes": self.channel_bytes,
            "channel_items": self.channel_items,
            "window_bytes": self.window_bytes,
        }

    @classmethod
    def read(cls, fields: Fields) -> "MailboxLimits":
        return cls(
            fields.integer_within("retention", MAILBOX_RETENTION),
            fields.integer_within("item_bytes", MAILBOX_ITEM_BYTES),
            fields.integer_within("channel_bytes", MAILBOX_CHANNEL_BYTES),
            fields.integer_within("channel_items", MAILBOX_CHANNEL_ITEMS),
            fields.integer_within("window_bytes", MAILBOX_WINDOW_BYTES),
        )
