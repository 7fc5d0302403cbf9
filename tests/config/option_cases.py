"""A case for each option: what the settings make of it, its default, and other values."""

from collections.abc import Callable, Sized

from vaultrelay.config.memory_limit import memory_bytes
from vaultrelay.config.runtime_folder import runtime_folder
from vaultrelay.config.settings import OPTIONS, Settings

LISTEN = ("tcp:1001", "tcp:1002", "tcp:1003")
URLS = ("wss://a.example", "wss://b.example", "wss://c.example")
NODES = ("http://10.0.0.2:9090", "https://[::1]:9091/relay/", "unix:/run/admin.sock")
PROXIES = ("127.0.0.1", "2001:db8::/32", "unix")
TOKENS = ("tokens1", "tokens2", "tokens3")
CHANNELS = ("channels1", "channels2", "channels3")


def _file_of(what: str, found: Sized | None) -> str:
    """Each file has as many lines as its name says."""
    return "" if found is None else f"{what}{len(found)}"


Reader = Callable[[Settings], object]
"""Gives what the settings make of an option."""
CASES: dict[str, tuple[Reader, str, tuple[str, str, str]]] = {
    "port": (lambda s: s.port, "8080", ("1001", "1002", "1003")),
    "bind": (lambda s: s.bind, "0.0.0.0", ("127.0.0.1", "::", "192.0.2.1")),
    "listen": (lambda s: " ".join(s.listen), "", LISTEN),
    "public-url": (lambda s: " ".join(s.public_urls), "", URLS),
    "node-name": (lambda s: s.node_name, "", ("a", "relay-2.example_x", "N" * 32)),
    "access-token-file": (lambda s: _file_of("tokens", s.access.tokens), "", TOKENS),
    "allow-channels": (lambda s: _file_of("channels", s.access.channels), "", CHANNELS),
    "allow-from": (lambda s: s.access.allowed or "", "", ("10.0.0.0/8", "192.0.2.1/32", "unix")),
    "deny-from": (lambda s: s.access.denied, "", ("10.0.0.0/8", "2001:db8::/32", "::1/128")),
    "allow-origin": (
        lambda s: s.access.origins or "",
        "",
        ("https://app.example", "https://b.example:8443", "null"),
    ),
    "max-connections": (lambda s: s.max_connections, "1000", ("11", "12", "13")),
    "max-per-address": (lambda s: s.capacity_per_address, "250", ("0", "12", "130")),
    "trusted-proxy": (lambda s: " ".join(s.trusted_proxies), "", PROXIES),
    "ping-seconds": (lambda s: s.limits.ping_seconds, "50", ("21", "22", "23")),
    "session-ttl": (lambda s: s.limits.session_ttl, "3600", ("11", "12", "13")),
    "message-bytes": (lambda s: s.limits.message_bytes, "1048576", ("2001", "2002", "2003")),
    "rate-messages": (lambda s: s.limits.messages_per_second, "2000", ("11", "12", "13")),
    "rate-bytes": (lambda s: s.limits.bytes_per_second, "16777216", ("11", "12", "13")),
    "channel-devices": (lambda s: s.limits.channel_devices, "64", ("11", "12", "13")),
    "max-buffer": (
        lambda s: s.buffer_bytes,
        str(Settings(memory=memory_bytes()).buffer_bytes),
        ("5000001", "5000002", "5000003"),
    ),
    "drain-seconds": (lambda s: s.drain_seconds, "20", ("11", "12", "13")),
    "mailbox-key": (lambda s: s.mailbox_key, "", ("/a/key", "b/key", "key")),
    "mailbox-retention": (lambda s: s.retention, "604800", ("3601", "3602", "3603")),
    "mailbox-item-bytes": (lambda s: s.item_bytes, "65536", ("2001", "2002", "2003")),
    "mailbox-channel-bytes": (lambda s: s.channel_bytes, "10485760", ("2001", "2002", "2003")),
    "mailbox-channel-items": (lambda s: s.channel_items, "10000", ("11", "12", "13")),
    "mailbox-bytes": (lambda s: s.total_bytes, "1073741824", ("2001", "2002", "2003")),
    "mailbox-token-bytes": (lambda s: s.payer_bytes, "107374182", ("2001", "2002", "2003")),
    "mailbox-address-bytes": (lambda s: s.address_bytes, "10485760", ("2001", "2002", "2003")),
    "mailbox-reserve": (lambda s: s.free_bytes, "67108864", ("0", "2002", "2003")),
    "runtime-folder": (
        lambda s: s.runtime_folder,
        runtime_folder("", {}),
        ("/run/one", "/run/two", "/run/three"),
    ),
    "admin": (lambda s: s.admin, "", ("tcp:1001", "tcp:1002:interface=127.0.0.1", "unix:/x")),
    "admin-host": (lambda s: " ".join(s.admin_hosts), "", ("relay.lan", "relay", "xn--caf-dma.fr")),
    "admin-node": (lambda s: " ".join(url.text for url in s.admin_nodes), "", NODES),
    "log-level": (lambda s: s.log_level, "info", ("error", "warn", "debug")),
    "log-format": (lambda s: s.log_format, "text", ("json", "text", "json")),
    "log-addresses": (lambda s: s.log_addresses, "pseudonym", ("none", "full", "pseudonym")),
}
"""By name: its reader, its default as text, and three other values."""
RANGES = {
    "port": (0, 65535),
    "max-connections": (1, 1_000_000),
    "max-per-address": (0, 1_000_000),
    "ping-seconds": (20, 600),
    "session-ttl": (1, 2_592_000),
    "message-bytes": (1024, 67_108_864),
    "rate-messages": (0, 1_000_000_000),
    "rate-bytes": (0, 1_000_000_000_000),
    "channel-devices": (2, 1000),
    "max-buffer": (4_194_304, 1 << 40),
    "drain-seconds": (0, 3600),
    "mailbox-retention": (60, 31_536_000),
    "mailbox-item-bytes": (1024, 262_144),
    "mailbox-channel-bytes": (1024, 1_000_000_000_000),
    "mailbox-channel-items": (1, 1_000_000_000),
    "mailbox-bytes": (1, 1 << 44),
    "mailbox-token-bytes": (1, 1 << 44),
    "mailbox-address-bytes": (1, 1 << 44),
    "mailbox-reserve": (0, 1 << 44),
}
"""By name of a number: the lowest and the highest."""
SWITCHES = [option.name for option in OPTIONS if option.is_switch]
OF_THEIR_OWN = {"tls-cert", "tls-key", "config", "mailbox", *SWITCHES}
"""Options that need others, or have no value: each has tests of its own."""
