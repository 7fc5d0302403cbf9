"""Accepting: takes what connects to a port, a few in each turn, while there is room for it.

Twisted's own way takes all that wait in one turn, which keeps joined devices waiting, and asks
again and again without a pause where the system has no descriptor left for it.
"""

import os
import socket
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from typing import Any

from vaultrelay.logs import log
from vaultrelay.policy.limits import ACCEPT_REST_SECONDS, ACCEPTS_PER_TURN, TOLD_SECONDS
from vaultrelay.transport.pending import PendingConnections

_EXHAUSTED = (EMFILE, ENFILE, ENOBUFS, ENOMEM)


class Acceptor:
    """Does the reading of a port of Twisted's."""

    def __init__(self, port: Any, waiting: PendingConnections) -> None:
        self._port = port
        self._waiting = waiting
        self._told_at: float | None = None
        self._turned_away = 0
        self._spare = _open_spare()

    def doRead(self) -> None:
        """Take the next few, and begin their connections."""
        for _ in range(ACCEPTS_PER_TURN):
            if not self._waiting.make_room():
                # They stay in the kernel's queue, where they cost nothing.
                self._rest()
                return
            try:
                accepted, address = self._port.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._turn_away(error)
                    self._rest()
                    return
                # This one went before it was taken.
                continue
            self._begin(accepted, address)

    def close(self) -> None:
        """The port is closed: give back what was kept for it."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def _begin(self, accepted: socket.socket, address: Any) -> None:
        port = self._port
        if accepted.family == socket.AF_INET6 and address[3]:
            # Twisted's addresses have the zone of a link-local one in their host.
            zoned, _ = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
            address = (zoned, *address[1:])
        protocol = port.factory.buildProtocol(port._buildAddr(address))
        if protocol is None:
            accepted.close()
            return
        number = port.sessionno
        port.sessionno += 1
        protocol.makeConnection(
            port.transport(accepted, protocol, address, port, number, port.reactor)
        )

    def _turn_away(self, error: OSError) -> None:
        """Let the next few know at once, with the descriptor that is kept for this.

        A device then tries again later, instead of waiting for an answer.
        """
        self._waiting.let_oldest_go()
        for _ in range(ACCEPTS_PER_TURN):
            if self._spare is None:
                self._spare = _open_spare()
            if self._spare is None:
                break
            os.close(self._spare)
            self._spare = None
            try:
                self._port.socket.accept()[0].close()
            except OSError:
                break
            finally:
                self._spare = _open_spare()
            self._turned_away += 1
        now = self._port.reactor.seconds()
        if self._told_at is None or now - self._told_at >= TOLD_SECONDS:
            self._told_at = now
            count, self._turned_away = self._turned_away, 0
            log.error(
                "No descriptor is left for new connections: {why}. {count} were closed as they "
                "came; joined devices are not affected. Raise the limit of open files (ulimit -n, "
                "or LimitNOFILE= in the unit), or lower --max-connections.",
                why=os.strerror(error.errno or 0).lower(),
                count=count,
            )

    def _rest(self) -> None:
        """Look again in a moment; else the reactor would come back at once, for nothing."""
        self._port.stopReading()
        self._port.reactor.callLater(ACCEPT_REST_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if self._port.connected and not self._port.disconnecting:
            self._port.startReading()


def _open_spare() -> int | None:
    try:
        # Python lets no other program inherit it.
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
