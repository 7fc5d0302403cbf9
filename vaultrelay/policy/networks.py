"""Networks: sets of addresses as an operator writes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from vaultrelay.policy.addresses import PeerAddress, UnixPeer

UNIX = UnixPeer.UNIX.value
"""Stands for whoever reaches a unix socket: its mode says who that is."""

Network: TypeAlias = IPv4Network | IPv6Network
_IPV4_IN_IPV6 = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
"""Whose addresses are read as IPv4 (policy/addresses.py)."""


@dataclass(frozen=True)
class Networks:
    """Addresses, networks and perhaps unix sockets."""

    networks: tuple[Network, ...] = ()
    has_unix: bool = False

    @classmethod
    def read(cls, texts: Iterable[str]) -> "Networks":
        """Those that texts name; ValueError with a sentence for one that names none."""
        texts = tuple(texts)
        return cls(tuple(_read(text) for text in texts if text != UNIX), UNIX in texts)

    def __bool__(self) -> bool:
        return bool(self.networks or self.has_unix)

    def __str__(self) -> str:
        return " ".join([*map(str, self.networks), *([UNIX] if self.has_unix else [])])

    def __contains__(self, address: PeerAddress | None) -> bool:
        """Whether an address is in one of them. None, which is not known, is in none."""
        if address is None:
            return False
        if isinstance(address, UnixPeer):
            return self.has_unix
        return any(address in network for network in self.networks)


NOBODY = Networks()
"""No address at all."""


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
            f"{text!r} is no address, no network such as 10.0.0.0/8, and not {UNIX}"
        ) from None
    if isinstance(network, IPv6Network) and any(map(network.subnet_of, _IPV4_IN_IPV6)):
        mapped = network.network_address.packed[12:]
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
