"""LimitOptions: limits of the relay and of one device."""

from dataclasses import dataclass

from vaultrelay.config.option import option
from vaultrelay.config.option_kinds import Integer
from vaultrelay.policy.limits import defaults, memory, networks, timeouts
from vaultrelay.wire import announced

_GROUP = "Limits"
_MAX_CONNECTIONS = 1_000_000
_MAX_BUFFER = 1 << 40
_MIB_BITS = 20


@dataclass(frozen=True)
class LimitOptions:
    """The limits; None if the effective value follows from others. Names are those of
    SessionLimits."""

    max_connections: int = option(
        "max-connections",
        Integer(within=(1, _MAX_CONNECTIONS)),
        defaults.DEFAULT_MAX_CONNECTIONS,
        _GROUP,
        "Maximum number of device connections.",
        effective="shares.devices",
    )
    max_per_address: int | None = option(
        "max-per-address",
        Integer(within=(0, _MAX_CONNECTIONS)),
        None,
        _GROUP,
        "Maximum number of device connections from one IPv4 address or IPv6 /64; 0 means no limit. "
        "The limits of an IPv4 /24 and of an IPv6 /56 and /48 are derived from it. Default: a "
        f"quarter of --max-connections, at least {networks.MIN_PER_ADDRESS}.",
        example="250",
        effective="capacity_per_address",
    )
    channel_devices: int = option(
        "channel-devices",
        Integer(within=(2, announced.CHANNEL_DEVICES[1])),
        defaults.DEFAULT_CHANNEL_DEVICES,
        _GROUP,
        "Maximum number of devices in one channel.",
    )
    message_bytes: int = option(
        "message-bytes",
        Integer("BYTES", within=announced.MESSAGE_BYTES),
        defaults.DEFAULT_MESSAGE_BYTES,
        _GROUP,
        "Maximum size of a message in bytes, including its 16-byte header.",
        live=False,
    )
    messages_per_second: int = option(
        "rate-messages",
        Integer(within=(0, announced.MESSAGES_PER_SECOND[1])),
        defaults.DEFAULT_MESSAGES_PER_SECOND,
        _GROUP,
        "Maximum number of messages per second that are delivered for one sender; 0 means no "
        "limit.",
    )
    bytes_per_second: int = option(
        "rate-bytes",
        Integer("BYTES", within=(0, announced.BYTES_PER_SECOND[1])),
        defaults.DEFAULT_BYTES_PER_SECOND,
        _GROUP,
        "Maximum number of bytes per second that are delivered for one sender; 0 means no limit.",
    )
    max_buffer: int | None = option(
        "max-buffer",
        Integer(
            "BYTES",
            within=(memory.MIN_MESSAGES_HELD * announced.MESSAGE_BYTES[0], _MAX_BUFFER),
            messages=memory.MIN_MESSAGES_HELD,
        ),
        None,
        _GROUP,
        "Memory in bytes for the queued messages of all devices, at least "
        f"{memory.MIN_MESSAGES_HELD} times --message-bytes. Default: 1/{memory.MEMORY_SHARE} of "
        "the memory of the machine or container, at least "
        f"{memory.MIN_BUFFER >> _MIB_BITS} MiB and at most "
        f"{memory.MAX_DEFAULT_BUFFER >> _MIB_BITS} MiB.",
        example="67108864",
        effective="buffer_bytes",
    )
    ping_seconds: int = option(
        "ping-seconds",
        Integer("SECONDS", within=timeouts.PING_RANGE),
        timeouts.PING_SECONDS,
        _GROUP,
        "Seconds without traffic after which the relay pings a device, so that proxies keep the "
        "connection open. A device may request a longer interval.",
    )
    session_ttl: int = option(
        "session-ttl",
        Integer("SECONDS", within=announced.SESSION_TTL),
        defaults.DEFAULT_SESSION_TTL,
        _GROUP,
        "Seconds without a message after which a session is closed.",
    )
    drain_seconds: int = option(
        "drain-seconds",
        Integer("SECONDS", within=announced.DRAIN_SECONDS),
        defaults.DEFAULT_DRAIN_SECONDS,
        _GROUP,
        "Seconds within which a stopping relay closes all connections.",
    )
