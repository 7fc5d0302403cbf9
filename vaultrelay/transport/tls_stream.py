"""TlsStream: a TCP connection with TLS, through memory buffers shared by all connections."""

import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import ISSLTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.policy.limits.streams import MAX_READ_BYTES, MIN_READ_BYTES
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.preamble import Stage
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.shared_bio import INCOMING, OUTGOING, empty
from vaultrelay.transport.stream_state import DONE, LOST, OVER, WRITABLE, State
from vaultrelay.transport.tls_handshake import TlsHandshake
from vaultrelay.transport.unsealing import RECORD_BYTES, missing_bytes, unseal

_RECORD_MEMORY = 17 * 1024
"""The memory of a connection for a record of which a part has come, in bytes."""
_SEALED_AT_ONCE = MAX_READ_BYTES + RECORD_BYTES
"""Bytes encrypted at once: all that one read brings for a receiver. The shared buffer keeps the
largest size that it ever had."""


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
        if 0 < len(data) <= _SEALED_AT_ONCE:
            self._seal(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _SEALED_AT_ONCE):
            self._seal(view[start : start + _SEALED_AT_ONCE])

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send pieces, without a copy of a large one."""
        pieces = list(data)
        if len(pieces) == 2 and RECORD_BYTES < len(pieces[1]) < _SEALED_AT_ONCE:  # noqa: PLR2004  a header and a message
            # The header goes into the first record of the message.
            header, message = pieces
            first = RECORD_BYTES - len(header)
            self._seal(bytes(header) + message[:first], memoryview(message)[first:])
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
        assert self._tls is not None  # noqa: S101  for the type checker
        INCOMING.write(data)
        plain, is_orderly, left = unseal(self._tls.read, INCOMING)
        allowed = self._hub.ledger.read_bytes
        if not left or is_orderly is not None or allowed == MAX_READ_BYTES:
            # With room for the largest reads, incomplete records are not counted.
            if self._cut_record:
                self._count_cut(0)
        elif self._cut_record or len(data) == (allowed or self._allowance.bytes_allowed):
            rest, is_orderly = self._end_record(data, left)
            plain += rest
        if OUTGOING.pending:
            self._answer(OUTGOING.read())
        if plain:
            self.protocol.dataReceived(plain)
        if is_orderly is not None and self._state not in OVER:
            self._peer_gone(is_orderly)

    def _end_record(self, data: memoryview | bytes, left: int) -> tuple[bytes, bool | None]:
        """Complete the last record of a smallest read by a second read.

        If its rest has not arrived, or the read was a larger one, count the memory that OpenSSL
        keeps for the incomplete record. The record begins in the last `left` bytes of `data`, or in
        an earlier read. Return the plaintext, and whether the end is orderly, as `unseal` does.
        """
        assert self._tls is not None  # noqa: S101  for the type checker
        allowed = self._hub.ledger.read_bytes
        missing = missing_bytes(data, len(data) - left or self._missing)
        plain, is_orderly = b"", None
        if missing and allowed <= MIN_READ_BYTES:
            # Only then, since it copies the plaintext.
            try:
                rest = self.socket.recv(missing)
            except BlockingIOError:
                rest = b""
            except OSError:
                return b"", False
            if rest:
                INCOMING.write(rest)
                plain, is_orderly, left = unseal(self._tls.read, INCOMING)
                missing -= len(rest)
        if not left or missing == 0:
            self._count_cut(0)
        elif self._cut_record or allowed:
            # In a full relay only a record that is counted already: a read must not add to it.
            self._count_cut(_RECORD_MEMORY, missing or 0)
        return plain, is_orderly

    def _seal(self, *pieces: bytes | memoryview) -> None:
        """Encrypt pieces, each in records of its own, and send them at once."""
        if self._tls is None or self._state not in WRITABLE:
            return
        try:
            for piece in pieces:
                self._tls.write(piece)
        except ssl.SSLError:
            self.abortConnection()
        else:
            self.send_raw(OUTGOING.read())

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

    def _count_cut(self, size: int, missing: int = 0) -> None:
        self._missing = missing
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
