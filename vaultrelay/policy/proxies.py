"""TrustedProxies: whose word the relay takes for where a connection really comes from."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from vaultrelay.policy.addresses import IpAddress, read_address

UNIX = "unix"
"""Stands for whoever reaches a unix socket: its mode says who that is."""

_Network: TypeAlias = IPv4Network | IPv6Network
_IPV4_IN_IPV6 = IPv6Network("::ffff:0:0/96")
_WITH_PORT = re.compile(r"(?:\[(.{1,64})\]|([0-9.]+))(?::[0-9]{1,5})?")
"""An address as some proxies write it, with the port behind it."""
_MOST_PROXIES = 16
"""In a row. Nobody has so many, and each takes a look at the whole list."""


class TrustedProxies:
    """Networks of proxies. ValueError with a sentence for what is none."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        texts = tuple(texts)
        self._networks = tuple(_read_network(text) for text in texts if text != UNIX)
        self._unix = UNIX in texts

    def trusts(self, peer: IpAddress | None) -> bool:
        """Whether a peer is a proxy of ours; None is one on a unix socket."""
        if peer is None:
            return self._unix
        return any(peer in network for network in self._networks)

    def client(self, forwarded: Sequence[str]) -> IpAddress | None:
        """Of what X-Forwarded-For lists, the last address that is no proxy's; None without one.

        Every proxy adds at the end whom it heard. What stands before the word of one that is not
        ours was written by anybody. ValueError where one that is ours wrote no address.
        """
        for text in list(reversed(forwarded))[:_MOST_PROXIES]:
            address = _read_forwarded(text)
            if not self.trusts(address):
                return address
        if len(forwarded) > _MOST_PROXIES:
            raise ValueError("there are too many proxies in a row")
        return None


def _read_forwarded(text: str) -> IpAddress:
    found = _WITH_PORT.fullmatch(text)
    address = read_address((found[1] or found[2]) if found else text)
    if address is None:
        raise ValueError("this is no address")
    return address


def _read_network(text: str) -> _Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            raise ValueError(
                f"{text!r} is an address and a network in one; write {ip_network(text, False)}, or "
                "just the address"
            ) from None
        raise ValueError(f"{text!r} is no address, no network and not {UNIX}") from None
    if not network.prefixlen:
        raise ValueError(f"{text!r} is everybody, and everybody can write X-Forwarded-For")
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_IN_IPV6):
        # An address of this kind is read as IPv4, too.
        mapped = network.network_address.packed[12:]
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
