"""TLS of `check`: the standard library's, which shows the chain, the names and each fault.

A client of the program, which contains no pyOpenSSL; other clients have Twisted's TLS.
"""

import ssl
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.client.relay_endpoint import CONNECT_SECONDS
from vaultrelay.wire.relay_url import RelayUrl

_PIECE_BYTES = 64 * 1024


@implementer(IStreamClientEndpoint)
@dataclass(frozen=True)
class TlsEndpoint:
    """TLS over another endpoint. The context decides which certificates are valid.

    `with_alerts`: send the server a TLS alert with the reason for a failed handshake.
    """

    endpoint: IStreamClientEndpoint
    host: str
    context: ssl.SSLContext
    with_alerts: bool = True

    @inlineCallbacks
    def connect(self, factory: IProtocolFactory) -> Generator[Deferred[Any], Any, IProtocol]:
        """Return the protocol as soon as TCP is connected; later errors go to its
        connectionLost."""
        outer: Any = WrappingFactory(factory)
        outer.noisy = False
        outer.protocol = partial(TlsProtocol, options=self)
        protocol = yield self.endpoint.connect(outer)
        inner: IProtocol = protocol.wrappedProtocol
        return inner


class TlsProtocol(ProtocolWrapper):
    """A layer between the transport and a protocol; `tls` has the negotiated parameters."""

    transport: Any

    def __init__(self, factory: Any, inner: IProtocol, options: TlsEndpoint) -> None:
        super().__init__(factory, inner)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = options.context.wrap_bio(
            self._received, self._to_send, server_hostname=options.host
        )
        self._with_alerts = options.with_alerts
        self._is_done = False
        self._early = b""
        self._error: Failure | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._step()

    def dataReceived(self, data: bytes) -> None:
        if not self.disconnecting:
            self._received.write(data)
            self._step()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(self._error or reason)

    def write(self, data: bytes) -> None:
        if self.disconnecting:
            return
        if not self._is_done:
            self._early += data
        elif data:
            self.tls.write(data)
            self._flush()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def abortConnection(self) -> None:
        # Data received before it is no longer delivered, as without TLS.
        self.disconnecting = 1
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        with suppress(ssl.SSLError):
            # Sends close_notify, and does not wait for the relay's.
            self.tls.unwrap()
        self._flush()
        super().loseConnection()

    def _step(self) -> None:
        """Continue with the handshake, or with received data."""
        try:
            if not self._is_done:
                self._shake()
            while not self.disconnecting:
                data = self.tls.read(_PIECE_BYTES)
                if not data:
                    self.loseConnection()
                    return
                self.wrappedProtocol.dataReceived(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._error = Failure()
            if self._is_done or self._with_alerts:
                self._flush()
            super().loseConnection()
            return
        self._flush()

    def _shake(self) -> None:
        self.tls.do_handshake()
        self._is_done = True
        if self._early:
            self.tls.write(self._early)
        if IHandshakeListener.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.handshakeCompleted()

    def _flush(self) -> None:
        if data := self._to_send.read():
            self.transport.write(data)


def device_context(*protocols: str) -> ssl.SSLContext:
    """Return a context with this machine's trust store, which offers `protocols` in ALPN."""
    context = ssl.create_default_context()
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        # Devices and browsers ignore the common name, as RFC 9525 requires.
        context.hostname_checks_common_name = False
    # A write during a renegotiation would raise SSLWantReadError.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def endpoint_of(
    reactor: Any,
    url: RelayUrl,
    tls: ssl.SSLContext | None = None,
    *,
    with_alerts: bool = True,
) -> IStreamClientEndpoint:
    """Return the endpoint of a relay: TCP, and for wss TLS that verifies the host's certificate.

    `with_alerts`: send the relay a TLS alert with the reason for a failed handshake.
    """
    tcp = HostnameEndpoint(reactor, url.host, url.port, timeout=CONNECT_SECONDS)
    if url.scheme == "ws":
        return tcp
    return TlsEndpoint(tcp, url.host, tls or device_context(), with_alerts)
