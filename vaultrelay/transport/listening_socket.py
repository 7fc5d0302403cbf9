"""Listening sockets: TCP addresses and inherited sockets; unix_path has the third kind."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Bound(NamedTuple):
    """A listening socket, and the clean-up to call before it is closed."""

    socket: socket.socket
    clean_up: Callable[[], None] = ExitStack().close


class Bindable(Protocol):
    """A local address or socket that the relay can listen on."""

    def bind(self) -> Bound:
        """Return a new listening socket. Raises OSError if the system refuses it."""


@dataclass(frozen=True)
class TcpAddress:
    """A local address and port. The host may be empty, or a name, for IPv4.

    `::` includes all IPv4 addresses, unless the system is configured otherwise.
    """

    host: str
    port: int
    backlog: int

    def bind(self) -> Bound:
        """See Bindable."""
        family = socket.AF_INET
        address: Any = (self.host, self.port)
        if ":" in self.host:
            # The address may have a zone, which bind does not parse.
            found = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
            family, _, _, _, address = found[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                # Without it no relay could start within a minute after another one. On Windows
                # the option has another meaning.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.setblocking(False)
            listening.listen(self.backlog)
        except BaseException:
            listening.close()
            raise
        return Bound(listening)


@dataclass(frozen=True)
class InheritedSocket:
    """A listening socket of the service manager, used unchanged.

    Its descriptor stays open, since a reload uses it again.
    """

    descriptor: int

    def bind(self) -> Bound:
        """See Bindable."""
        os.set_inheritable(self.descriptor, False)
        own = duplicate(self.descriptor)
        own.setblocking(False)
        return Bound(own)


def duplicate(descriptor: int) -> socket.socket:
    """Return a duplicate of an inherited socket. Raises OSError if it is not a socket."""
    inherited = socket.socket(fileno=descriptor)
    try:
        return inherited.dup()
    finally:
        inherited.detach()
