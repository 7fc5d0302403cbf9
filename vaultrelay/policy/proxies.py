"""TrustedProxies: the peers whose X-Forwarded-For the relay uses as the client address."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vaultrelay.policy.addresses import IpAddress, PeerAddress, read_address
from vaultrelay.policy.networks import NOBODY, Networks

_WITH_PORT = re.compile(r"(?:\[(.{1,64})\]|([0-9.]+))(?::[0-9]{1,5})?")
"""An address as some proxies write it, with the port behind it."""
_MOST_PROXIES = 16
"""In a row. Nobody has so many, and each takes a look at the whole list."""


@dataclass(frozen=True)
class TrustedProxies:
    """Networks of proxies, less those `denied`, whose headers would admit them as other clients."""

    networks: Networks = NOBODY
    denied: Networks = NOBODY

    @classmethod
    def read(cls, texts: Iterable[str], denied: Networks = NOBODY) -> "TrustedProxies":
        """Read networks. Raises ValueError, with a sentence, if a text is not one of proxies."""
        networks = Networks.read(texts)
        for network in networks.networks:
            if not network.prefixlen:
                raise ValueError(
                    f"'{network}' is everybody, and everybody can write X-Forwarded-For"
                )
        return cls(networks, denied)

    def trusts(self, peer: PeerAddress | None) -> bool:
        """Return whether a peer is a trusted proxy."""
        return peer in self.networks and peer not in self.denied

    def client(self, forwarded: Sequence[str]) -> IpAddress | None:
        """Of what X-Forwarded-For lists, the last address that is no proxy's; None of nothing.

        Every proxy adds at the end whom it heard. What stands before the word of one that is not
        ours was written by anybody. Where all are ours it is the first: a device may stand in a
        network of proxies. ValueError where one that is ours wrote no address.
        """
        address = None
        for text in list(reversed(forwarded))[:_MOST_PROXIES]:
            address = _read_forwarded(text)
            if not self.trusts(address):
                return address
        if len(forwarded) > _MOST_PROXIES:
            raise ValueError("there are too many proxies in a row")
        return address


def _read_forwarded(text: str) -> IpAddress:
    found = _WITH_PORT.fullmatch(text)
    address = read_address((found[1] or found[2]) if found else text)
    if address is None:
        raise ValueError("this is no address")
    return address
