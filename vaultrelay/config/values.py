"""Values: from texts and where they stand to checked Settings."""

from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from operator import attrgetter
from typing import Any, TypeVar

from vaultrelay.certificates.pair import CertificatePair
from vaultrelay.certificates.plain_file import start_folder
from vaultrelay.cluster.url import NODE_NAME, NodeUrl
from vaultrelay.config.access_values import AccessValues
from vaultrelay.config.certificates import read_pairs
from vaultrelay.config.memory import memory_bytes
from vaultrelay.config.settings import Settings
from vaultrelay.config.sources import BadOption, Given
from vaultrelay.config.table import BY_NAME
from vaultrelay.logs import FORMATS, LEVELS
from vaultrelay.logs.naming import WAYS
from vaultrelay.policy import limits
from vaultrelay.policy.access import Access
from vaultrelay.policy.audience import canonical_host, host_of_url
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.wire import announced

_MOST_BUFFER = 1 << 40
_LONGEST_NUMBER = 15
"""Digits. Nothing longer is in any range, and int() takes its time over a million digits."""
_T = TypeVar("_T")


class Values:
    """Turns the given texts into values, and refuses those that cannot be.

    Without `kept`, the first that cannot be used raises BadOption. With it, each of them is noted
    in `errors`, and its value stays the kept one. Endpoint strings may have file names that are
    meant in `folder`, by default the current one.
    """

    def __init__(
        self,
        given: Mapping[str, Given],
        reactor: Any,
        kept: Settings | None = None,
        folder: str | None = None,
    ) -> None:
        self._given = given
        self._reactor = reactor
        self._kept = kept
        self._folder = start_folder() if folder is None else folder
        self.errors: list[str] = []

    def settings(self) -> Settings:
        part, access = self._part, AccessValues(self._given, self._kept is None)
        return Settings(
            port=part("port", self._port),
            bind=part("bind", self._bind),
            listen=part("listen", self._listen),
            pairs=part("pairs", self._pairs),
            public_urls=part("public_urls", self._public_urls),
            node_name=part("node_name", self._node_name),
            access=Access(
                tokens=part("access.tokens", access.tokens),
                channels=part("access.channels", access.channels),
                allowed=part("access.allowed", access.allowed),
                denied=part("access.denied", access.denied),
                origins=part("access.origins", access.origins),
            ),
            max_connections=part("max_connections", self._max_connections),
            max_per_address=part("max_per_address", self._max_per_address),
            trusted_proxies=part("trusted_proxies", access.trusted_proxies),
            limits=part("limits", self._limits),
            max_buffer=part("max_buffer", self._max_buffer),
            drain_seconds=part("drain_seconds", self._drain_seconds),
            admin=part("admin", self._admin),
            admin_nodes=part("admin_nodes", self._admin_nodes),
            admin_hosts=part("admin_hosts", self._admin_hosts),
            log_level=part("log_level", self._log_level),
            log_format=part("log_format", self._log_format),
            log_addresses=part("log_addresses", self._log_addresses),
        )

    def _part(self, path: str, read: Callable[[], _T]) -> _T:
        """One value, or the kept one where it cannot be used; `path` is where that is."""
        try:
            return read()
        except BadOption as error:
            if self._kept is None:
                raise
            if str(error) not in self.errors:
                self.errors.append(str(error))
            kept: _T = attrgetter(path)(self._kept)
            return kept

    def _find(self, name: str) -> Given:
        default = BY_NAME[name].default
        return self._given.get(name) or Given(f"--{name}", (default,) if default else ())

    def _integer(self, name: str, lowest: int, highest: int) -> int:
        given = self._find(name)
        text = given.values[-1].strip()
        if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
            raise given.refuse(f"must be a whole number from {lowest} to {highest}")
        number = int(text)
        if not lowest <= number <= highest:
            raise given.refuse(f"must be a whole number from {lowest} to {highest}")
        return number

    def _port(self) -> int:
        return self._integer("port", 0, 65535)

    def _max_connections(self) -> int:
        return self._integer("max-connections", 1, 1_000_000)

    def _drain_seconds(self) -> int:
        return self._integer("drain-seconds", *announced.DRAIN_SECONDS)

    def _node_name(self) -> str:
        given = self._find("node-name")
        name = given.values[-1] if given.values else ""
        if not NODE_NAME.fullmatch(name):
            raise given.refuse(
                f"must be at most {limits.NODE_NAME_CHARS} of A-Z a-z 0-9 . _ -, such as relay-2"
            )
        return name

    def _limits(self) -> limits.SessionLimits:
        return limits.SessionLimits(
            message_bytes=self._integer("message-bytes", *announced.MESSAGE_BYTES),
            messages_per_second=self._integer("rate-messages", 0, announced.MESSAGES_PER_SECOND[1]),
            bytes_per_second=self._integer("rate-bytes", 0, announced.BYTES_PER_SECOND[1]),
            channel_devices=self._integer("channel-devices", 2, announced.CHANNEL_DEVICES[1]),
            session_ttl=self._integer("session-ttl", *announced.SESSION_TTL),
            ping_seconds=self._integer("ping-seconds", *limits.PING_RANGE),
        )

    def _max_buffer(self) -> int:
        largest = self._integer("message-bytes", *announced.MESSAGE_BYTES)
        least = limits.LEAST_MESSAGES_HELD * largest
        if "max-buffer" in self._given:
            # A relay that cannot hold its own messages would close whoever sends one.
            return self._integer("max-buffer", least, _MOST_BUFFER)
        return max(least, memory_bytes() // limits.MEMORY_SHARE)

    def _max_per_address(self) -> int | None:
        name = "max-per-address"
        return self._integer(name, 0, 1_000_000) if name in self._given else None

    def _bind(self) -> str:
        given = self._find("bind")
        address = given.values[-1].removeprefix("[").removesuffix("]")
        try:
            ip_address(address)
        except ValueError:
            raise given.refuse(
                "must be an IP address of this machine, or 0.0.0.0 or :: for all of them"
            ) from None
        return address

    def _log_level(self) -> str:
        return self._one_of("log-level", LEVELS)

    def _log_format(self) -> str:
        return self._one_of("log-format", FORMATS)

    def _log_addresses(self) -> str:
        return self._one_of("log-addresses", WAYS)

    def _one_of(self, name: str, allowed: Collection[str]) -> str:
        given = self._find(name)
        if given.values[-1] not in allowed:
            raise given.refuse("must be one of " + ", ".join(allowed))
        return given.values[-1]

    def _listen(self) -> tuple[str, ...]:
        given = self._given.get("listen")
        if given is None:
            return ()
        for name in ("port", "bind", "tls-cert", "tls-key"):
            if name in self._given:
                raise BadOption(
                    f"{given.origin} and {self._given[name].origin} exclude each other: an "
                    "endpoint string says itself where to listen and with which certificate"
                )
        return given.values

    def _pairs(self) -> tuple[tuple[CertificatePair, ...], ...]:
        running = () if self._kept is None else self._kept.pairs
        return read_pairs(self._given, self._listen(), self._reactor, running, self._folder)

    def _admin(self) -> str:
        given = self._given.get("admin")
        if given is None:
            return ""
        try:
            read_endpoint(self._reactor, given.values[-1], folder=self._folder)
        except BadEndpoint as error:
            raise given.refuse(str(error)) from None
        return given.values[-1]

    def _admin_nodes(self) -> tuple[NodeUrl, ...]:
        given = self._given.get("admin-node")
        if given is None:
            return ()
        if len(given.values) > limits.MOST_NODES:
            raise BadOption(f"{given.origin}: more than {limits.MOST_NODES} relays")
        urls = []
        for text in given.values:
            try:
                urls.append(NodeUrl.read(text).in_folder(self._folder))
            except ValueError as error:
                raise given.only(text).refuse(str(error)) from None
        return tuple(dict.fromkeys(urls))

    def _admin_hosts(self) -> tuple[str, ...]:
        given = self._given.get("admin-host")
        if given is None:
            return ()
        if len(given.values) > limits.MOST_NODES:
            raise BadOption(f"{given.origin}: more than {limits.MOST_NODES} names")
        try:
            return tuple(dict.fromkeys(map(_admin_host, given.values)))
        except ValueError as error:
            raise BadOption(
                f"{given.origin}: {error}; write a name without a port, such as relay.lan"
            ) from None

    def _public_urls(self) -> tuple[str, ...]:
        given = self._given.get("public-url")
        if given is None:
            return ()
        for url in given.values:
            if "@" in url:
                raise BadOption(f"{given.origin}: a public URL is shown to all, keep the token out")
            try:
                host_of_url(url)
            except ValueError as error:
                raise given.only(url).refuse(
                    f"must be a URL such as wss://relay.example.org: {error}"
                ) from None
        return given.values


def _admin_host(text: str) -> str:
    if "*" in text:
        raise ValueError(f"{text!r} is a pattern, and no name")
    return canonical_host(text)
