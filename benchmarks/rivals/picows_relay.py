"""A relay on picows: `python picows_relay.py PORT [CERTIFICATE KEY]`.

Devices that open the same path are in one room, and get what the others of it send.
"""

import asyncio
import ssl
import sys
from collections import defaultdict

from picows import (  # type: ignore[import-not-found]
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

BINARY = WSMsgType.BINARY
rooms: dict[bytes, list[WSTransport]] = defaultdict(list)


class Device(WSListener):  # type: ignore[misc]  # picows is not installed for mypy
    """One connection."""

    def __init__(self, request: WSUpgradeRequest) -> None:
        super().__init__()
        self.room = rooms[request.path]

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Enter the room."""
        self.room.append(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Pass a message on."""
        if frame.msg_type == BINARY:
            message = frame.get_payload_as_memoryview()
            for other in self.room:
                if other is not transport:
                    other.send(BINARY, message)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Leave the room."""
        self.room.remove(transport)


async def main(port: str, *pair: str) -> None:
    """Serve until a signal."""
    context = None
    if pair:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
    server = await ws_create_server(Device, "127.0.0.1", int(port), ssl=context, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
