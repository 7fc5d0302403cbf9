"""Bindables: TCP addresses and inherited sockets to listen on; unix_path has the third kind."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Bound(NamedTuple):
    """A listening socket, and the clean-up to call once it is closed."""

    socket: socket.socket
    clean_up: Callable[[], None]


class Bindable(Protocol):
    """A local address or socket that the relay can listen on."""

    def bind(self) -> Bound:
        """Return a new listening socket. Raises OSError if the system refuses it."""


def nothing_to_clean() -> None:
    """Do nothing: the clean-up of a socket without a file."""


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
        is_ipv6 = ":" in self.host
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                # Without it no relay could start within a minute after another one. On Windows
                # the option has another meaning.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(self._ipv6_address() if is_ipv6 else (self.host, self.port))
            listening.setblocking(False)
            listening.listen(self.backlog)
        except BaseException:
            listening.close()
            raise
        return Bound(listening, nothing_to_clean)

    def _ipv6_address(self) -> tuple[object, ...]:
        # An address may have a zone, which bind does not parse.
        found = socket.getaddrinfo(
            self.host, self.port, socket.AF_INET6, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
        return found[0][4]


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
        return Bound(own, nothing_to_clean)


def duplicate(descriptor: int) -> socket.socket:
    """Return a duplicate of an inherited socket. Raises OSError if it is no socket."""
    theirs = socket.socket(fileno=descriptor)
    try:
        return theirs.dup()
    finally:
        theirs.detach()
