"""Settings: the configuration of one relay, checked and typed."""

from collections.abc import Iterable, Sized
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.certificates.pair import CertificatePair
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.config.slices import AdminSettings, PageSettings
from vaultrelay.logs import LogSettings
from vaultrelay.policy.access import Access
from vaultrelay.policy.audience import Audiences, canonical_host, host_of_url, is_public_host
from vaultrelay.policy.descriptors import Shares, share_out
from vaultrelay.policy.limits import (
    DEFAULT_DRAIN_SECONDS,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_PORT,
    LEAST_BUFFER,
    LEAST_PER_ADDRESS,
    SHARE_PER_ADDRESS,
    SessionLimits,
)
from vaultrelay.policy.proxies import TrustedProxies

_RESTART = ("port", "bind", "listen", "admin", "runtime_folder")
"""Options that take a restart."""
_GUARDS = {
    "access-token-file": "tokens",
    "allow-channels": "channels",
    "allow-from": "allowed",
    "allow-origin": "origins",
}
"""Options that restrict access, and their attributes of Access. Removing one takes a restart."""

_SCHEMES = {"http": "ws", "https": "wss"}
"""The schemes of public URLs that have another name in the app."""


@dataclass(frozen=True)
class Settings:
    """One relay's configuration. `listen` holds endpoint strings; without any, it listens at port
    and bind. `pairs` are the certificates of each listener, none if it has no TLS. `admin` is an
    endpoint string, too, or empty; `admin_nodes` are those of other relays, `admin_hosts` the host
    names that it answers to. `runtime_folder` is for the socket of the health check; without a
    folder there is no socket. `unknown_variables` are RELAY_ variables that are no option,
    `service_links` those that Kubernetes sets, which are ignored. `open_files` is the limit of open
    files of the process, None if there is no limit."""

    port: int = DEFAULT_PORT
    bind: str = "0.0.0.0"  # noqa: S104  a relay is there to be reached
    listen: tuple[str, ...] = ()
    pairs: tuple[tuple[CertificatePair, ...], ...] = field(default=((),), repr=False)
    public_urls: tuple[str, ...] = ()
    node_name: str = ""
    access: Access = field(default_factory=Access)
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    max_per_address: int | None = None
    trusted_proxies: tuple[str, ...] = ()
    limits: SessionLimits = field(default_factory=SessionLimits)
    max_buffer: int = LEAST_BUFFER
    drain_seconds: int = DEFAULT_DRAIN_SECONDS
    admin: str = ""
    admin_nodes: tuple[NodeUrl, ...] = ()
    admin_hosts: tuple[str, ...] = ()
    log_level: str = "info"
    log_format: str = "text"
    log_addresses: str = "pseudonym"
    runtime_folder: str = ""
    unknown_variables: tuple[str, ...] = ()
    service_links: tuple[str, ...] = ()
    open_files: int | None = None

    @property
    def certificates(self) -> tuple[CertificatePair, ...]:
        """The certificates of all listeners."""
        return tuple(pair for pairs in self.pairs for pair in pairs)

    @property
    def shares(self) -> Shares:
        """What the open files suffice for: `max_connections` devices or fewer, and pending ones."""
        return share_out(self.open_files, self.max_connections)

    @property
    def places_per_address(self) -> int:
        """The share of one network address, in devices; 0 is no limit."""
        if self.max_per_address is not None:
            return self.max_per_address
        return max(self.shares.devices // SHARE_PER_ADDRESS, LEAST_PER_ADDRESS)

    @property
    def broker(self) -> BrokerSettings:
        """The slice of the broker."""
        return BrokerSettings(
            limits=self.limits,
            access=self.access,
            audiences=Audiences(self.own_hosts),
            node_name=self.node_name,
            max_connections=self.shares.devices,
            per_address=self.places_per_address,
            waiting_per_address=self.shares.waiting_per_address,
        )

    @property
    def visitors(self) -> TrustedProxies:
        """The slice of the accounting by client address."""
        return TrustedProxies.read(self.trusted_proxies, self.access.denied)

    @property
    def pages(self) -> PageSettings:
        """The slice of the public pages."""
        return PageSettings(
            public_urls=self.urls_to_show,
            asks_token=self.access.tokens is not None,
            node_name=self.node_name,
        )

    @property
    def admin_service(self) -> AdminSettings:
        """The slice of the admin endpoint."""
        return AdminSettings(hosts=self.admin_hosts, nodes=self.admin_nodes)

    @property
    def log(self) -> LogSettings:
        """The slice of the log."""
        return LogSettings(
            level=self.log_level, format=self.log_format, addresses=self.log_addresses
        )

    @property
    def own_hosts(self) -> frozenset[str]:
        """The host names that devices may dial: those of the public URLs and the certificates."""
        return hosts_of(self.certificates) | {host_of_url(url) for url in self.public_urls}

    @property
    def dialled_hosts(self) -> tuple[str, ...]:
        """The host names that devices dial with TLS."""
        return tuple(host_of_url(url) for url in self.urls_to_show if url.startswith("wss:"))

    @property
    def plain_public_urls(self) -> tuple[str, ...]:
        """The public URLs without TLS whose hosts are on the Internet."""
        urls = [url for url in self.urls_to_show if url.startswith("ws:")]
        return tuple(url for url in urls if is_public_host(host_of_url(url)))

    @property
    def urls_to_show(self) -> tuple[str, ...]:
        """The public URLs as they are entered in the app."""
        return tuple(map(_url_to_show, self.public_urls))

    @property
    def effective(self) -> dict[str, object]:
        """The options in force by name, for display. None of them is secret."""
        limits, access = self.limits, self.access
        return {
            "public-url": " ".join(self.public_urls) or "-",
            "node-name": self.node_name or "-",
            "access-token-file": _counted(access.tokens, "token"),
            "allow-channels": _counted(access.channels, "channel"),
            "allow-from": "-" if access.allowed is None else str(access.allowed or "nobody"),
            "deny-from": str(access.denied or "-"),
            "allow-origin": "-" if access.origins is None else str(access.origins) or "none",
            "max-connections": self.shares.devices,
            "max-per-address": self.places_per_address,
            "trusted-proxy": " ".join(self.trusted_proxies) or "-",
            "ping-seconds": limits.ping_seconds,
            "session-ttl": limits.session_ttl,
            "message-bytes": limits.message_bytes,
            "rate-messages": limits.messages_per_second,
            "rate-bytes": limits.bytes_per_second,
            "channel-devices": limits.channel_devices,
            "max-buffer": self.max_buffer,
            "drain-seconds": self.drain_seconds,
            "admin": self.admin or "-",
            "admin-host": " ".join(self.admin_hosts) or "-",
            "admin-node": " ".join(url.text for url in self.admin_nodes) or "-",
            "log-level": self.log_level,
            "log-format": self.log_format,
            "log-addresses": self.log_addresses,
        }

    def described(self) -> str:
        """The effective options on one line."""
        return " ".join(f"{name}={value}" for name, value in self.effective.items())

    def taken_over_by(self, running: "Settings") -> tuple["Settings", list[str]]:
        """Return these settings as far as a relay on `running` can take them over.

        And the names of the options that differ and take a restart, which keep their values.
        """
        restart = [name for name in _RESTART if getattr(self, name) != getattr(running, name)]
        kept: dict[str, Any] = {name: getattr(running, name) for name in restart}
        if [bool(pairs) for pairs in self.pairs] != [bool(pairs) for pairs in running.pairs]:
            restart.append("tls-cert")
        if {"listen", "tls-cert"}.intersection(restart):
            # These would be the certificates of other listeners.
            kept["pairs"] = running.pairs
        lifted = [
            name
            for name, part in _GUARDS.items()
            if getattr(self.access, part) is None and getattr(running.access, part) is not None
        ]
        if lifted:
            # A file that was emptied by mistake must not open a private relay.
            still = {_GUARDS[name]: getattr(running.access, _GUARDS[name]) for name in lifted}
            kept["access"] = replace(self.access, **still)
            # That no origin is allowed may have come with allow-from alone.
            restart += [name for name in lifted if name != "allow-origin" or running.access.origins]
        size = running.limits.message_bytes
        if self.limits.message_bytes != size:
            # It was announced to devices, for what they send and what they receive.
            kept["limits"] = replace(self.limits, message_bytes=size)
            restart.append("message-bytes")
        return replace(self, **kept), [name.replace("_", "-") for name in restart]


def hosts_of(pairs: Iterable[CertificatePair]) -> frozenset[str]:
    """The host names of certificates, in the canonical form of an audience."""
    hosts = set()
    for pair in pairs:
        for name in pair.names:
            # A certificate may hold names that no device can dial.
            with suppress(ValueError):
                hosts.add(canonical_host(name))
    return frozenset(hosts)


def _url_to_show(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"wss://{url}"
    scheme = scheme.lower()
    return f"{_SCHEMES.get(scheme, scheme)}://{rest}"


def _counted(listed: Sized | None, noun: str) -> str:
    return "-" if listed is None else f"({len(listed)} {noun}{'' if len(listed) == 1 else 's'})"
