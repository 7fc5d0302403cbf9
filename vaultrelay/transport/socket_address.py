"""Socket addresses in the form that Twisted's protocols get."""

import socket
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress


def twisted_address(family: int, address: Any) -> Any:
    """Return the Twisted address for one that `accept` or `getsockname` returned."""
    if family == socket.AF_INET:
        return IPv4Address("TCP", *address)
    if family == socket.AF_INET6:
        return IPv6Address("TCP", *address)
    return UNIXAddress(address or None)


def is_unix(family: int) -> bool:
    """Return whether a family is that of unix sockets, which Windows does not have."""
    return family == getattr(socket, "AF_UNIX", None)
