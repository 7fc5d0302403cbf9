"""Options: flags, RELAY_* variables and the configuration file, read into Settings.

One table says what there is. A flag beats a variable, a variable beats the file, the file beats the
default.
"""

import difflib
import textwrap
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from twisted.python import usage

from vaultrelay import __version__
from vaultrelay.logs import LEVELS, printable
from vaultrelay.policy import limits
from vaultrelay.policy.audience import host_of_url
from vaultrelay.settings import Settings
from vaultrelay.transport.certificate import BadCertificate, CertificatePair, load_pair
from vaultrelay.transport.endpoint_string import BadEndpoint, certificates_of


@dataclass(frozen=True)
class Option:
    """One option: its name as a flag and in the file, its value's name, its help, its default."""

    name: str
    value: str
    help: str
    default: str = ""
    repeatable: bool = False

    @property
    def variable(self) -> str:
        """The environment variable of the same meaning."""
        return "RELAY_" + self.name.upper().replace("-", "_")


OPTIONS = (
    Option("port", "NUMBER", "TCP port; 0 picks one and prints it.", str(limits.DEFAULT_PORT)),
    Option(
        "bind",
        "ADDRESS",
        "Address of the interface to listen on; :: is every IPv6 and IPv4 address.",
        "0.0.0.0",  # noqa: S104  a relay is there to be reached
    ),
    Option("tls-cert", "FILE", "PEM file with the certificate and its chain. Needs --tls-key."),
    Option("tls-key", "FILE", "PEM file with the private key. Needs --tls-cert."),
    Option(
        "listen",
        "ENDPOINT",
        "Twisted endpoint string, such as unix:/run/relay.sock or systemd:domain=INET6:index=0, "
        "instead of port, bind and the TLS files.",
        repeatable=True,
    ),
    Option(
        "public-url",
        "URL",
        "Name under which devices reach this relay, such as wss://relay.example.org. Devices that "
        "dialled another name are refused.",
        repeatable=True,
    ),
    Option(
        "max-connections",
        "NUMBER",
        "Concurrent device connections.",
        str(limits.DEFAULT_MAX_CONNECTIONS),
    ),
    Option(
        "session-ttl",
        "SECONDS",
        "A session in which its device says nothing for so long is closed.",
        str(limits.DEFAULT_SESSION_TTL),
    ),
    Option(
        "message-bytes",
        "BYTES",
        "The largest message, header included.",
        str(limits.DEFAULT_MESSAGE_BYTES),
    ),
    Option(
        "rate-messages",
        "NUMBER",
        "Messages that one device may have delivered in a second; 0 is no limit.",
        str(limits.DEFAULT_MESSAGES_PER_SECOND),
    ),
    Option(
        "rate-bytes",
        "BYTES",
        "Bytes that one device may have delivered in a second; 0 is no limit.",
        str(limits.DEFAULT_BYTES_PER_SECOND),
    ),
    Option(
        "channel-devices",
        "NUMBER",
        "Devices in one channel.",
        str(limits.DEFAULT_CHANNEL_DEVICES),
    ),
    Option(
        "drain-seconds",
        "SECONDS",
        "How long to take over telling devices good-bye when the relay is stopped.",
        str(limits.DEFAULT_DRAIN_SECONDS),
    ),
    Option("log-level", "LEVEL", "One of " + ", ".join(LEVELS) + ".", "info"),
    Option("config", "FILE", "TOML file with the same names, such as port = 8080."),
)
BY_NAME = {option.name: option for option in OPTIONS}

_LONGEST_NUMBER = 15
"""Digits. Nothing longer is in any range, and int() takes its time over a million digits."""
_HELP_COLUMN = 28
_HELP_WIDTH = 80


class BadOption(usage.UsageError):
    """An option that cannot be used: where it stands, its value, and what is allowed."""


@dataclass(frozen=True)
class Given:
    """The values of one option and where they stand: a flag, a variable, or a file and key."""

    origin: str
    values: tuple[str, ...]

    def refuse(self, allowed: str) -> BadOption:
        """The error that the value is not what is allowed."""
        shown = printable(" ".join(self.values))
        return BadOption(f"{self.origin}: {shown!r} {allowed}")


def read_settings(
    flags: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    check_endpoint: Callable[[str], object] = certificates_of,
) -> Settings:
    """The settings that flags (values by option name) and variables give; BadOption if none.

    `check_endpoint` raises BadEndpoint for an endpoint string that cannot be listened on.
    """
    given = _from_variables(environment)
    given.update(_from_flags(flags))
    if "config" in given:
        given = {**_from_file(given["config"]), **given}
    return _Reader(given, check_endpoint).settings()


def _from_flags(flags: Mapping[str, Sequence[str]]) -> dict[str, Given]:
    return {name: Given(f"--{name}", tuple(values)) for name, values in flags.items() if values}


def _from_variables(environment: Mapping[str, str]) -> dict[str, Given]:
    """The variables that are set. Empty ones count as not set, as in an environment file."""
    given = {}
    for option in OPTIONS:
        value = environment.get(option.variable, "")
        if value:
            values = tuple(value.split()) if option.repeatable else (value,)
            given[option.name] = Given(option.variable, values)
    return given


