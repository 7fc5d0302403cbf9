"""Public addresses: those at which a port of this machine is reached from the Internet."""

import socket
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from twisted.internet.interfaces import IListeningPort

from vaultrelay.policy.addresses import read_address

_EVERY_INTERFACE = ("0.0.0.0", "::")  # noqa: S104  for comparison, not to listen on
_ELSEWHERE = ("192.0.2.1", 9)
"""An unassigned address (RFC 5737). Its route is the default route to the Internet."""


def public_addresses(ports: Iterable[IListeningPort | None]) -> tuple[str, ...]:
    """Return the public addresses that ports listen on.

    A port on every interface counts with the IPv4 source address of the default route, but not with
    an IPv6 address: nearly every machine has one, behind a firewall.
    """
    found = {}
    for port in ports:
        host: Any = getattr(port and port.getHost(), "host", "")
        address = read_address(_outward_address() if host in _EVERY_INTERFACE else host)
        if address is not None and address.is_global:
            found[str(address)] = True
    return tuple(found)


def _outward_address() -> str:
    try:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as end:
            # connect sends nothing on a datagram socket: it only looks up the route.
            end.connect(_ELSEWHERE)
            return str(end.getsockname()[0])
    except OSError:
        return ""
