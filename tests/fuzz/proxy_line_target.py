"""Any bytes where a PROXY header is expected: it is read and not a byte more, or the end comes."""

from ipaddress import ip_address
from typing import Any

from twisted.internet.interfaces import IAddress

from tests.fuzz.oracle import check, reading_in_pieces
from vaultrelay.transport.preamble import PreambleListener, StageFailed
from vaultrelay.transport.proxy_stage import ProxyStage

_SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")


class _Stream:
    """Stands in for a stream in its preamble."""

    peer: IAddress | None = None

    def __init__(self) -> None:
        self.protocol = PreambleListener()

    def getPeer(self) -> Any:
        return None


def proxy_line(data: bytes) -> None:
    """A connection of a proxy, or of somebody who pretends to be one."""
    stream: Any = _Stream()
    stage = ProxyStage(is_before_tls=False)
    had = 0
    for piece in reading_in_pieces(data):
        had += len(piece)
        try:
            rest = stage.feed(stream, piece)
        except StageFailed:
            return
        if rest is not None:
            break
    else:
        return
    check(data[:had].endswith(rest), "what follows is not what came")
    line = data[: had - len(rest)]
    if line.startswith(_SIGNATURE):
        check(len(line) == 16 + int.from_bytes(line[14:16], "big"), "not the header's own length")
    else:
        check(line.startswith(b"PROXY ") and line.find(b"\n") == len(line) - 1, "not one line")
    peer = stream.peer
    if peer is not None and hasattr(peer, "host"):
        ip_address(peer.host)
