"""Any bytes as the line of a proxy: an address, none, or one of two exceptions."""

from ipaddress import ip_address
from typing import Any

from twisted.protocols.haproxy._exceptions import InvalidProxyHeader

from tests.fuzz.oracle import check
from vaultrelay.transport.proxy_protocol import _read_peer


def proxy_line(data: bytes) -> None:
    """A whole line or header, as a transport would hand it on."""
    try:
        peer: Any = _read_peer(data)
    except (InvalidProxyHeader, ValueError):
        return
    if peer is not None and hasattr(peer, "host"):
        check(0 <= peer.port <= 0xFFFF, "a port that is none")
        ip_address(peer.host)
