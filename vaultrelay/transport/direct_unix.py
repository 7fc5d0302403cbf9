"""Connections of unix sockets that send at once. Cannot be imported on Windows, which has none."""

from twisted.internet import unix

from vaultrelay.transport.direct import DirectServer
from vaultrelay.transport.proxy_protocol import Proxied


class DirectUnixServer(DirectServer, unix.Server):
    """Twisted's, without passing file descriptors: nobody behind it takes any."""


class ProxiedUnixServer(Proxied, DirectUnixServer):
    """A unix socket behind a proxy."""
