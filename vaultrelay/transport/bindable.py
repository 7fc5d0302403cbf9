"""Where a relay listens: TCP addresses, and sockets that it inherits; unix_path has the third."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Bound(NamedTuple):
    """A socket that listens, and what to do once it is closed."""

    socket: socket.socket
    clean_up: Callable[[], None]


class Bindable(Protocol):
    """Something that can be listened on."""

    def bind(self) -> Bound:
        """Return a new socket that listens. Raises OSError if there is none to be had."""


def nothing_to_clean() -> None:
    """The clean-up of a socket without a file: none."""


@dataclass(frozen=True)
class TcpAddress:
    """An address and port of this machine. The host may be empty, or a name, for IPv4.

    `::` is every address of IPv4, too, as long as the system does not say otherwise.
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
                # Else no relay could start for a minute after another one. On Windows the option
                # means something else.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(self._ipv6_address() if is_ipv6 else (self.host, self.port))
            listening.setblocking(False)
            listening.listen(self.backlog)
        except BaseException:
            listening.close()
            raise
        return Bound(listening, nothing_to_clean)

    def _ipv6_address(self) -> tuple[object, ...]:
        # An address may have a zone, which bind does not read.
        found = socket.getaddrinfo(
            self.host, self.port, socket.AF_INET6, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
        return found[0][4]


@dataclass(frozen=True)
class InheritedSocket:
    """A listening socket of the service manager's, which stays as it is.

    Its descriptor stays open, since a reload asks for it again.
    """

    descriptor: int

    def bind(self) -> Bound:
        """See Bindable."""
        os.set_inheritable(self.descriptor, False)
        own = duplicate(self.descriptor)
        own.setblocking(False)
        return Bound(own, nothing_to_clean)


def duplicate(descriptor: int) -> socket.socket:
    """Return a socket of our own for an inherited one. Raises OSError if it is no socket."""
    theirs = socket.socket(fileno=descriptor)
    try:
        return theirs.dup()
    finally:
        theirs.detach()
