"""DirectTlsServer: TLS on the socket itself, without buffers between OpenSSL and the kernel.

Twisted's TLS passes all through two memory buffers, which keep the largest size that they ever had
(docs/decisions/0007-tls-on-the-socket.rst).
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from socket import MSG_PEEK
from typing import Any

from twisted.internet import main
from twisted.internet.interfaces import ISSLTransport
from zope.interface import implementer

from vaultrelay.transport.direct import DirectServer
from vaultrelay.transport.tls import ServerTls, unprinted_names
from vaultrelay.wire.head import PROXY_HEADER_BYTES, begins_proxy_header
from vaultrelay.wire.refusal import proxy_unexpected

_RECORD_BYTES = 16 * 1024
"""The most that one TLS record carries (RFC 8446, section 5.1)."""
_READ_BYTES = 4 * _RECORD_BYTES
_buffer = bytearray(_READ_BYTES)
_view = memoryview(_buffer)


_SLUGS = {
    "HTTP_REQUEST": "tls_no_tls",
    "WRONG_VERSION_NUMBER": "tls_no_tls",
    "UNSUPPORTED_PROTOCOL": "tls_version",
    "NO_SHARED_CIPHER": "tls_suites",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "tls_suites",
    "UNEXPECTED_EOF_WHILE_READING": "tls_left",
}
"""Our words for why handshakes fail, by OpenSSL's; all others are "tls_other"."""
_DISTRUST = ("CERTIFICATE", "UNKNOWN_CA")
"""In OpenSSL's words for an alert of a client that does not take our certificate."""


@implementer(ISSLTransport)
class DirectTlsServer(DirectServer):
    """The server's side of a TLS connection. Its protocol notices nothing of the handshake."""

    socket: Any

    def __init__(self, tls: ServerTls, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tls: ServerTls | None = tls
        # Until the handshake is done nothing is sent, and closing takes no goodbye.
        self._writeDisconnected = True
        self.doRead = self.doWrite = self._shake  # type: ignore[method-assign]

    def write(self, data: bytes) -> None:
        if self.connected and not (
            self.dataBuffer or self._tempDataBuffer or self._writeDisconnected
        ):
            sent = self._send(data)
            if sent == len(data):
                return
            # Full, or broken: Twisted finds out, and tells the protocol as it always does.
            data = data[max(sent, 0) :]
        super(DirectServer, self).write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        # In one piece: what goes to the socket by another way is not encrypted.
        self.write(b"".join(iovec))

    def writeSomeData(self, data: Any) -> Any:
        sent = self._send(data)
        return main.CONNECTION_LOST if sent < 0 else sent

    def doRead(self) -> Any:
        """Read records until one is not full, which tells that nothing more is there.

        A record is always taken whole. OpenSSL would keep what is left of one, and the reactor
        would not know that there is something to read.
        """
        size = 0
        why: Any = None
        ended = False
        try:
            while size <= _READ_BYTES - _RECORD_BYTES:
                got = self.socket.recv_into(_view[size:])
                size += got
                if got < _RECORD_BYTES:
                    ended = not got
                    break
        except ssl.SSLWantReadError:
            pass
        except OSError:
            why = main.CONNECTION_LOST
        if size:
            self.protocol.dataReceived(bytes(_view[:size]))
        return self._postLoseConnection() if ended else why

    def connectionLost(self, reason: Any) -> None:
        # A connection that never had its handshake would wait for the collector.
        self.__dict__.pop("doRead", None)
        self.__dict__.pop("doWrite", None)
        super().connectionLost(reason)

    def loseWriteConnection(self) -> None:
        # Nobody can go on reading when the goodbye of TLS is said, so far as we care.
        self.loseConnection()

    def getPeerCertificate(self) -> None:
        """None: devices prove themselves in their own way."""

    def _shake(self) -> Any:
        try:
            if self._tls is not None:
                first = self._first_bytes()
                if not first:
                    return main.CONNECTION_LOST
                if begins_proxy_header(first):
                    return self._refuse_proxy_header()
                self._wrap_socket()
                self._tell("handshake_began")
            with unprinted_names():
                self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self.stopWriting()
        except ssl.SSLWantWriteError:
            self.startWriting()
        except OSError as error:
            self._tell("handshake_failed", _slug_of(error))
            return main.CONNECTION_LOST
        else:
            self.stopWriting()
            self._writeDisconnected = False
            del self.doRead, self.doWrite
        return None

    def _first_bytes(self) -> bytes:
        """What the client sent first, still unread; empty if it left, as health checks of TCP do.

        Raises SSLWantReadError if nothing has come yet.
        """
        try:
            first: bytes = self.socket.recv(PROXY_HEADER_BYTES, MSG_PEEK)
        except BlockingIOError:
            raise ssl.SSLWantReadError from None
        except OSError:
            return b""
        return first

    def _tell(self, what: str, *more: str) -> None:
        """Tell the front door, which wants to know how the handshake goes; no other protocol."""
        method = getattr(self.protocol, what, None)
        if method is not None:
            method(*more)

    def _refuse_proxy_header(self) -> Any:
        """Answer without TLS, since the proxy has not begun it; some log what they get."""
        refusal = proxy_unexpected()
        self._tell("handshake_failed", refusal.counted)
        # With unread bytes the kernel would reset the connection, and the answer be lost.
        self.socket.recv(_READ_BYTES)
        self.socket.send(refusal.response())
        return main.CONNECTION_LOST

    def _wrap_socket(self) -> None:
        """Give the descriptor to OpenSSL; it is closed when that fails, since the peer is gone."""
        assert self._tls is not None  # noqa: S101  for the type checker
        # OSError if the peer has gone: the wrapping would leave the descriptor to the collector.
        self.socket.getpeername()
        context, self._tls = self._tls.context, None
        # The reactor must not hold a descriptor that may be closed.
        self.stopReading()
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.fileno = self.socket.fileno
        self.startReading()

    def _send(self, data: Any) -> int:
        """Send as much as the socket takes, a record at a time; how much, or -1: it is broken."""
        sent, size = 0, len(data)
        try:
            if size <= _RECORD_BYTES:
                return int(self.socket.send(data)) if size else 0
            # Of more at once, Python would say only when the last of it is sent.
            view = memoryview(data)
            while sent < size:
                sent += self.socket.send(view[sent : sent + _RECORD_BYTES])
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError:
            return sent or -1
        return sent

    def _postLoseConnection(self) -> Any:
        with suppress(OSError, ValueError):
            # Says goodbye, and does not wait for the peer's.
            self.socket.unwrap()
        return super()._postLoseConnection()


def _slug_of(error: OSError) -> str:
    """Why a handshake failed, for counting: for the operator "tls_distrust" matters most."""
    if not isinstance(error, ssl.SSLError):
        return "tls_left"
    reason = error.reason or ""
    if "ALERT" in reason and any(word in reason for word in _DISTRUST):
        return "tls_distrust"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "tls_left"
    return _SLUGS.get(reason, "tls_other")
