"""ProxyStage: the stage that reads the header of the PROXY protocol, first on a connection.

HAProxy itself sends none when it connects as a peer: see haproxy_peers. Without a header, the
protocol refuses the request, within TLS if the client uses TLS.
"""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress

from vaultrelay.transport.preamble import OpeningStream, StageFailed, preamble_listener
from vaultrelay.wire.haproxy_peers import HELLO_BEGINS
from vaultrelay.wire.proxy_header import BEGINS_1, BadHeader, Source, may_begin, read_proxy_header


class ProxyStage:
    """Consumes exactly one header. `is_before_tls`: a TLS handshake follows it."""

    __slots__ = ("_is_before_tls", "_so_far")

    def __init__(self, is_before_tls: bool) -> None:
        self._is_before_tls = is_before_tls
        self._so_far = b""

    def feed(self, stream: OpeningStream, data: bytes) -> bytes | None:
        """See Stage."""
        so_far = self._so_far + data
        listener = preamble_listener(stream.protocol)
        if so_far.startswith(HELLO_BEGINS):
            # Announcements would cross the network unencrypted although devices use TLS.
            if self._is_before_tls or not listener.haproxy_connected(HELLO_BEGINS):
                raise StageFailed
            return so_far[len(HELLO_BEGINS) :]
        if not (may_begin(so_far) or HELLO_BEGINS.startswith(so_far)):
            # The protocol refuses the request of a connection without a header.
            if not listener.proxy_header_missing(stream.getPeer()):
                raise StageFailed
            return so_far
        try:
            header = read_proxy_header(so_far)
        except BadHeader:
            listener.preamble_failed("proxy_missing")
            raise StageFailed from None
        if header is None:
            self._so_far = so_far
            return None
        stream.peer = _address(header.source)
        if not listener.client_known(stream.peer):
            raise StageFailed
        return so_far[header.size :]

    def lost(self, stream: OpeningStream, is_orderly: bool) -> None:
        """See Stage. TCP health checks send nothing; part of a line was meant to be a header."""
        if is_orderly and self._so_far.startswith(BEGINS_1):
            preamble_listener(stream.protocol).preamble_failed("proxy_missing")


def _address(source: Source | bytes | None) -> IAddress | None:
    if source is None:
        return None
    if isinstance(source, bytes):
        return UNIXAddress(source)
    kind = IPv6Address if ":" in source.host else IPv4Address
    return kind("TCP", source.host, source.port)
