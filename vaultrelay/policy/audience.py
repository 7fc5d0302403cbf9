"""Audiences: the host names under which devices may dial this relay.

A proof names the host that its device dialled. A relay that knows its own names refuses proofs for
others, so that a proof made for one relay cannot be replayed to another.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import idna

_IPV6 = 6
_LABEL = re.compile("[a-z0-9_-]{1,63}")
"""A DNS label (RFC 1035, section 2.3.4), in lower case."""
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
"""A last label that makes browsers parse a name as an IPv4 address (WHATWG URL, section 3.5)."""
_PRIVATE_ENDS = frozenset(
    {"home", "internal", "intranet", "lan", "local", "localhost", "onion", "test"}
)
"""Last labels of names that are not on the Internet, by RFC 6761, 6762, 7686, ICANN and habit."""
_HOME = ".home.arpa"
"""The same (RFC 8375)."""
PUBLIC_SCHEMES = ("ws", "wss", "http", "https")


class Audiences:
    """A set of canonical host names; an empty set accepts every name."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = frozenset(
            spelling for host in hosts for spelling in _spellings(canonical_host(host))
        )

    def accepts(self, audience: str) -> bool:
        """Return whether `audience` is a name of this relay; a wildcard matches one label."""
        if not self.hosts or (audience in self.hosts and not audience.startswith("*")):
            return True
        label, _, parent = audience.partition(".")
        return (
            f"*.{parent}" in self.hosts
            and _LABEL.fullmatch(label) is not None
            and _address(audience) is None
        )


def canonical_host(host: str) -> str:
    """Return `host` in the form of an audience: A-labels, lower case, addresses as in RFC 5952.

    Raises ValueError if it is neither a host name nor an IP address.
    """
    if "%" in host:
        raise ValueError(f"{host!r} names an interface of one machine")
    bracketed = host.startswith("[") and host.endswith("]")
    address = _address(host[1:-1] if bracketed else host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        # By RFC 5952, section 5; Python's own form changed with 3.13.
        return f"::ffff:{address.ipv4_mapped}"
    if address is not None and (address.version == _IPV6 or not bracketed):
        return str(address)
    wildcard, name = ("*.", host[2:]) if host.startswith("*.") else ("", host)
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError(f"{host!r} is not a host name") from None
    # Names such as my_nas.lan work in DNS though they are not internationalized names.
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{host!r} is not a host name")
    if not wildcard and _NUMBER.fullmatch(labels[-1]) and _address(name) is None:
        raise ValueError(
            f"{host!r} is not a host name, nor an IPv4 address of four decimal numbers"
        )
    return wildcard + name


def is_canonical_host(host: str) -> bool:
    """Return whether `host` is in the form of an audience."""
    try:
        return canonical_host(host) == host
    except ValueError:
        return False


def host_of_url(url: str) -> str:
    """Return the canonical host of a public URL such as wss://relay.example.org, or of a bare host
    name.

    Raises ValueError, with a sentence, if it has no host.
    """
    if "*" in url:
        raise ValueError(f"{url!r} is a pattern, and no name that a device can dial")
    if "://" not in url:
        return canonical_host(url)
    parts = urlsplit(url)
    # urlsplit() drops some control characters, and looks at the port only when asked.
    if not url.isprintable() or parts.scheme not in PUBLIC_SCHEMES or not parts.hostname:
        raise ValueError(f"{url!r} is not a URL like wss://relay.example.org")
    if parts.port == 0:
        raise ValueError(f"{url!r} has no port that can be dialled")
    return canonical_host(parts.hostname)


def _spellings(host: str) -> tuple[str, ...]:
    """Return the spellings of a name of this relay: URL parsers have two for an IPv4-mapped
    address."""
    address = _address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is None:
        return (host,)
    high, low = divmod(int(mapped), 1 << 16)
    return host, f"::ffff:{high:x}:{low:x}"


def is_public_host(host: str) -> bool:
    """Return whether a canonical host is on the Internet, as far as its spelling shows."""
    address = _address(host)
    if address is not None:
        return address.is_global
    return "." in host and host.rpartition(".")[2] not in _PRIVATE_ENDS and not host.endswith(_HOME)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
