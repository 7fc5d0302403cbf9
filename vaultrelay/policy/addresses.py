"""Addresses of peers, and the networks that identify a client."""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

IpAddress: TypeAlias = IPv4Address | IPv6Address


class UnixPeer(Enum):
    """A peer on a unix socket: it has no address, and the mode of the socket restricts access."""

    UNIX = "unix"


PeerAddress: TypeAlias = IpAddress | UnixPeer
"""The address of a peer. Where None is allowed too, it is an address that a proxy does not
report."""

_LONGEST = 64
"""Characters. An IPv6 address has 45 at most, and the name of an interface behind it 15."""
_SIX_TO_FOUR = bytes.fromhex("2002")
_TEREDO = bytes.fromhex("20010000")
_NAT64 = bytes.fromhex("0064ff9b") + bytes(8)
"""64:ff9b::/96 (RFC 6052): the IPv4 Internet as an IPv6-only server sees it."""


def read_address(text: str) -> IpAddress | None:
    """Return the address in a text, as IPv4 if IPv6 only wraps it; None if it is not an address."""
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
    """Return the narrowest network that identifies a client: an IPv4 address or an IPv6 /64.

    Providers assign no smaller network, and a client can use any address within it.
    """
    return address.packed[:8]


def networks_of(address: IpAddress) -> tuple[bytes, ...]:
    """Return that network and the wider ones around it, each as the prefix of its addresses in
    bytes.

    IPv6 has /64, /56 and /48, the sizes that providers assign to lines and sites. IPv4 has the
    address and /24, the smallest network that is routed by itself. Tunnels count as the IPv4
    address of their origin: its owner could pick a 6to4 network of 65 536 /64 at will, and the
    clients of one Teredo server share a /64.
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
