"""Any bytes where a proxy's line is expected: it is read and not a byte more, or the end comes."""

from errno import EWOULDBLOCK
from ipaddress import ip_address
from socket import MSG_PEEK
from typing import Any

from twisted.internet.interfaces import IAddress

from tests.fuzz.oracle import check, reading_in_pieces
from vaultrelay.transport.proxy_protocol import Proxied

_SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")


class _Socket:
    """Has what came so far, and would block after it."""

    def __init__(self) -> None:
        self.waiting = b""

    def recv(self, most: int, flags: int = 0) -> bytes:
        if not self.waiting:
            raise BlockingIOError(EWOULDBLOCK, "nothing there")
        taken = self.waiting[:most]
        if not flags & MSG_PEEK:
            self.waiting = self.waiting[most:]
        return taken


class _Transport:
    """Stands in for a server's side of TCP."""

    def __init__(self, *arguments: Any) -> None:
        self.socket: Any = _Socket()
        self.protocol: Any = None

    def getPeer(self) -> IAddress | None:
        return None


class _Proxied(Proxied, _Transport):
    """The reading of the line alone."""


def proxy_line(data: bytes) -> None:
    """A connection of a proxy, or of somebody who pretends to be one."""
    transport: Any = _Proxied()
    for piece in reading_in_pieces(data):
        transport.socket.waiting += piece
        while transport.socket.waiting and "doRead" in vars(transport):
            had = len(transport.socket.waiting)
            if transport.doRead() is not None:
                return
            check(len(transport.socket.waiting) < had, "it does not come on")
    if "doRead" in vars(transport):
        return
    line = data[: len(data) - len(transport.socket.waiting)]
    if line.startswith(_SIGNATURE):
        check(len(line) == 16 + int.from_bytes(line[14:16], "big"), "not the header's own length")
    else:
        check(line.startswith(b"PROXY ") and line.find(b"\n") == len(line) - 1, "not one line")
    peer = transport.getPeer()
    if peer is not None and hasattr(peer, "host"):
        ip_address(peer.host)
