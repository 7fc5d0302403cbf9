"""A relay on websockets: `python websockets_relay.py PORT [CERTIFICATE KEY]`.

Devices that open the same path are in one room, and get what the others of it send.
"""

import asyncio
import ssl
import sys
from collections import defaultdict

from websockets.asyncio.server import ServerConnection, broadcast, serve

rooms: dict[str, list[ServerConnection]] = defaultdict(list)


async def relay(device: ServerConnection) -> None:
    """Pass on what one device sends."""
    assert device.request is not None  # noqa: S101  for mypy: set after the handshake
    room = rooms[device.request.path]
    room.append(device)
    try:
        async for message in device:
            broadcast([other for other in room if other is not device], message)
    finally:
        room.remove(device)


async def main(port: str, *pair: str) -> None:
    """Serve until a signal."""
    context = None
    if pair:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
    async with serve(relay, "127.0.0.1", int(port), ssl=context, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
