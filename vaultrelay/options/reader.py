"""Reading: from texts and where they stand to checked Settings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from vaultrelay.logs import LEVELS
from vaultrelay.options.memory import memory_bytes
from vaultrelay.options.sources import (
    BadOption,
    Given,
    from_file,
    from_flags,
    from_variables,
    unknown_variables,
)
from vaultrelay.options.table import BY_NAME
from vaultrelay.policy import limits
from vaultrelay.policy.audience import host_of_url
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.settings import Settings
from vaultrelay.transport.certificate import BadCertificate, CertificatePair, load_pair
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

_MESSAGE_BYTES = (1024, 64 * 1024 * 1024)
_MOST_BUFFER = 1 << 40
_LONGEST_NUMBER = 15
"""Digits. Nothing longer is in any range, and int() takes its time over a million digits."""


def read_settings(
    flags: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    reactor: Any = None,
) -> Settings:
    """The settings that flags (values by option name) and variables give; BadOption if none.

    Endpoint strings are read for `reactor`, on which they would listen.
    """
    given = from_variables(environment)
    given.update(from_flags(flags))
    if "config" in given:
        given = {**from_file(given["config"]), **given}
    settings = _Reader(given, reactor).settings()
    return replace(settings, unknown_variables=unknown_variables(environment))


class _Reader:
    """Turns the given texts into values, and refuses those that cannot be."""

    def __init__(self, given: Mapping[str, Given], reactor: Any) -> None:
        self._given = given
        self._reactor = reactor

    def settings(self) -> Settings:
        listen = self._listen()
        pair = None if listen else self._pair()
        if pair is not None:
            certificates: tuple[CertificatePair, ...] = (pair,)
        else:
            certificates = tuple(self._endpoint_certificates())
        return Settings(
            port=self._integer("port", 0, 65535),
            bind=self._bind(),
            listen=listen,
            certificate=pair,
            certificates=certificates,
            public_urls=self._public_urls(),
            max_connections=self._integer("max-connections", 1, 1_000_000),
            max_per_address=self._max_per_address(),
            trusted_proxies=self._trusted_proxies(),
            limits=limits.SessionLimits(
                message_bytes=self._integer("message-bytes", *_MESSAGE_BYTES),
                messages_per_second=self._integer("rate-messages", 0, 1_000_000_000),
                bytes_per_second=self._integer("rate-bytes", 0, 1_000_000_000_000),
                channel_devices=self._integer("channel-devices", 2, 1000),
                session_ttl=self._integer("session-ttl", 1, 2_592_000),
            ),
            max_buffer=self._max_buffer(),
            drain_seconds=self._integer("drain-seconds", 0, 3600),
            admin=self._admin(),
            log_level=self._level(),
        )

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

    def _max_buffer(self) -> int:
        largest = self._integer("message-bytes", *_MESSAGE_BYTES)
        least = limits.LEAST_MESSAGES_HELD * largest
        if "max-buffer" in self._given:
            # A relay that cannot hold its own messages would close whoever sends one.
            return self._integer("max-buffer", least, _MOST_BUFFER)
        return max(least, memory_bytes() // limits.MEMORY_SHARE)

    def _max_per_address(self) -> int | None:
        name = "max-per-address"
        return self._integer(name, 0, 1_000_000) if name in self._given else None

    def _trusted_proxies(self) -> tuple[str, ...]:
        given = self._given.get("trusted-proxy")
        if given is None:
            return ()
        for text in given.values:
            try:
                TrustedProxies([text])
            except ValueError as error:
                raise Given(given.origin, (text,)).refuse(
                    f"must be an address or a network such as 127.0.0.1 or 10.0.0.0/8: {error}"
                ) from None
        return given.values

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

    def _level(self) -> str:
        given = self._find("log-level")
        if given.values[-1] not in LEVELS:
            raise given.refuse("must be one of " + ", ".join(LEVELS))
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

    def _endpoint_certificates(self) -> list[CertificatePair]:
        found: list[CertificatePair] = []
        for text in self._listen():
            try:
                listening = read_endpoint(self._reactor, text)
                found += listening.tls.pairs if listening.tls else ()
            except BadEndpoint as error:
                raise Given(self._given["listen"].origin, (text,)).refuse(str(error)) from None
        return found

    def _admin(self) -> str:
        given = self._given.get("admin")
        if given is None:
            return ""
        try:
            read_endpoint(self._reactor, given.values[-1])
        except BadEndpoint as error:
            raise given.refuse(f"{error}; write it like tcp:9090:interface=127.0.0.1") from None
        return given.values[-1]

    def _pair(self) -> CertificatePair | None:
        certificate, key = self._given.get("tls-cert"), self._given.get("tls-key")
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            present = certificate or key
            missing = "--tls-cert" if certificate is None else "--tls-key"
            assert present is not None  # noqa: S101  for the type checker: one of two is given
            raise present.refuse(f"needs {missing} too: TLS takes a certificate and its key")
        try:
            pair = load_pair(Path(certificate.values[-1]), Path(key.values[-1]))
        except BadCertificate as error:
            raise (key if error.about_key else certificate).refuse(str(error)) from None
        return pair

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
                raise Given(given.origin, (url,)).refuse(
                    f"must be a URL such as wss://relay.example.org: {error}"
                ) from None
        return given.values
