"""TLS of the scripted relay, with the certificates in `cases`: fixed ones, so that the kit needs
nothing that signs. `tests/clients/make_certificates.py` makes them."""

import ssl
from contextlib import suppress
from functools import partial
from importlib.resources import as_file, files
from typing import Any
from weakref import proxy

from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure as Reason

from vaultrelay.conformance.relay_connection import RelayConnection

NAME = "relay.test"
"""The host in the valid certificate."""
_CASES = files("vaultrelay.conformance") / "cases"
_PIECE_BYTES = 64 * 1024


def trust_root() -> str:
    """Return the root that a client is to trust, in PEM."""
    return (_CASES / "root.pem").read_text("ascii")


def context_of(certificate: str, version: str = "1.3") -> ssl.SSLContext:
    """Return TLS with one of the certificates in `cases`, up to a version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[
        version
    ]
    with as_file(_CASES / f"{certificate}.pem") as path:
        context.load_cert_chain(path)
    return context


class TlsConnection(Protocol):
    """A layer between TCP and a RelayConnection, and the transport of that.

    `inner.server_name` becomes the name that the client asks for.
    """

    transport: Any

    def __init__(self, context: ssl.SSLContext, inner: RelayConnection) -> None:
        self._inner = inner
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        # A strong reference would be a leak: the garbage collector cannot see into a context.
        context.sni_callback = partial(_named, proxy(inner))
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=True)
        self._is_open = False
        self._unsent = b""

    def connectionMade(self) -> None:
        self._inner.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        self._inner.bytes_received += len(data)
        self._received.write(data)
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
                self.write(b"")
            while piece := self._tls.read(_PIECE_BYTES):
                self._inner.dataReceived(piece)
            self.loseConnection()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:
            # The client does not trust the certificate, and says so in an alert.
            self._flush()
            self.transport.loseConnection()

    def connectionLost(self, reason: Reason = connectionDone) -> None:
        self._inner.connectionLost(reason)

    def write(self, data: bytes) -> None:
        """Encrypt and send; before the end of the handshake keep it."""
        self._unsent += data
        if self._is_open and self._unsent:
            self._tls.write(self._unsent)
            self._unsent = b""
        self._flush()

    def loseConnection(self) -> None:
        """Send what is left, and end the connection."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        self.transport.loseConnection()

    def abortConnection(self) -> None:
        """End the connection at once."""
        self.transport.abortConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Pass it on to TCP."""
        self.transport.setTcpNoDelay(enabled)

    def _flush(self) -> None:
        if data := self._to_send.read():
            self.transport.write(data)


def _named(inner: RelayConnection, _: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
    inner.server_name = name or ""
