"""DirectServer: a TCP connection that sends at once, and reads into one buffer for all."""

from errno import EWOULDBLOCK
from typing import Any

from twisted.internet import main, tcp
from twisted.internet.interfaces import IListeningPort

_READ_BYTES = 64 * 1024
"""Twisted's own. Larger reads would let a sender overrun a full receiver by more."""
_buffer = bytearray(_READ_BYTES)
_view = memoryview(_buffer)


class DirectServer(tcp.Server):
    """Twisted's server side of a TCP connection without its detour for what can be sent now.

    Twisted queues every write, asks the kernel when the socket takes it, and sends it one turn
    later. Here that is only for what the kernel does not take at once, so that the contracts with
    producers and with `loseConnection` are Twisted's.
    """

    def write(self, data: bytes) -> None:
        queued = self.dataBuffer or self._tempDataBuffer
        if self.connected and not queued and not self._writeDisconnected:
            try:
                sent = self.socket.send(data)
            except OSError:
                # Full, or broken: Twisted finds out, and tells the protocol as it always does.
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        super().write(data)

    def doRead(self) -> Any:
        try:
            size = self.socket.recv_into(_buffer)
        except OSError as error:
            return None if error.errno == EWOULDBLOCK else main.CONNECTION_LOST
        if not size:
            return main.CONNECTION_DONE
        self.protocol.dataReceived(bytes(_view[:size]))
        return None


def make_direct(port: IListeningPort) -> None:
    """Let the connections of a listening port be direct, where they are Twisted's plain TCP."""
    if isinstance(port, tcp.Port) and port.transport is tcp.Server:
        port.transport = DirectServer
