"""UnixStream: a connection of a unix socket."""

from vaultrelay.transport.stream import Stream


class UnixStream(Stream):
    """Has nothing of TCP: twisted.web tries setTcpNoDelay, and goes by its absence."""

    __slots__ = ()
