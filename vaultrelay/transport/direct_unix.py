"""DirectUnixServer: a connection of a unix socket that sends at once."""

from twisted.internet import unix

from vaultrelay.transport.direct import DirectServer


class DirectUnixServer(DirectServer, unix.Server):
    """Twisted's, without passing file descriptors: nobody behind it takes any."""
