"""SendingHalf: the sending half of a stream; see stream.py for the other one."""

import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from struct import pack
from typing import Any

from vaultrelay.policy.limits.streams import PIECES_AT_ONCE
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.hub_stream import READ, WRITE
from vaultrelay.transport.kernel_queue import unacknowledged_bytes
from vaultrelay.transport.registered_producer import RegisteredProducer
from vaultrelay.transport.send_buffer import Piece, SendBuffer
from vaultrelay.transport.stream_core import StreamCore
from vaultrelay.transport.stream_state import OVER, WRITABLE, State

_COPY_BELOW = 32 * 1024 if hasattr(socket.socket, "sendmsg") else sys.maxsize
"""Bytes. Up to this size a copy is faster than a system call with several pieces, which Windows
does not have at all."""
_RESET = pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: the close is a reset."""


class SendingHalf(StreamCore):
    """Sends the bytes that the kernel takes, and keeps the rest until the hub reports room.

    A push producer is paused as soon as any byte is unsent, so that it can count all of them.
    """

    __slots__ = ("_producer",)

    def __init__(self, hub: Hub, connected: socket.socket) -> None:
        connected.setblocking(False)
        self.socket = connected
        self.descriptor = connected.fileno()
        self._hub = hub
        self._events = READ
        self._missing = 0
        self._state = State.OPEN
        self._unsent = None
        self._producer: RegisteredProducer | None = None

    # IConsumer and more, called by protocols.

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send pieces in one system call, without a copy of large ones."""
        pieces = list(data)
        size = sum(map(len, pieces))
        if len(pieces) > PIECES_AT_ONCE or size < _COPY_BELOW:
            self.write(b"".join(pieces))
        elif self._state in WRITABLE:
            sent = 0
            if self._unsent is None:
                with suppress(OSError):
                    sent = self.socket.sendmsg(pieces)
            if sent < size:
                self._keep(pieces, sent)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError("a producer is registered already")
        if self._state is State.CLOSED:
            producer.stopProducing()
            return
        self._producer = RegisteredProducer(producer, streaming)
        if not streaming:
            self._want(self._events | WRITE)

    def unregisterProducer(self) -> None:
        self._producer = None
        if self._state is not State.OPEN:
            # A close may have waited for the producer.
            self._want(self._events | WRITE)

    def unacknowledged(self) -> int:
        """Return the number of written bytes not acknowledged by the peer, as far as known."""
        unsent = 0 if self._unsent is None else self._unsent.size
        return unsent + unacknowledged_bytes(self.descriptor)

    # Inside.

    def _want(self, events: int) -> None:
        if events != self._events and self._state not in OVER:
            self._events = events
            self._hub.change(self.descriptor, events)

    def _keep(self, pieces: Iterable[Piece], sent: int) -> None:
        """Keep pieces, without their first `sent` bytes, until the kernel takes more."""
        if self._state in OVER:
            return
        if self._unsent is None:
            self._unsent = SendBuffer()
        self._unsent.add(pieces, sent)
        self._want(self._events | WRITE)
        if self._producer is not None:
            self._producer.pause()

    def _send_unsent(self) -> bool:
        """Send kept bytes, as many as the kernel takes. Return whether that was all.

        Raises OSError if the connection is broken.
        """
        assert self._unsent is not None  # noqa: S101  for the type checker
        pieces = self._unsent.first()
        try:
            many = len(pieces) > 1
            sent = self.socket.sendmsg(pieces) if many else self.socket.send(pieces[0])
        except BlockingIOError:
            return False
        self._unsent.discard(sent)
        if self._unsent.size:
            return False
        self._unsent = None
        return True

    def _close_socket(self, is_reset: bool) -> None:
        with suppress(OSError):
            if is_reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            else:
                self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.descriptor = -1
