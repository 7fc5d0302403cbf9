"""Addresses: where peers are, and the networks that stand for a client."""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

IpAddress: TypeAlias = IPv4Address | IPv6Address


class UnixPeer(Enum):
    """Who reaches a unix socket: he has no address, and the socket's mode says who he can be."""

    UNIX = "unix"


PeerAddress: TypeAlias = IpAddress | UnixPeer
"""Where a peer is. None in its place is one that a proxy does not tell, which is nowhere."""

_LONGEST = 64
"""Characters. An IPv6 address has 45 at most, and the name of an interface behind it 15."""
_SIX_TO_FOUR = bytes.fromhex("2002")
_TEREDO = bytes.fromhex("20010000")
_NAT64 = bytes.fromhex("0064ff9b") + bytes(8)
"""64:ff9b::/96 (RFC 6052): the whole IPv4 Internet, as it reaches a server that has only IPv6."""


def read_address(text: str) -> IpAddress | None:
    """The address that a text is, IPv4 where IPv6 only wraps it; None for anything else."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.packed[:12] == _NAT64:
            return IPv4Address(address.packed[12:])
        return address.ipv4_mapped or address
    return address


def network_of(address: IpAddress) -> bytes:
    """The narrowest network that stands for a client: one address of IPv4, 64 bits of IPv6.

    A network of that size is the least that one customer is given; within it anybody picks
    addresses at will.
    """
    return address.packed[:8]


def networks_of(address: IpAddress) -> tuple[bytes, ...]:
    """The same and the wider networks around it, each as the bytes that all its addresses share.

    IPv6 has /64, /56 and /48, the sizes in which it is given to lines and sites. IPv4 has the
    address and /24, the least that is routed by itself. Tunnels count as the IPv4 address from
    which they come: its owner could pick a 6to4 network of 65 536 /64 at will, and the clients of
    one Teredo server share a /64.
    """
    packed = address.packed
    if isinstance(address, IPv6Address):
        if packed.startswith(_SIX_TO_FOUR):
            packed = packed[2:6]
        elif packed.startswith(_TEREDO):
            packed = bytes(0xFF ^ byte for byte in packed[12:])
        else:
            return packed[:8], packed[:7], packed[:6]
    return packed, packed[:3]
