"""PlainStream: a TCP connection without TLS."""

import socket
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import ITCPTransport
from zope.interface import implementer

from vaultrelay.policy.limits.memory import KERNEL_UNSENT
from vaultrelay.transport.stream import Stream


@implementer(ITCPTransport)
class PlainStream(Stream):
    """A stream with the socket options of TCP."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        with suppress(AttributeError, OSError):
            # Only Linux and macOS have it.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_UNSENT)

    def getTcpNoDelay(self) -> bool:
        return bool(self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, enabled)

    def getTcpKeepAlive(self) -> bool:
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, enabled)
