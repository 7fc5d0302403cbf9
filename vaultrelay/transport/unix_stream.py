"""UnixStream: a connection through a unix socket."""

from vaultrelay.transport.stream import Stream


class UnixStream(Stream):
    """A stream without methods of TCP: twisted.web checks whether setTcpNoDelay exists."""

    __slots__ = ()
