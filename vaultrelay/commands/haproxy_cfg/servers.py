"""The addresses, names and numbers on the command line of ``vault-relay haproxy``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from vaultrelay.wire.host import host_port, literal_address

HIGHEST_PORT = 65535
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}")
"""The names that HAProxy accepts, except those that would need quotes anywhere."""
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}([.]{_LABEL})*")


class BadUsage(Exception):
    """An invalid command line. Its text is for people."""


@dataclass(frozen=True)
class Server:
    """A relay or an HAProxy: its name in the configuration, its host and port."""

    name: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """The address in HAProxy's form."""
        return host_port(self.host, self.port)

    @property
    def is_by_name(self) -> bool:
        """Whether the address must be resolved."""
        return not is_address(self.host)


def read_servers(flag: str, texts: Sequence[str]) -> tuple[Server, ...]:
    """Return the servers that one flag names. Raises BadUsage if two are the same."""
    servers = tuple(_server(flag, text) for text in texts)
    for kind, keys in (
        ("name", [server.name for server in servers]),
        ("address", [server.address for server in servers]),
    ):
        for key in keys:
            if keys.count(key) > 1:
                raise BadUsage(f"{flag}: two values have the {kind} {key}")
    return servers


def _server(flag: str, text: str) -> Server:
    """Return the server in ``HOST:PORT`` or ``NAME=HOST:PORT``."""
    name, _, address = text.rpartition("=")
    host, _, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    known = is_address(bare) if host == f"[{bare}]" else ":" not in host and _HOST.fullmatch(host)
    if not known:
        raise BadUsage(
            f"{flag}: {text!a} must be HOST:PORT, such as 10.0.0.2:8080 or [fd00::2]:8080"
        )
    number = read_number(f"{flag} {text!a}: the port", port, 1, HIGHEST_PORT)
    return Server(read_name(flag, name or f"{bare}:{number}"), bare, number)


def is_address(text: str) -> bool:
    """Return whether it is an IP address without a zone."""
    address = literal_address(text)
    has_zone = isinstance(address, IPv6Address) and address.scope_id is not None
    return address is not None and not has_zone


def read_number(name: str, text: str, minimum: int, maximum: int) -> int:
    """Return a whole number within a range."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(maximum))
    if not digits or not minimum <= int(text) <= maximum:
        raise BadUsage(f"{name}: {text!a} must be a number from {minimum} to {maximum}")
    return int(text)


def read_name(flag: str, text: str) -> str:
    """Return a name that HAProxy accepts."""
    if not _NAME.fullmatch(text):
        raise BadUsage(
            f"{flag}: {text!a} is not a valid name: use at most 63 letters, digits and _ . : -"
        )
    return text
