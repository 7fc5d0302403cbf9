"""Audiences: the host names under which devices may dial this relay.

A proof names the host that its device dialled. A relay that knows its own names refuses proofs for
others, so that nobody can take a proof made for one relay to another.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

import idna

_LABEL_CHARS = 63
"""Of a DNS label (RFC 1035, section 2.3.4)."""
PUBLIC_SCHEMES = ("ws", "wss", "http", "https")


class Audiences:
    """A set of host names in their canonical spelling; an empty set accepts every name."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = frozenset(canonical_host(host) for host in hosts)

    def accepts(self, audience: str) -> bool:
        """Whether a device that dialled `audience` meant this relay; wildcards match one label."""
        if not self.hosts or audience in self.hosts:
            return True
        _, dot, parent = audience.partition(".")
        return bool(dot) and not _is_address(audience) and f"*.{parent}" in self.hosts


def canonical_host(host: str) -> str:
    """`host` as an audience spells it: A-labels, lower case, addresses as RFC 5952 has them.

    ValueError for what is neither a host name nor an IP address.
    """
    host = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    if _is_address(host):
        return str(ip_address(host))
    wildcard, name = ("*.", host[2:]) if host.startswith("*.") else ("", host)
    if name.isascii():
        # Names such as my_nas.lan work in DNS though they are not internationalized names.
        labels = name.split(".")
        if not all(0 < len(label) <= _LABEL_CHARS and _is_label(label) for label in labels):
            raise ValueError(f"{host!r} is not a host name")
        return wildcard + name
    try:
        return wildcard + idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError(f"{host!r} is not a host name") from None


def host_of_url(url: str) -> str:
    """The canonical host of a public URL such as wss://relay.example.org, or of a bare host name.

    ValueError with a sentence when there is no host in it.
    """
    if "://" not in url:
        return canonical_host(url)
    parts = urlsplit(url)
    if parts.scheme not in PUBLIC_SCHEMES or not parts.hostname:
        raise ValueError(f"{url!r} is not a URL like wss://relay.example.org")
    return canonical_host(parts.hostname)


def _is_label(label: str) -> bool:
    return all(character.isalnum() or character in "-_" for character in label)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
