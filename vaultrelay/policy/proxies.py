"""TrustedProxies: whose word the relay takes for where a connection really comes from."""

import re
from collections.abc import Iterable, Sequence

from vaultrelay.policy.addresses import IpAddress, PeerAddress, read_address
from vaultrelay.policy.networks import NOBODY, Networks

_WITH_PORT = re.compile(r"(?:\[(.{1,64})\]|([0-9.]+))(?::[0-9]{1,5})?")
"""An address as some proxies write it, with the port behind it."""
_MOST_PROXIES = 16
"""In a row. Nobody has so many, and each takes a look at the whole list."""


class TrustedProxies:
    """Networks of proxies. ValueError with a sentence for what is none.

    Who is `denied` is none of them: his word would let him in under another address.
    """

    def __init__(self, texts: Iterable[str] = (), denied: Networks = NOBODY) -> None:
        self._networks = Networks.read(texts)
        self._denied = denied
        for network in self._networks.networks:
            if not network.prefixlen:
                raise ValueError(
                    f"'{network}' is everybody, and everybody can write X-Forwarded-For"
                )

    def trusts(self, peer: PeerAddress | None) -> bool:
        """Whether a peer is a proxy of ours."""
        return peer in self._networks and peer not in self._denied

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
