"""Stream: one connection on the hub. Sends at once, and keeps what the kernel does not take."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IHalfCloseableProtocol,
    IPushProducer,
    ISystemHandle,
    ITransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.transport.allowance import HEAD_ALLOWANCE, Allowance
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.hub_stream import ERROR, READ, WRITE
from vaultrelay.transport.preamble import Stage, StageFailed
from vaultrelay.transport.sending_half import SendingHalf
from vaultrelay.transport.socket_address import twisted_address
from vaultrelay.transport.stream_state import ABORTED, DONE, LOST, OVER, READABLE, State


@implementer(ITransport, IConsumer, IPushProducer, ISystemHandle)
class Stream(SendingHalf):
    """One connected socket with Twisted's interfaces for protocols and producers.

    `address` is that of the peer, as `accept` returned it. `stages` are those of the preamble; the
    ones that are done are removed. `peer` is the client's address from a PROXY header.
    """

    __slots__ = ("_address", "peer")

    def __init__(
        self,
        hub: Hub,
        connected: socket.socket,
        address: Any,
        protocol: Any,
        stages: Sequence[Stage] = (),
    ) -> None:
        super().__init__(hub, connected)
        self.protocol = protocol
        self.peer: IAddress | None = None
        self._allowance = HEAD_ALLOWANCE
        self._address = address
        self._stages = tuple(stages)
        hub.add(self)

    # HubStream, called by the hub.

    def can_write(self) -> None:
        try:
            if self._unsent is not None and not self._send_unsent():
                return
        except OSError:
            self._peer_gone(False)
            return
        producer = self._producer
        if producer is not None and producer.waits:
            producer.resume()
            if self._unsent is None and producer.is_push and self._producer is producer:
                # A close waits for the bytes of the producer, or until it is unregistered.
                self._want(self._events & ~WRITE)
            return
        self._want(self._events & ~WRITE)
        if self._state is not State.OPEN:
            self._all_sent()

    def ready(self, events: int) -> None:
        if events & WRITE and not events & ERROR:
            # A send would clear the error, and the next read would return an orderly end.
            self.can_write()
        if events & ~WRITE and self._state not in OVER:
            if events & self._events & READ:
                self.can_read()
            elif events & ERROR:
                # The hub reports errors even to a stream that is paused or deferred. It also
                # reports the end of both directions, but bytes before that may be unread.
                self._peer_gone(False)

    def read_again(self) -> None:
        """Watch for input again after `Hub.defer`, or when more is allowed."""
        if self._state not in OVER:
            self._hub.change(self.descriptor, self._events)

    @property
    def other_events(self) -> int:
        return self._events & ~READ

    def lose(self, reason: Failure) -> None:
        """Close at once: stop the producer, and pass the reason to the protocol."""
        if self._state is State.CLOSED:
            return
        self._hub.remove(self)
        is_reset, self._state = self._state is State.ABORTED, State.CLOSED
        self._unsent = None
        self._stages = ()
        producer, self._producer = self._producer, None
        try:
            if producer is not None:
                producer.producer.stopProducing()
        finally:
            self._close_socket(is_reset)
            protocol, self.protocol = self.protocol, None
            protocol.connectionLost(reason)

    # Called by protocols.

    @property
    def allowance(self) -> Allowance:
        """What the stream may read. The protocol sets its own when it takes messages: from then on
        the hub serves the stream before those that have not joined."""
        return self._allowance

    @allowance.setter
    def allowance(self, allowance: Allowance) -> None:
        self._allowance = allowance
        if self._state not in OVER:
            self._hub.prefer(self, self._events)

    # ITransport, called by protocols.

    @property
    def disconnecting(self) -> bool:
        """Whether the connection is closing: for LineReceiver; no interface of Twisted has it."""
        return self._state is State.CLOSING

    def loseConnection(self) -> None:
        if self._state in READABLE:
            self._state = State.CLOSING
            self._want(WRITE)

    def loseWriteConnection(self) -> None:
        if self._state is State.OPEN:
            self._state = State.HALF_CLOSING
            self._want(self._events | WRITE)

    def abortConnection(self) -> None:
        if self._state not in OVER:
            self._state = State.ABORTED
            self._unsent = None
            # No event may reach the stream any more. Its caller must not be called back.
            self._hub.remove(self)
            self._hub.reactor.callLater(0, self.lose, ABORTED)

    def getPeer(self) -> Any:
        return (
            twisted_address(self.socket.family, self._address) if self.peer is None else self.peer
        )

    def getHost(self) -> Any:
        return twisted_address(self.socket.family, self.socket.getsockname())

    def getHandle(self) -> socket.socket:
        return self.socket

    def pauseProducing(self) -> None:
        self._want(self._events & ~READ)

    def resumeProducing(self) -> None:
        if self._state in READABLE:
            self._want(self._events | READ)

    def stopProducing(self) -> None:
        self.loseConnection()

    # Inside.

    def _feed_stages(self, data: bytes) -> None:
        """Pass bytes to the stages in turn, and the rest to the protocol once all are done."""
        try:
            while self._stages and data:
                rest = self._stages[0].feed(self, data)
                if rest is None:
                    return
                self._stages = self._stages[1:]
                data = rest
        except StageFailed as failure:
            if failure.answer:
                self.send_raw(failure.answer)
            self.lose(LOST)
            return
        if data and self._state not in OVER:
            self._received(data)

    def _all_sent(self) -> None:
        if self._state is State.CLOSING:
            self.lose(DONE)
        elif self._state is State.HALF_CLOSING:
            self._half_close()

    def _half_close(self) -> None:
        self._state = State.HALF_CLOSED
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        half = IHalfCloseableProtocol(self.protocol, None)
        if half is not None:
            half.writeConnectionLost()

    def _peer_gone(self, is_orderly: bool) -> None:
        """Handle a broken connection, or the peer's end of the connection or its direction."""
        if self._stages:
            self._stages[0].lost(self, is_orderly)
            is_orderly = False
        half = IHalfCloseableProtocol(self.protocol, None) if is_orderly else None
        if half is None:
            self.lose(DONE if is_orderly else LOST)
        else:
            self.pauseProducing()
            half.readConnectionLost()
