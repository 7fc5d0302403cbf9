"""Settings: what the operator chose, checked and typed."""

from contextlib import suppress
from dataclasses import dataclass, field

from vaultrelay.policy.audience import canonical_host, host_of_url
from vaultrelay.policy.limits import (
    DEFAULT_DRAIN_SECONDS,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_PORT,
    LEAST_BUFFER,
    LEAST_PER_ADDRESS,
    SHARE_PER_ADDRESS,
    SessionLimits,
)
from vaultrelay.transport.certificate import CertificatePair


@dataclass(frozen=True)
class Settings:
    """One relay's configuration. `listen` holds endpoint strings; without any, port, bind and
    certificate say where to listen. `certificates` are all that the relay is known to serve,
    `unknown_variables` the RELAY_ variables that are no option. `admin` is an endpoint string, too;
    empty for no admin endpoint."""

    port: int = DEFAULT_PORT
    bind: str = "0.0.0.0"  # noqa: S104  a relay is there to be reached
    listen: tuple[str, ...] = ()
    certificate: CertificatePair | None = field(default=None, repr=False)
    certificates: tuple[CertificatePair, ...] = field(default=(), repr=False)
    public_urls: tuple[str, ...] = ()
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    max_per_address: int | None = None
    trusted_proxies: tuple[str, ...] = ()
    limits: SessionLimits = field(default_factory=SessionLimits)
    max_buffer: int = LEAST_BUFFER
    drain_seconds: int = DEFAULT_DRAIN_SECONDS
    admin: str = ""
    log_level: str = "info"
    unknown_variables: tuple[str, ...] = ()

    @property
    def places_per_address(self) -> int:
        """How many devices one network address may have here; 0 is no limit."""
        if self.max_per_address is not None:
            return self.max_per_address
        return max(self.max_connections // SHARE_PER_ADDRESS, LEAST_PER_ADDRESS)

    @property
    def own_hosts(self) -> frozenset[str]:
        """The names under which devices may dial: of the public URLs and the certificates."""
        hosts = {host_of_url(url) for url in self.public_urls}
        for pair in self.certificates:
            for name in pair.names:
                # A certificate may hold names that no device can dial.
                with suppress(ValueError):
                    hosts.add(canonical_host(name))
        return frozenset(hosts)

    @property
    def urls_to_show(self) -> tuple[str, ...]:
        """The public URLs as one enters them in the app."""
        shown = []
        for url in self.public_urls:
            scheme, separator, rest = url.partition("://")
            scheme = scheme.lower()
            if not separator:
                shown.append(f"wss://{url}")
            else:
                shown.append({"http": "ws", "https": "wss"}.get(scheme, scheme) + "://" + rest)
        return tuple(shown)

    @property
    def effective(self) -> dict[str, object]:
        """The options in force by name, for people. There is no secret among them."""
        limits = self.limits
        return {
            "public-url": " ".join(self.public_urls) or "-",
            "max-connections": self.max_connections,
            "max-per-address": self.places_per_address,
            "trusted-proxy": " ".join(self.trusted_proxies) or "-",
            "session-ttl": limits.session_ttl,
            "message-bytes": limits.message_bytes,
            "rate-messages": limits.messages_per_second,
            "rate-bytes": limits.bytes_per_second,
            "channel-devices": limits.channel_devices,
            "max-buffer": self.max_buffer,
            "drain-seconds": self.drain_seconds,
            "admin": self.admin or "-",
            "log-level": self.log_level,
        }

    def described(self) -> str:
        """The effective options on one line."""
        return " ".join(f"{name}={value}" for name, value in self.effective.items())
