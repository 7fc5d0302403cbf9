"""Networks: sets of addresses as an operator writes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from vaultrelay.policy.addresses import PeerAddress, UnixPeer

UNIX = UnixPeer.UNIX.value
"""The word for the peers of a unix socket; the socket's mode restricts access."""

Network: TypeAlias = IPv4Network | IPv6Network
_IPV4_IN_IPV6 = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
"""IPv6 networks with addresses that are read as IPv4 (policy/addresses.py)."""


@dataclass(frozen=True)
class Networks:
    """A set of addresses and networks, and perhaps of the peers on unix sockets."""

    networks: tuple[Network, ...] = ()
    has_unix: bool = False

    @classmethod
    def read(cls, texts: Iterable[str]) -> "Networks":
        """Return the networks that texts name.

        Raises ValueError, with a sentence, for a text that names none.
        """
        texts = tuple(texts)
        return cls(tuple(_read(text) for text in texts if text != UNIX), UNIX in texts)

    def __bool__(self) -> bool:
        return bool(self.networks or self.has_unix)

    def __str__(self) -> str:
        return " ".join([*map(str, self.networks), *([UNIX] if self.has_unix else [])])

    def __contains__(self, address: PeerAddress | None) -> bool:
        """Return whether an address is in one of the networks. None, an unknown address, is in
        none."""
        if address is None:
            return False
        if isinstance(address, UnixPeer):
            return self.has_unix
        return any(address in network for network in self.networks)


NO_NETWORKS = Networks()
"""The empty set."""


def _read(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            raise ValueError(
                f"{text!r} is an address and a network in one; write {ip_network(text, False)}, or "
                "just the address"
            ) from None
        raise ValueError(
            f"{text!r} is not an address, a network such as 10.0.0.0/8, or {UNIX}"
        ) from None
    if isinstance(network, IPv6Network) and any(map(network.subnet_of, _IPV4_IN_IPV6)):
        mapped = network.network_address.packed[12:]
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
