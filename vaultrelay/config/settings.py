"""Settings: the configuration of one relay, checked and typed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter

from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.certificates.server_certificate import ServerCertificate
from vaultrelay.config.access_options import AccessOptions
from vaultrelay.config.limit_options import LimitOptions
from vaultrelay.config.listening_options import ListeningOptions
from vaultrelay.config.mailbox_options import MailboxOptions
from vaultrelay.config.operation_options import OperationOptions
from vaultrelay.config.option import Option, options_of
from vaultrelay.logs import LogSettings
from vaultrelay.policy.access import Access
from vaultrelay.policy.audience import Audiences, is_public_host
from vaultrelay.policy.descriptors import Shares, share_out
from vaultrelay.policy.limits.mailbox import TOKEN_SHARE
from vaultrelay.policy.limits.memory import (
    MAX_DEFAULT_BUFFER,
    MEMORY_SHARE,
    MIN_BUFFER,
    MIN_MESSAGES_HELD,
)
from vaultrelay.policy.limits.networks import MIN_PER_ADDRESS, SHARE_PER_ADDRESS
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.origins import Origins
from vaultrelay.wire.announced import PUT_HEADER_BYTES
from vaultrelay.wire.relay_url import host_of_url

_SCHEMES_IN_APP = {"http": "ws", "https": "wss"}


@dataclass(frozen=True)
class Settings(OperationOptions, MailboxOptions, LimitOptions, AccessOptions, ListeningOptions):
    """The values of all options, and what is derived from them.

    The bases declare the options; a dataclass has the fields of its last base first. `pairs` are
    the certificates of each listener, empty without TLS. `runtime_folder` is the effective one;
    empty without unix sockets. `memory` is in bytes. `unknown_variables` are RELAY_ variables that
    are not options, `service_links` those that Kubernetes sets, which are ignored. `open_files` is
    the limit on open files of the process, None if there is none. `sources` has the flag,
    the variable, or the file and key of each option that is set; see `source_of`.
    """

    pairs: tuple[tuple[ServerCertificate, ...], ...] = field(default=((),), repr=False)
    memory: int = MEMORY_SHARE * MIN_BUFFER
    unknown_variables: tuple[str, ...] = ()
    service_links: tuple[str, ...] = ()
    open_files: int | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def options(self) -> tuple[Option, ...]:
        """The declarations of the options."""
        return options_of(self)

    @property
    def limits(self) -> SessionLimits:
        """The limits of one session."""
        return SessionLimits(
            **{each.name: getattr(self, each.name) for each in fields(SessionLimits)}
        )

    @property
    def access(self) -> Access:
        """The access rules: with --allow-from, web pages must be allowed, too."""
        origins = Origins() if self.origins is None and self.allowed is not None else self.origins
        return Access(self.tokens, self.channels, self.allowed, self.denied, origins)

    @property
    def buffer_bytes(self) -> int:
        """The memory for the messages of all devices together."""
        if self.max_buffer is not None:
            return self.max_buffer
        share = min(self.memory // MEMORY_SHARE, MAX_DEFAULT_BUFFER)
        return max(share, MIN_BUFFER, MIN_MESSAGES_HELD * self.message_bytes)

    @property
    def max_item_bytes(self) -> int:
        """The largest payload in the mailbox: a PUT is not larger than a message."""
        return min(self.item_bytes, self.message_bytes - PUT_HEADER_BYTES)

    @property
    def payer_bytes(self) -> int:
        """The part of one access token in the mailbox."""
        return self.total_bytes // TOKEN_SHARE if self.token_bytes is None else self.token_bytes

    @property
    def is_mailbox_open(self) -> bool:
        """Whether anyone may store messages."""
        return self.mailbox_open and self.tokens is None and self.channels is None

    @property
    def certificates(self) -> tuple[ServerCertificate, ...]:
        """The certificates of all listeners."""
        return tuple(pair for pairs in self.pairs for pair in pairs)

    @property
    def shares(self) -> Shares:
        """The shares of the open files: at most `max_connections` devices, and pending
        connections."""
        return share_out(self.open_files, self.max_connections)

    @property
    def capacity_per_address(self) -> int:
        """The share of one network address, in devices; 0 is no limit."""
        if self.max_per_address is not None:
            return self.max_per_address
        return max(self.shares.devices // SHARE_PER_ADDRESS, MIN_PER_ADDRESS)

    @property
    def broker(self) -> BrokerSettings:
        """The settings of the broker."""
        return BrokerSettings(
            limits=self.limits,
            access=self.access,
            audiences=Audiences(self.own_hosts),
            node_name=self.node_name,
            max_connections=self.shares.devices,
            per_address=self.capacity_per_address,
            pending_per_address=self.shares.pending_per_address,
        )

    @property
    def log(self) -> LogSettings:
        """The settings of the log."""
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
        """The public URLs without TLS of hosts on the Internet."""
        return tuple(
            url
            for url in self.urls_to_show
            if url.startswith("ws:") and is_public_host(host_of_url(url))
        )

    @property
    def urls_to_show(self) -> tuple[str, ...]:
        """The public URLs in the form for the app."""
        return tuple(map(_url_in_app, self.public_urls))

    def source_of(self, name: str) -> str:
        """Return the flag, variable or key that set an option; the flag if none did."""
        return self.sources.get(name, f"--{name}")

    def shown(self, option: Option) -> object:
        """Return the effective value of an option for display: a number or a text, no secret."""
        return option.kind.show(attrgetter(option.effective or option.field)(self))

    @property
    def effective(self) -> dict[str, object]:
        """The effective options by name, as the status page shows them."""
        return {each.name: self.shown(each) for each in self.options if each.in_status}

    @property
    def changed(self) -> dict[str, object]:
        """The effective options that differ from those of a relay without any option."""
        default = type(self)(memory=self.memory).effective
        return {name: value for name, value in self.effective.items() if value != default[name]}

    def taken_over_by(self, running: "Settings") -> tuple["Settings", list[str]]:
        """Return these settings as far as a reload of `running` can apply them.

        Also returns the names of the options that differ and take a restart, which keep their
        values.
        """
        old = {each: getattr(running, each.field) for each in self.options}
        restart = [
            each
            for each, value in old.items()
            if not each.live and getattr(self, each.field) != value
        ]
        # A file that was emptied by mistake must not open a private relay.
        lifted = [each for each in old if each.guard and self._lifts(each.field, running)]
        kept = {each.field: old[each] for each in restart + lifted}
        # An option that keeps its value is still named by its source.
        kept["sources"] = {**running.sources, **self.sources}
        names = [each.name for each in restart]
        if [bool(pairs) for pairs in self.pairs] != [bool(pairs) for pairs in running.pairs]:
            names.append("tls-cert")
        if {"listen", "tls-cert"}.intersection(names):
            # The new ones are the certificates of other listeners.
            kept["pairs"] = running.pairs
        # An empty set of origins may follow from allow-from only.
        names += [each.name for each in lifted if each.name != "allow-origin" or running.origins]
        return replace(self, **kept), names

    def _lifts(self, guard: str, running: "Settings") -> bool:
        """Return whether a guard, by its field, restricts access to `running` but not here."""
        return getattr(self.access, guard) is None and getattr(running.access, guard) is not None


OPTIONS = options_of(Settings)


def hosts_of(pairs: Iterable[ServerCertificate]) -> frozenset[str]:
    """The host names of certificates, in the canonical form of an audience."""
    return frozenset(host for pair in pairs for host in pair.hosts)


def _url_in_app(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"wss://{url}"
    scheme = scheme.lower()
    return f"{_SCHEMES_IN_APP.get(scheme, scheme)}://{rest}"
