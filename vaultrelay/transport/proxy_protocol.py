"""The PROXY protocol: a first line that says where a connection really comes from.

It is read off the socket before anything else, TLS included, and not a byte more than it. Where
none comes, the protocol refuses the request, within TLS if TLS came. HAProxy itself sends none
where it connects as a peer: see haproxy_peers.
"""

from errno import EWOULDBLOCK
from ipaddress import ip_address
from socket import MSG_PEEK
from typing import Any, cast

from twisted.internet import main
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.protocols.haproxy._exceptions import InvalidProxyHeader
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

from vaultrelay.transport.direct import DirectServer
from vaultrelay.transport.direct_tls import DirectTlsServer
from vaultrelay.wire.haproxy_peers import HELLO_BEGINS

_WORD_1, _END_1 = V1Parser.PROXYSTR + b" ", V1Parser.NEWLINE
_UNKNOWN_1 = _WORD_1 + V1Parser.UNKNOWN_PROTO + _END_1
_SIGNATURE = V2Parser.PREFIX
_LONGEST_1 = 107
"""Bytes of a version 1 line, its end included (section 2.1 of the specification)."""
_FIXED_2 = 16
"""Bytes of a version 2 header that say how long it is (section 2.2)."""
_LONGEST_2 = 4096
"""More than any proxy has to say. Larger ones would only cost memory."""


class _NoHeader(Exception):
    """The first bytes begin no header."""


class Proxied:
    """Mixed into a transport: reads the line of the proxy before anything else."""

    socket: Any
    protocol: Any
    _line = b""
    _real_peer: IAddress | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._then = self.__dict__.pop("doRead", None)
        self.doRead = self._read_line

    def connectionLost(self, reason: Any) -> None:
        self.__dict__.pop("doRead", None)
        self._then = None
        super().connectionLost(reason)  # type: ignore[misc]

    def getPeer(self) -> IAddress:
        if self._real_peer is not None:
            return self._real_peer
        peer: IAddress = super().getPeer()  # type: ignore[misc]
        return peer

    def _read_line(self) -> Any:
        try:
            got = self._next_bytes()
            self._line += got
            if not got:
                return main.CONNECTION_LOST
            if self._is_whole():
                line, self._line = self._line, b""
                if not self._goes_on_after(line):
                    return main.CONNECTION_LOST
        except OSError as error:
            return None if error.errno == EWOULDBLOCK else main.CONNECTION_LOST
        except _NoHeader:
            return self._go_on_without()
        except (InvalidProxyHeader, ValueError):
            tell = getattr(self.protocol, "handshake_failed", None)
            if tell is not None:
                tell("proxy_missing")
            return main.CONNECTION_LOST
        return None

    def _read_on(self) -> None:
        """Leave what follows to TLS, or to the protocol."""
        del self.doRead
        if self._then is not None:
            self.doRead, self._then = self._then, None

    def _go_on_without(self) -> Any:
        """Let the protocol refuse a connection that has no header."""
        tell = getattr(self.protocol, "header_missing", None)
        line, self._line = self._line, b""
        # TLS would lack the bytes that were read, but no header begins with a byte of TLS.
        if tell is None or not tell(self.getPeer()) or (line and self._then is not None):
            return main.CONNECTION_LOST
        self._read_on()
        if line:
            self.protocol.dataReceived(line)
        return None

    def _goes_on_after(self, line: bytes) -> bool:
        """Whether the protocol goes on with whom the line named; asked before TLS begins."""
        is_peer = line.startswith(HELLO_BEGINS)
        if is_peer and self._then is not None:
            # Its channels would go over the network unencrypted.
            return False
        if not is_peer:
            self._real_peer = _read_peer(line)
        self._read_on()
        if is_peer:
            return self._announces(line)
        tell = getattr(self.protocol, "peerKnown", None)
        return tell is None or tell(self._real_peer)

    def _announces(self, begun: bytes) -> bool:
        """Whether the protocol takes HAProxy as a peer, which has begun its hello."""
        greet = getattr(self.protocol, "haproxyConnected", None)
        return greet is not None and greet(begun)

    def _next_bytes(self) -> bytes:
        """As many as are there, and surely belong to the line; none at the end of the stream."""
        had = len(self._line)
        if had < len(_SIGNATURE):
            most = len(_SIGNATURE) - had
            if not had and not _may_begin(self.socket.recv(most, MSG_PEEK)):
                raise _NoHeader
        elif self._line.startswith(_WORD_1):
            most = _LONGEST_1 - had
            seen = self.socket.recv(most, MSG_PEEK) if most else b""
            most = seen.find(b"\n") + 1 or len(seen)
        elif had < _FIXED_2:
            most = _FIXED_2 - had
        else:
            most = self._size_2() - had
        if not most:
            raise InvalidProxyHeader
        got: bytes = self.socket.recv(most)
        return got

    def _is_whole(self) -> bool:
        line, had = self._line, len(self._line)
        if line.startswith(_WORD_1):
            if line.endswith(b"\n") and not line.endswith(_END_1):
                raise InvalidProxyHeader
            return line.endswith(_END_1)
        if line.startswith(HELLO_BEGINS):
            return True
        if not _may_begin(line):
            raise _NoHeader
        return had >= _FIXED_2 and had == self._size_2()

    def _size_2(self) -> int:
        size = _FIXED_2 + int.from_bytes(self._line[14:_FIXED_2], "big")
        if size > _LONGEST_2:
            raise InvalidProxyHeader
        return size


class ProxiedFactory(Factory):
    """Another factory, to which the address of a connection is None until the line is read."""

    noisy = False

    def __init__(self, factory: IProtocolFactory) -> None:
        self._factory = factory

    def buildProtocol(self, addr: IAddress | None) -> Any:
        unknown: Any = None
        return self._factory.buildProtocol(unknown)


class ProxiedServer(Proxied, DirectServer):
    """Plain TCP behind a proxy."""


class ProxiedTlsServer(Proxied, DirectTlsServer):
    """TLS behind a proxy that does not end it."""


def _may_begin(data: bytes) -> bool:
    """Whether a header can begin so, of which no more may have come."""
    return any(
        data[: len(begin)] == begin[: len(data)] for begin in (_WORD_1, HELLO_BEGINS, _SIGNATURE)
    )


def _read_peer(line: bytes) -> IAddress | None:
    """The address that a line names; None where it leaves the connection's own."""
    if line.startswith(_SIGNATURE):
        return V2Parser.parse(line).source
    if line == _UNKNOWN_1:
        # Twisted's parser wants more of it.
        return None
    peer: Any = V1Parser.parse(line.removesuffix(_END_1)).source
    if peer is not None:
        ip_address(peer.host)
    return cast("IAddress | None", peer)