def _from_file(config: Given) -> dict[str, Given]:
    path = config.values[0]
    try:
        table = tomllib.loads(Path(path).read_bytes().decode("utf-8"))
    except OSError as error:
        raise config.refuse(f"cannot be read: {(error.strerror or '').lower()}") from None
    except UnicodeDecodeError:
        raise config.refuse("is not TOML: it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise config.refuse(f"is not TOML: {error}") from None
    given = {}
    for key, value in table.items():
        origin = f"{path}: {key}"
        option = BY_NAME.get(key)
        if option is None or key == "config":
            close = difflib.get_close_matches(key, BY_NAME.keys() - {"config"}, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise BadOption(f"{printable(origin)}: there is no such option{hint}")
        values = value if option.repeatable and isinstance(value, list) else [value]
        if not all(type(item) in (str, int) for item in values):
            raise Given(origin, (str(value),)).refuse("must be a text or a whole number")
        given[key] = Given(printable(origin), tuple(str(item) for item in values))
    return given


class _Reader:
    """Turns the given texts into values, and refuses those that cannot be."""

    def __init__(self, given: Mapping[str, Given], check_endpoint: Callable[[str], object]) -> None:
        self._given = given
        self._check_endpoint = check_endpoint

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
            limits=limits.SessionLimits(
                message_bytes=self._integer("message-bytes", 1024, 64 * 1024 * 1024),
                messages_per_second=self._integer("rate-messages", 0, 1_000_000_000),
                bytes_per_second=self._integer("rate-bytes", 0, 1_000_000_000_000),
                channel_devices=self._integer("channel-devices", 2, 1000),
                session_ttl=self._integer("session-ttl", 1, 2_592_000),
            ),
            drain_seconds=self._integer("drain-seconds", 0, 3600),
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
        found = []
        for text in self._listen():
            try:
                self._check_endpoint(text)
                found += certificates_of(text)
            except BadEndpoint as error:
                raise Given(self._given["listen"].origin, (text,)).refuse(str(error)) from None
        return found

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
            return load_pair(Path(certificate.values[-1]), Path(key.values[-1]))
        except BadCertificate as error:
            raise (key if error.about_key else certificate).refuse(str(error)) from None

    def _public_urls(self) -> tuple[str, ...]:
        given = self._given.get("public-url")
        if given is None:
            return ()
        for url in given.values:
            try:
                host_of_url(url)
            except ValueError:
                raise Given(given.origin, (url,)).refuse(
                    "must be a URL such as wss://relay.example.org"
                ) from None
        return given.values


class RelayOptions(usage.Options):
    """The flags of the relay; `settings` holds the outcome once they are parsed."""

    optParameters: ClassVar = [
        [option.name, None, None, option.help] for option in OPTIONS if not option.repeatable
    ]
    settings: Settings
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self._repeated: dict[str, list[str]] = {}

    def check_endpoint(self, text: str) -> object:
        """See read_settings."""
        return certificates_of(text)

    def opt_listen(self, value: str) -> None:
        self._repeated.setdefault("listen", []).append(value)

    def opt_public_url(self, value: str) -> None:
        self._repeated.setdefault("public-url", []).append(value)

    def opt_version(self) -> None:
        print(f"vault-relay {__version__}")
        raise SystemExit(0)

    def parseArgs(self, *args: str) -> None:
        if args:
            raise BadOption(f"{printable(args[0])!r} is not an option; see vault-relay --help")

    def postOptions(self) -> None:
        flags = {name: [value] for name, value in self.items() if value is not None}
        self.settings = read_settings(
            {**flags, **self._repeated}, self.environment, self.check_endpoint
        )

    def getSynopsis(self) -> str:
        return "Usage: vault-relay [options]\n       vault-relay check URL [--json]\n"

    def getUsage(self, width: int | None = None) -> str:
        lines = [
            "",
            *textwrap.wrap(
                "A relay on which the devices of a VaultMesh vault meet and pass each other "
                "ciphertext. It runs in the foreground and logs to standard error.",
                _HELP_WIDTH,
            ),
            "",
            "Options:",
        ]
        for option in OPTIONS:
            lines += _help_lines(f"--{option.name} {option.value}", _help_text(option))
        lines += _help_lines("--version", "Print the version.")
        lines += _help_lines("--help", "Print this text.")
        lines += [
            "",
            *textwrap.wrap(
                "Each option is also a variable, RELAY_PORT for --port, and a name in the TOML "
                "file. A flag beats a variable, a variable beats the file. --listen and "
                "--public-url may be repeated; their variables split on white space.",
                _HELP_WIDTH,
            ),
            "",
        ]
        return "\n".join(lines)


def _help_text(option: Option) -> str:
    return option.help + (f" Default {option.default}." if option.default else "")


def _help_lines(head: str, text: str) -> list[str]:
    indent = " " * _HELP_COLUMN
    wrapped = textwrap.wrap(text, _HELP_WIDTH - _HELP_COLUMN)
    first = f"  {head}".ljust(_HELP_COLUMN)
    return [first + wrapped[0], *(indent + line for line in wrapped[1:])]
