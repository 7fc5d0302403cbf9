"""DeviceSocketFactory: the upgrade request of a device, and the options of its WebSocket."""

from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory
from twisted.internet.interfaces import IReactorTime

from vaultrelay.client.connection import CONTROL_LIMIT, DeviceSocket
from vaultrelay.wire import VERSION, base64url


class DeviceSocketFactory(WebSocketClientFactory):
    """Makes the one socket of a device."""

    noisy = False

    def __init__(
        self,
        reactor: IReactorTime,
        url: str,
        authorization: str | None,
        channel: bytes,
        socket: DeviceSocket,
    ) -> None:
        headers = {
            "X-VaultMesh-Protocol": str(VERSION),
            "X-VaultMesh-Channel": base64url.encode(channel),
        }
        if authorization is not None:
            headers["Authorization"] = authorization
        super().__init__(url, useragent=None, headers=headers, reactor=reactor)
        # Autobahn's own timers ask the global reactor; connect() has a deadline of its own.
        self.setProtocolOptions(
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            serverConnectionDropTimeout=0,
            maxMessagePayloadSize=CONTROL_LIMIT,
        )
        self._socket = socket

    def buildProtocol(self, addr: object) -> Any:
        self._socket.factory = self
        return self._socket
