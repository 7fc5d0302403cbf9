"""DirectServer: a TCP connection that sends at once, and reads into one buffer for all."""

import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from errno import EWOULDBLOCK
from typing import Any

from twisted.internet import main, tcp

from vaultrelay.policy.limits import KERNEL_UNSENT

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # Windows
    _KERNEL_TELLS = False
else:
    _KERNEL_TELLS = True

_INT_BYTES = 4
_READ_BYTES = 68 * 1024
"""A message of 64 KiB and its headers come in one. Larger reads would let a sender overrun a full
receiver by more, and gained nothing that could be measured."""
_COPY_BELOW = 32 * 1024 if hasattr(socket.socket, "sendmsg") else sys.maxsize
"""Bytes. Copying so few is quicker than handing them to the kernel in pieces, which that of Windows
does not take at all."""
_MOST_PIECES = 16
_buffer = bytearray(_READ_BYTES)
_view = memoryview(_buffer)


class DirectServer(tcp.Server):
    """Twisted's server side of a TCP connection without its detour for what can be sent now.

    Twisted queues every write, asks the kernel when the socket takes it, and sends it one turn
    later. Here that is only for what the kernel does not take at once, so that the contracts with
    producers and with `loseConnection` are Twisted's.
    """

    bufferSize = 0
    """A producer is paused as soon as anything waits here, so that it can count all that waits."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # Twisted writes two texts for each connection, with the client's address in them, for log
        # lines in which nobody should find it.
        self.logstr = self.repstr = type(self).__name__
        with suppress(AttributeError, OSError):
            # Only TCP of Linux has it.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_UNSENT)

    def write(self, data: bytes) -> None:
        if self.dataBuffer or self._tempDataBuffer or not self.connected or self._writeDisconnected:
            super().write(data)
            return
        try:
            sent = self.socket.send(data)
        except OSError:
            # Full, or broken: Twisted finds out, and tells the protocol as it always does.
            sent = 0
        if sent < len(data):
            self._queue((data,), sent)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send pieces in one go; large ones are not copied for that."""
        pieces = list(iovec)
        size = sum(map(len, pieces))
        if len(pieces) > _MOST_PIECES or size < _COPY_BELOW:
            self.write(b"".join(pieces))
        elif not self._can_send:
            super().writeSequence(pieces)
        else:
            try:
                sent = self.socket.sendmsg(pieces)
            except OSError:
                sent = 0
            if sent < size:
                self._queue(pieces, sent)

    @property
    def _can_send(self) -> bool:
        """Whether nothing is queued, and the way is open."""
        return bool(
            self.connected
            and not self.dataBuffer
            and not self._tempDataBuffer
            and not self._writeDisconnected
        )

    def _queue(self, pieces: Iterable[bytes], sent: int) -> None:
        """Leave to Twisted what the kernel did not take, as it is; all bytes but `sent`."""
        for piece in pieces:
            if self.dataBuffer:
                self._tempDataBuffer.append(piece)
                self._tempDataLen += len(piece)
            elif sent < len(piece):
                self.dataBuffer, self.offset = piece, sent
            else:
                sent -= len(piece)
        self._maybePauseProducer()
        self.startWriting()

    def _isSendBufferFull(self) -> bool:
        # Twisted's counts what was sent of its buffer already.
        return len(self.dataBuffer) - self.offset + self._tempDataLen > self.bufferSize

    def unacknowledged(self) -> int:
        """Bytes written that the peer has not acknowledged, so far as the kernel tells."""
        unsent = len(self.dataBuffer) - self.offset + self._tempDataLen
        if not _KERNEL_TELLS:
            return unsent
        try:
            answer = ioctl(self.socket.fileno(), TIOCOUTQ, bytes(_INT_BYTES))
        except (OSError, ValueError):
            return unsent
        return unsent + int.from_bytes(answer, sys.byteorder)

    def doRead(self) -> Any:
        try:
            size = self.socket.recv_into(_buffer)
        except OSError as error:
            return None if error.errno == EWOULDBLOCK else main.CONNECTION_LOST
        if not size:
            return main.CONNECTION_DONE
        self.protocol.dataReceived(bytes(_view[:size]))
        return None
