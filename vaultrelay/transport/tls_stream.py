"""TlsStream: a TCP connection with TLS, through memory buffers shared by all connections."""

import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.preamble import Stage
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.shared_bio import INCOMING, OUTGOING, empty
from vaultrelay.transport.stream_state import DONE, LOST, OVER, WRITABLE, State
from vaultrelay.transport.tls_handshake import TlsHandshake

_RECORD_BYTES = 16 * 1024
"""Largest plaintext of a TLS record, in bytes (RFC 8446, section 5.1)."""
_RECORD_MEMORY = 17 * 1024
"""The memory of a connection for a record of which a part has come, in bytes."""
_SEALED_AT_ONCE = 16 * _RECORD_BYTES
"""Bytes encrypted at once, since the shared buffer keeps the largest size that it ever had."""
_plain = memoryview(bytearray(MAX_READ_BYTES + 2 * _RECORD_BYTES))
"""Plaintext of one read; with the kept part of a record, it can be longer than the read."""


@implementer(ISSLTransport)
class TlsStream(PlainStream):
    """The server's side of a TLS connection; the handshake is the last stage of its preamble.

    `own_unsent` is the number of unsent bytes of TLS itself, such as answers to key updates: the
    stream is not read until they are sent, in case the peer requests them and reads nothing.
    """

    __slots__ = ("_cut_record", "_is_paused", "_tls", "own_unsent")

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
        self._cut_record = 0

    def established(self, tls: ssl.SSLObject) -> None:
        """The handshake is done: bytes are encrypted from now on."""
        self._tls = tls
        self._state = State.OPEN
        with suppress(AttributeError, OSError):
            # Linux only. Without a ticket the server does not answer the client's last flight, and
            # Nagle's algorithm at the client delays the request until that is acknowledged: 40 ms.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    # HubStream, called by the hub.

    def lose(self, reason: Failure) -> None:
        # Free OpenSSL's 16 KB now, not at the next garbage collection.
        self._tls = None
        self._count_own(-self.own_unsent)
        self._count_cut(0)
        super().lose(reason)

    # ITransport, called by protocols.

    def write(self, data: bytes) -> None:
        if data and self._tls is not None and self._state in WRITABLE:
            self._seal(self._tls, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send pieces, without a copy of a large one."""
        pieces = list(data)
        if len(pieces) == 2 and len(pieces[1]) > _RECORD_BYTES:  # noqa: PLR2004
            # The header goes into the first record of the message.
            header, message = pieces
            first = _RECORD_BYTES - len(header)
            self.write(bytes(header) + message[:first])
            self.write(memoryview(message)[first:])  # type: ignore[arg-type]
        else:
            self.write(b"".join(pieces))

    def loseWriteConnection(self) -> None:
        # The relay uses TLS without half-closed connections.
        self.loseConnection()

    def abortConnection(self) -> None:
        # Also called after an exception, which may have left bytes.
        empty()
        super().abortConnection()
        self._count_own(-self.own_unsent)
        self._count_cut(0)

    def pauseProducing(self) -> None:
        self._is_paused = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self._is_paused = False
        if not self.own_unsent:
            super().resumeProducing()

    @property
    def tls_bytes(self) -> int:
        """The memory of TLS itself beside that of an idle connection, as the ledger counts it."""
        return self.own_unsent + self._cut_record

    def getPeerCertificate(self) -> None:
        """Return None: devices authenticate with the channel's key, not with certificates."""

    # Inside.

    def _received(self, data: memoryview | bytes) -> None:
        INCOMING.write(data)
        allowed = self._hub.ledger.read_bytes
        # A read that was cut has left a part of a record, for which OpenSSL keeps a buffer.
        if allowed:
            self._count_cut(_RECORD_MEMORY if len(data) == allowed < MAX_READ_BYTES else 0)
        elif len(data) < self._allowance.bytes_allowed:
            # What may be read in a full relay must not add to it: a counted part stays so.
            self._count_cut(0)
        size, end = self._unseal()
        if OUTGOING.pending:
            self._answer(OUTGOING.read())
        if size:
            self.protocol.dataReceived(bytes(_plain[:size]))
        if end is not None and self._state not in OVER:
            self._peer_gone(end is DONE)

    def _unseal(self) -> tuple[int, Failure | None]:
        """Decrypt all complete records into `_plain`.

        Return the number of bytes, and the reason if the connection has to end.
        """
        assert self._tls is not None  # noqa: S101  for the type checker
        read = self._tls.read
        total = 0
        try:
            while INCOMING.pending:
                size = read(_RECORD_BYTES, _plain[total:])
                if not size:
                    # A close_notify: later bytes are ignored (RFC 8446, section 6.1).
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
        """Encrypt and send bytes."""
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
        """Send records of TLS itself."""
        self.send_raw(sealed)
        if self._unsent is not None:
            self._count_own(len(sealed))
            super().pauseProducing()

    def _send_unsent(self) -> bool:
        is_all = super()._send_unsent()
        if is_all and self.own_unsent:
            # Before the producer is resumed, since it may send without end.
            self._count_own(-self.own_unsent)
            if not self._is_paused:
                super().resumeProducing()
        return is_all

    def _count_cut(self, size: int) -> None:
        if size != self._cut_record:
            self._hub.ledger.add(size - self._cut_record)
            self._cut_record = size

    def _count_own(self, size: int) -> None:
        if size:
            self.own_unsent += size
            self._hub.ledger.add(size)

    def _all_sent(self) -> None:
        if self._state is State.CLOSING:
            self.send_raw(self._close_notify())
            if self._unsent is None:
                self.lose(DONE)

    def _peer_gone(self, is_orderly: bool) -> None:
        if self._stages:
            super()._peer_gone(is_orderly)
            return
        if is_orderly and self._unsent is None:
            with suppress(OSError):
                self.socket.send(self._close_notify())
        self.lose(DONE if is_orderly else LOST)

    def _close_notify(self) -> bytes:
        """Return a close_notify, once. The peer's is not awaited (RFC 8446, section 6.1)."""
        tls, self._tls = self._tls, None
        if tls is not None:
            with suppress(OSError):
                tls.unwrap()
        return OUTGOING.read()
