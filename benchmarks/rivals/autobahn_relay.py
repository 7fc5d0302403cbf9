"""A relay on Autobahn and Twisted as they come: `python autobahn_relay.py PORT [CERTIFICATE KEY]`.

Devices that open the same path are in one room, and get what the others of it send.
"""

import sys
from collections import defaultdict

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

rooms: dict[str, list["Device"]] = defaultdict(list)


class Device(WebSocketServerProtocol):
    """One connection."""

    room: list["Device"] = []  # noqa: RUF012  onConnect replaces it

    def onConnect(self, request: ConnectionRequest) -> None:
        """Learn the room."""
        self.room = rooms[request.path]

    def onOpen(self) -> None:
        """Enter the room."""
        self.room.append(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Pass a message on."""
        for other in self.room:
            if other is not self:
                other.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Leave the room."""
        if self in self.room:
            self.room.remove(self)


def main(port: str, certificate: str = "", key: str = "") -> None:
    """Serve until a signal."""
    endpoint = f"tcp:{port}:interface=127.0.0.1:backlog=1024"
    if key:
        endpoint = f"ssl:{port}:certKey={certificate}:privateKey={key}:interface=127.0.0.1"
    factory = WebSocketServerFactory()
    factory.protocol = Device
    serverFromString(reactor, endpoint).listen(factory)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
