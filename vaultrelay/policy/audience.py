"""Audiences: the host names under which devices may dial this relay.

A proof names the host that its device dialled. A relay that knows its own names refuses proofs for
others, so that a proof made for one relay cannot be replayed to another.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address

from vaultrelay.wire.host import LABEL, literal_address

_PRIVATE_ENDS = frozenset(
    {"home", "internal", "intranet", "lan", "local", "localhost", "onion", "test"}
)
"""Last labels of names that are not on the Internet, by RFC 6761, 6762, 7686, ICANN and habit."""
_HOME = ".home.arpa"
"""The same (RFC 8375)."""


class Audiences:
    """A set of canonical host names; an empty set accepts every name."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = frozenset(spelling for host in hosts for spelling in _spellings(host))

    def accepts(self, audience: str) -> bool:
        """Return whether `audience` is a name of this relay; a wildcard matches one label."""
        if not self.hosts or (audience in self.hosts and not audience.startswith("*")):
            return True
        label, _, parent = audience.partition(".")
        return (
            f"*.{parent}" in self.hosts
            and LABEL.fullmatch(label) is not None
            and literal_address(audience) is None
        )


def _spellings(host: str) -> tuple[str, ...]:
    """Return the spellings of a name of this relay: URL parsers have two for an IPv4-mapped
    address."""
    address = literal_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is None:
        return (host,)
    high, low = divmod(int(mapped), 1 << 16)
    return host, f"::ffff:{high:x}:{low:x}"


def is_public_host(host: str) -> bool:
    """Return whether a canonical host is on the Internet, as far as its spelling shows."""
    address = literal_address(host)
    if address is not None:
        return address.is_global
    return "." in host and host.rpartition(".")[2] not in _PRIVATE_ENDS and not host.endswith(_HOME)
