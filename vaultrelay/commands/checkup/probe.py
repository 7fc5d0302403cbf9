"""Probes: one layer of a connection at a time, for `vault-relay check`."""

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

from vaultrelay.client.device import CONNECT_SECONDS, RelayUrl, endpoint_of

SECONDS_PER_DAY = 86_400
ANSWER_SECONDS = 6
"""For one handshake or one page: the probes of one step end before the step has failed."""


@dataclass(frozen=True)
class TlsFacts:
    """The result of a TLS handshake; `days_left` is None for an unverified certificate.

    `certificate` is the server's, in DER.
    """

    version: str
    cipher: str
    days_left: int | None
    alpn: str | None
    certificate: bytes = b""
    chain: tuple[Mapping[str, Any], ...] = ()
    """The certificates of the server, each as SSLSocket.getpeercert() returns one."""


async def resolve(reactor: Any, url: RelayUrl) -> list[str]:
    """Return the addresses of the host, in the order of connection attempts. Raises OSError if
    none."""
    found = await deferToThreadPool(
        reactor,
        reactor.getThreadPool(),
        socket.getaddrinfo,
        url.host,
        url.port,
        0,
        socket.SOCK_STREAM,
    )
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def dial(reactor: Any, url: RelayUrl) -> str:
    """Return the address that answers on the port. Raises Twisted's ConnectError if none does."""
    endpoint = HostnameEndpoint(reactor, url.host, url.port, timeout=CONNECT_SECONDS)
    protocol: Any = await endpoint.connect(Factory.forProtocol(Protocol))
    address = protocol.transport.getPeer().host
    protocol.transport.abortConnection()
    return str(address)


async def greet(reactor: Any, url: RelayUrl, tls: ssl.SSLContext | None = None) -> TlsFacts:
    """Return the result of a TLS handshake, by default with the platform's trust.

    Raises SSL errors if it fails, and TimeoutError if the server stalls. The server gets no alert
    about its certificate: it would warn its operator of a device.
    """
    endpoint = endpoint_of(reactor, url, tls, with_alerts=False)
    protocol: Any = await endpoint.connect(Factory.forProtocol(_Handshake))
    protocol.done.addTimeout(ANSWER_SECONDS, reactor)
    facts: TlsFacts = await protocol.done
    return facts


def _served(tls: ssl.SSLObject) -> tuple[Mapping[str, Any], ...]:
    """Return the certificates that the server sent. Python has a public name for them since
    3.13."""
    end: Any = getattr(tls, "_sslobj", None)
    if not hasattr(end, "get_unverified_chain"):
        return ()
    return tuple(each.get_info() for each in end.get_unverified_chain() or ())


@implementer(IHandshakeListener)
class _Handshake(Protocol):
    """Waits for the handshake, and closes the connection."""

    transport: Any

    def __init__(self) -> None:
        self.done: Deferred[TlsFacts] = Deferred(lambda _: self.transport.abortConnection())
        self._facts: TlsFacts | None = None

    def handshakeCompleted(self) -> None:
        tls: ssl.SSLObject = self.transport.tls
        certificate: Any = tls.getpeercert()
        cipher: Any = tls.cipher()
        days_left = None
        if certificate:
            left = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
            days_left = int(left // SECONDS_PER_DAY)
        alpn = tls.selected_alpn_protocol()
        der = tls.getpeercert(binary_form=True) or b""
        self._facts = TlsFacts(str(tls.version()), cipher[0], days_left, alpn, der, _served(tls))
        # In order: the server gets the end of the handshake, and then that of the connection.
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if self._facts is None:
            self.done.errback(reason)
        else:
            self.done.callback(self._facts)
