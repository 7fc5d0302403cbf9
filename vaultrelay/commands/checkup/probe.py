"""Probes: one layer of a connection at a time."""

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.client.relay_endpoint import CONNECT_SECONDS
from vaultrelay.commands.checkup.result import CheckFailed
from vaultrelay.commands.checkup.tls_endpoint import endpoint_of
from vaultrelay.web.units import DAY
from vaultrelay.wire.relay_url import RelayUrl

ANSWER_SECONDS = 6
"""For one handshake or one page: the probes of one step end before the step has failed."""

_UNREADABLE = (
    "A certificate that the server sends has a name or a date that cannot be read, so some devices "
    "refuse it: have it reissued."
)


@dataclass(frozen=True)
class TlsFacts:
    """The result of a TLS handshake; `days_left` is None for an unverified certificate.

    `certificate` is the server's, in DER; `chain` has its certificates as
    SSLSocket.getpeercert() returns one.
    """

    version: str
    cipher: str
    days_left: int | None
    alpn: str | None
    certificate: bytes = b""
    chain: tuple[Mapping[str, Any], ...] = ()


async def probe_name(reactor: Any, url: RelayUrl) -> list[str]:
    """Return the addresses of the host, in the order of connection attempts. Raises OSError if
    there are none."""
    pool, kind = reactor.getThreadPool(), socket.SOCK_STREAM
    entries = await deferToThreadPool(
        reactor, pool, socket.getaddrinfo, url.host, url.port, type=kind
    )
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


async def probe_tcp(reactor: Any, url: RelayUrl) -> str:
    """Return the address that answers on the port. Raises Twisted's ConnectError if none does."""
    endpoint = HostnameEndpoint(reactor, url.host, url.port, timeout=CONNECT_SECONDS)
    protocol: Any = await endpoint.connect(Factory.forProtocol(Protocol))
    address = protocol.transport.getPeer().host
    protocol.transport.abortConnection()
    return str(address)


async def probe_tls(reactor: Any, url: RelayUrl, context: ssl.SSLContext) -> TlsFacts:
    """Return the result of a TLS handshake.

    Raises SSL errors if it fails, CheckFailed for an unreadable certificate, and Twisted's
    TimeoutError if the server stalls. The server gets no alert about its certificate: its log
    would warn the operator of a device that rejects it.
    """
    endpoint = endpoint_of(reactor, url, context, with_alerts=False)
    protocol: Any = await endpoint.connect(Factory.forProtocol(_Handshake))
    facts: TlsFacts = await protocol.done.addTimeout(ANSWER_SECONDS, reactor)
    return facts


def _facts(tls: ssl.SSLObject) -> TlsFacts:
    """Return the parameters of a completed handshake."""
    certificate: Any = tls.getpeercert()
    cipher: Any = tls.cipher()
    days_left = None
    if certificate:
        left = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
        days_left = int(left // DAY)
    # Python has a public name for the chain since 3.13.
    end: Any = getattr(tls, "_sslobj", None)
    chain = end.get_unverified_chain() or () if hasattr(end, "get_unverified_chain") else ()
    return TlsFacts(
        str(tls.version()),
        cipher[0],
        days_left,
        tls.selected_alpn_protocol(),
        tls.getpeercert(binary_form=True) or b"",
        tuple(each.get_info() for each in chain),
    )


@implementer(IHandshakeListener)
class _Handshake(Protocol):
    """Waits for the handshake, and closes the connection."""

    transport: Any

    def __init__(self) -> None:
        self.done: Deferred[TlsFacts] = Deferred(lambda _: self.transport.abortConnection())
        self._result: TlsFacts | Failure | None = None

    def handshakeCompleted(self) -> None:
        try:
            self._result = _facts(self.transport.tls)
        except ValueError:
            # OpenSSL reads names only until one matches; Python reads all.
            self._result = Failure(CheckFailed(_UNREADABLE))
        # In order: the server gets the end of the handshake, and then that of the connection.
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.done.called:
            self.done.callback(self._result or reason)
