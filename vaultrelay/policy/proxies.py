"""TrustedProxies: the proxies from which the relay accepts X-Forwarded-For as the client
address."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vaultrelay.policy.addresses import IpAddress, PeerAddress, read_address
from vaultrelay.policy.networks import NO_NETWORKS, Networks

_WITH_PORT = re.compile(r"(?:\[(.{1,64})\]|([0-9.]+))(?::[0-9]{1,5})?")
"""An address with a port, as some proxies write it."""
_MAX_PROXIES = 16
"""Proxies in a row. More are not plausible, and each costs a search of the whole list."""


@dataclass(frozen=True)
class TrustedProxies:
    """Networks of trusted proxies, less those `denied`: their headers could admit them as other
    clients."""

    networks: Networks = NO_NETWORKS
    denied: Networks = NO_NETWORKS

    @classmethod
    def read(cls, texts: Iterable[str], denied: Networks = NO_NETWORKS) -> "TrustedProxies":
        """Return the networks in texts. Raises ValueError, with a sentence, if a text is not a
        network."""
        networks = Networks.read(texts)
        for network in networks.networks:
            if not network.prefixlen:
                raise ValueError(
                    f"'{network}' includes every address, so any client could forge X-Forwarded-For"
                )
        return cls(networks, denied)

    def trusts(self, peer: PeerAddress | None) -> bool:
        """Return whether a peer is a trusted proxy."""
        return peer in self.networks and peer not in self.denied

    def client(self, forwarded: Sequence[str]) -> IpAddress | None:
        """Return the rightmost address in X-Forwarded-For that is not a trusted proxy; None if it
        is empty.

        Every proxy appends the address of its client. Anything to the left of an untrusted address
        can be forged. If all are trusted, the leftmost is used: a device may be in a network of
        proxies. Raises ValueError if a trusted proxy wrote no address.
        """
        address = None
        for text in list(reversed(forwarded))[:_MAX_PROXIES]:
            address = _read_forwarded(text)
            if not self.trusts(address):
                return address
        if len(forwarded) > _MAX_PROXIES:
            raise ValueError("there are too many proxies in a row")
        return address


def _read_forwarded(text: str) -> IpAddress:
    found = _WITH_PORT.fullmatch(text)
    address = read_address((found[1] or found[2]) if found else text)
    if address is None:
        raise ValueError("this is not an address")
    return address
