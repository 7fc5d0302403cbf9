"""TrustedProxies: whose word the relay takes for where a connection really comes from."""

import re
from collections.abc import Iterable, Sequence

from vaultrelay.policy.addresses import IpAddress, read_address
from vaultrelay.policy.networks import Networks

_WITH_PORT = re.compile(r"(?:\[(.{1,64})\]|([0-9.]+))(?::[0-9]{1,5})?")
"""An address as some proxies write it, with the port behind it."""
_MOST_PROXIES = 16
"""In a row. Nobody has so many, and each takes a look at the whole list."""


class TrustedProxies:
    """Networks of proxies. ValueError with a sentence for what is none."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._networks = Networks.read(texts)
        for network in self._networks.networks:
            if not network.prefixlen:
                raise ValueError(
                    f"'{network}' is everybody, and everybody can write X-Forwarded-For"
                )

    def trusts(self, peer: IpAddress | None) -> bool:
        """Whether a peer is a proxy of ours; None is one on a unix socket."""
        return peer in self._networks

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
