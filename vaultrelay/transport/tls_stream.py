"""TlsStream: a TCP connection with TLS, through memory buffers that all connections share."""

import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.policy.limits import MOST_READ_BYTES
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.preamble import Stage
from vaultrelay.transport.shared_bio import INCOMING, OUTGOING, empty
from vaultrelay.transport.stream_state import DONE, LOST, OVER, WRITABLE, State
from vaultrelay.transport.tls import ServerTls
from vaultrelay.transport.tls_handshake import TlsHandshake

_RECORD_BYTES = 16 * 1024
"""The most that one TLS record carries (RFC 8446, section 5.1)."""
_SEALED_AT_ONCE = 16 * _RECORD_BYTES
"""Bytes encrypted before they are sent: the shared buffer keeps the largest size that it had."""
_plain = memoryview(bytearray(MOST_READ_BYTES + 2 * _RECORD_BYTES))
"""Takes what one read decrypts to: with what was kept of a record it may be more than the read."""


@implementer(ISSLTransport)
class TlsStream(PlainStream):
    """The server's side of a TLS connection, which begins with a handshake after all other stages.

    `own_unsent` are the bytes that TLS itself has to send, such as answers to key updates: a peer
    that asks for them and reads nothing is not read until they are sent.
    """

    __slots__ = ("_is_paused", "_tls", "own_unsent")

    def __init__(
        self,
        hub: Hub,
        connected: socket.socket,
        address: Any,
        protocol: Any,
        tls: ServerTls,
        stages: Sequence[Stage] = (),
    ) -> None:
        super().__init__(hub, connected, address, protocol, (*stages, TlsHandshake(tls)))
        self._state = State.OPENING
        self._tls: ssl.SSLObject | None = None
        self._is_paused = False
        self.own_unsent = 0

    def established(self, tls: ssl.SSLObject) -> None:
        """The handshake is done: bytes are encrypted from now on."""
        self._tls = tls
        self._state = State.OPEN
        with suppress(AttributeError, OSError):
            # Only Linux has it. Without a ticket nothing answers the client's last flight, and
            # Nagle's algorithm at the client holds the request back until it is acknowledged: for
            # 40 ms.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    # The hub calls this.

    def lose(self, reason: Failure) -> None:
        # OpenSSL's part goes now and not with the next garbage collection: 16 KB.
        self._tls = None
        self._count_own(-self.own_unsent)
        super().lose(reason)

    # Protocols call these.

    def write(self, data: bytes) -> None:
        if data and self._tls is not None and self._state in WRITABLE:
            self._seal(self._tls, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send pieces; a large one is not copied."""
        pieces = list(data)
        if len(pieces) == 2 and len(pieces[1]) > _RECORD_BYTES:  # noqa: PLR2004
            # A message and its header, which goes with the first record.
            header, message = pieces
            first = _RECORD_BYTES - len(header)
            self.write(header + message[:first])
            self.write(memoryview(message)[first:])  # type: ignore[arg-type]
        else:
            self.write(b"".join(pieces))

    def loseWriteConnection(self) -> None:
        # TLS has one close for both directions, so far as the relay cares.
        self.loseConnection()

    def abortConnection(self) -> None:
        # Also called after an exception, which may have left something.
        empty()
        super().abortConnection()
        self._count_own(-self.own_unsent)

    def pauseProducing(self) -> None:
        self._is_paused = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self._is_paused = False
        if not self.own_unsent:
            super().resumeProducing()

    def getPeerCertificate(self) -> None:
        """Returns None: devices prove themselves by their own keys."""

    # Inside.

    def _received(self, data: memoryview | bytes) -> None:
        INCOMING.write(data)
        size, end = self._unseal()
        if OUTGOING.pending:
            self._answer(OUTGOING.read())
        if size:
            self.protocol.dataReceived(bytes(_plain[:size]))
        if end is not None and self._state not in OVER:
            self._peer_gone(end)

    def _unseal(self) -> tuple[int, Failure | None]:
        """Decrypt all whole records into `_plain`.

        Returns the number of bytes, and the reason for the end if the connection has to end.
        """
        assert self._tls is not None  # noqa: S101  for the type checker
        read = self._tls.read
        total = 0
        try:
            while INCOMING.pending:
                size = read(_RECORD_BYTES, _plain[total:])
                if not size:
                    # The peer says goodbye. What may follow it means nothing.
                    INCOMING.read()
                    return total, DONE
                total += size  # type: ignore[operator]
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            INCOMING.read()
            return total, LOST
        return total, None

    def _seal(self, tls: ssl.SSLObject, data: bytes) -> None:
        """Encrypt and send."""
        try:
            if len(data) <= _SEALED_AT_ONCE:
                tls.write(data)
                self.send_raw(OUTGOING.read())
                return
            view = memoryview(data)
            for start in range(0, len(data), _SEALED_AT_ONCE):
                tls.write(view[start : start + _SEALED_AT_ONCE])
                self.send_raw(OUTGOING.read())
        except ssl.SSLError:
            self.abortConnection()

    def _answer(self, sealed: bytes) -> None:
        """Send what TLS itself has to say."""
        self.send_raw(sealed)
        if self._unsent is not None:
            self._count_own(len(sealed))
            super().pauseProducing()

    def _send_unsent(self) -> bool:
        is_all = super()._send_unsent()
        if is_all and self.own_unsent:
            # Before a producer is asked for more, which may always have some.
            self._count_own(-self.own_unsent)
            if not self._is_paused:
                super().resumeProducing()
        return is_all

    def _count_own(self, size: int) -> None:
        if size:
            self.own_unsent += size
            self._hub.ledger.add(size)

    def _all_sent(self) -> None:
        if self._state is State.CLOSING:
            self.send_raw(self._goodbye())
            if self._unsent is None:
                self.lose(DONE)

    def _peer_gone(self, reason: Failure) -> None:
        if self._preamble is not None:
            super()._peer_gone(reason)
            return
        if reason is DONE and self._unsent is None:
            with suppress(OSError):
                self.socket.send(self._goodbye())
        self.lose(reason)

    def _goodbye(self) -> bytes:
        """Returns a close_notify, once. The peer's is not awaited (RFC 8446, section 6.1)."""
        tls, self._tls = self._tls, None
        if tls is not None:
            with suppress(OSError):
                tls.unwrap()
        return OUTGOING.read()
