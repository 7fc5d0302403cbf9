"""Probes: one layer of a connection at a time, for `vault-relay check`."""

import socket
import ssl
import time
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


@dataclass(frozen=True)
class TlsFacts:
    """What a TLS handshake showed."""

    version: str
    cipher: str
    days_left: int


async def resolve(reactor: Any, url: RelayUrl) -> list[str]:
    """The addresses of the host, in the order in which they would be tried; OSError if none."""
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
    """The address that answers on the port; Twisted's ConnectError if none does."""
    endpoint = HostnameEndpoint(reactor, url.host, url.port, timeout=CONNECT_SECONDS)
    protocol: Any = await endpoint.connect(Factory.forProtocol(Protocol))
    address = protocol.transport.getPeer().host
    protocol.transport.abortConnection()
    return str(address)


async def greet(reactor: Any, url: RelayUrl) -> TlsFacts:
    """What the TLS handshake shows, the certificate verified; SSL errors if it fails."""
    protocol: Any = await endpoint_of(reactor, url).connect(Factory.forProtocol(_Handshake))
    facts: TlsFacts = await protocol.done
    return facts


@implementer(IHandshakeListener)
class _Handshake(Protocol):
    """Waits for the handshake, and hangs up."""

    transport: Any

    def __init__(self) -> None:
        self.done: Deferred[TlsFacts] = Deferred()

    def handshakeCompleted(self) -> None:
        tls: ssl.SSLObject = self.transport.tls
        certificate: Any = tls.getpeercert()
        cipher: Any = tls.cipher()
        left = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
        facts = TlsFacts(str(tls.version()), cipher[0], int(left // SECONDS_PER_DAY))
        # The abort below ends in connectionLost, which must find nothing left to tell.
        done, self.done = self.done, Deferred()
        self.transport.abortConnection()
        done.callback(facts)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.done.called:
            self.done.errback(reason)
            self.done.addErrback(lambda _: None)
