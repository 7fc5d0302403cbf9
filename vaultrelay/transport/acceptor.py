"""Acceptor: accepts connections of a listening socket, a few in each turn of the reactor.

Twisted's own port accepts all that wait in one turn, which delays joined devices, and
retries without a pause when the system has no descriptor left.
"""

import os
import socket
from collections.abc import Callable
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IReadDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from vaultrelay.logs import RelayLog
from vaultrelay.policy.join_pace import JoinPace
from vaultrelay.policy.limits.logs import SUMMARY_SECONDS
from vaultrelay.policy.limits.pending import (
    ACCEPT_PAUSE_SECONDS,
    ACCEPTS_PER_TURN,
    REJECTS_PER_TURN,
)
from vaultrelay.transport.kernel_queue import waited_in_queue
from vaultrelay.transport.listening_socket import Bound
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.socket_address import twisted_address
from vaultrelay.transport.stream import Stream

_EXHAUSTED = (EMFILE, ENFILE, ENOBUFS, ENOMEM)

MakeStream = Callable[[socket.socket, Any, Any], Stream]
"""Makes a stream from a hub, an accepted socket, the peer's address and a protocol."""


@implementer(IListeningPort, IReadDescriptor)
class Acceptor:
    """Listens on one bound socket, which it owns, and makes the connections of `factory`.

    `hides_address`: the factory gets None as the address, since a PROXY header has yet to name it.
    """

    def __init__(
        self,
        bound: Bound,
        factory: IProtocolFactory,
        make_stream: MakeStream,
        pending: PendingConnections,
        pace: JoinPace,
        reactor: Any,
        hides_address: bool = False,
        *,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._socket, self._clean_up = bound
        # Kept, since each access to socket.family looks up an enum member.
        self._family = self._socket.family
        self._factory = factory
        self._make_stream = make_stream
        self._pending = pending
        self._pace = pace
        self._reactor = reactor
        self._hides_address = hides_address
        self._logged_at: float | None = None
        self._rejected = 0
        self._reserve: int | None = None

    # IListeningPort

    def startListening(self) -> None:
        """Start to accept connections. The socket listens already."""
        self._reserve = _open_reserve()
        self._factory.doStart()
        self._reactor.addReader(self)

    def stopListening(self) -> Deferred[None]:
        """Close the socket. Accepted connections stay open."""
        if self._socket.fileno() >= 0:
            self._reactor.removeReader(self)
            # While the socket is open, no other one can have its path or the inode of its file.
            self._clean_up()
            self._socket.close()
            if self._reserve is not None:
                os.close(self._reserve)
                self._reserve = None
            self._factory.doStop()
        return succeed(None)

    def getHost(self) -> Any:
        """Return the local address of the socket."""
        return twisted_address(self._family, self._socket.getsockname())

    # IReadDescriptor

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "Acceptor"

    def connectionLost(self, reason: Failure) -> None:
        """Close the socket when the reactor stops."""
        self.stopListening()

    def doRead(self) -> None:
        """Accept the next few connections, unless earlier ones wait for the core.

        The others stay in the kernel's accept queue, where they cost nothing.
        """
        if self._pace.is_behind:
            return
        for _ in range(ACCEPTS_PER_TURN):
            if not self._pending.make_room():
                self._pause()
                return
            try:
                accepted, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._reject_some(error)
                    self._pause()
                    return
                # The client closed this connection before it was accepted.
                continue
            if not self._pace.is_crowded or self._still_waits(accepted):
                self._begin(accepted, address)

    def _still_waits(self, accepted: socket.socket) -> bool:
        """Note the wait of a connection; close it and return False if its client has left."""
        waited, has_left = waited_in_queue(accepted)
        self._pace.accepted(waited)
        if has_left and self._pace.is_late:
            accepted.close()
            return False
        return True

    def _begin(self, accepted: socket.socket, address: Any) -> None:
        """Make a connection. An exception ends it only: the reactor would close the acceptor."""
        protocol: Any = None
        stream: Stream | None = None
        try:
            address = _with_zone(self._family, address)
            known: Any = None
            if not self._hides_address:
                known = twisted_address(self._family, address)
            protocol = self._factory.buildProtocol(known)
            if protocol is None:
                accepted.close()
                return
            stream = self._make_stream(accepted, address, protocol)
            protocol.makeConnection(stream)
        except Exception:
            self._log.failure("Cannot accept a connection")
            if stream is not None:
                stream.abortConnection()
                return
            accepted.close()
            if protocol is not None:
                # The protocol counts against budgets already.
                protocol.connectionLost(Failure())

    def _reject_some(self, error: OSError) -> None:
        """Accept and close the next few connections, with the descriptor in reserve.

        A device then retries later, instead of waiting for an answer.
        """
        self._pending.evict_oldest()
        if self._reserve is None:
            self._reserve = _open_reserve()
        for _ in range(REJECTS_PER_TURN):
            if self._reserve is None:
                break
            os.close(self._reserve)
            try:
                self._socket.accept()[0].close()
            except OSError:
                break
            finally:
                self._reserve = _open_reserve()
            self._rejected += 1
        now = self._reactor.seconds()
        if self._logged_at is None or now - self._logged_at >= SUMMARY_SECONDS:
            self._logged_at = now
            count, self._rejected = self._rejected, 0
            self._log.error(
                "No file descriptor is left for new connections: {why}. {count} were closed on "
                "arrival; joined devices are not affected. Raise the limit of open files (ulimit "
                "-n, or LimitNOFILE= in the unit), or lower --max-connections.",
                why=os.strerror(error.errno or 0).lower(),
                count=count,
            )

    def _pause(self) -> None:
        """Accept nothing for a moment: the reactor would find the socket readable at once."""
        self._reactor.removeReader(self)
        self._reactor.callLater(ACCEPT_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if self._socket.fileno() >= 0:
            self._reactor.addReader(self)


def _with_zone(family: int, address: Any) -> Any:
    """Return an address; the host of a link-local one includes its zone, as in Twisted."""
    if family != socket.AF_INET6 or not address[3]:
        return address
    zoned, _ = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    return (zoned, *address[1:])


def _open_reserve() -> int | None:
    """Return a reserve descriptor: closing it frees one to accept a connection and close that."""
    try:
        # Python opens it as not inheritable.
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
