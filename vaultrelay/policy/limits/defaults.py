"""Defaults of the options."""

DEFAULT_PORT = 8080
"""Above 1023, so that no privilege is needed."""
DEFAULT_MAX_CONNECTIONS = 1000
"""Suits a small server: at 17 KB each with TLS, the devices take less than the relay itself."""
DEFAULT_SESSION_TTL = 3600
"""An app that sent nothing for an hour is asleep or abandoned; it joins again when it wakes."""
DEFAULT_MESSAGE_BYTES = 1024 * 1024
"""A vault's largest attachment chunk with room to spare, and small enough to hold many of."""
DEFAULT_MESSAGES_PER_SECOND = 2000
"""Deliveries. A tenth of what one core relays when messages arrive singly."""
DEFAULT_BYTES_PER_SECOND = 16 * 1024 * 1024
"""Delivered bytes: 134 Mbit/s, more than a home connection uploads."""
DEFAULT_CHANNEL_DEVICES = 64
"""More devices than one person owns; bounds what one broadcast can cost."""
DEFAULT_DRAIN_SECONDS = 20
"""Spreads reconnecting devices. The systemd unit waits longer than this before it kills."""
NODE_NAME_CHARS = 32
"""Of --node-name, which is in every welcome: a host's short name, or a word and a number."""
