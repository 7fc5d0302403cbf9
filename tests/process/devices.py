"""Devices of a relay process, on a WebSocket library that is not ours."""

import json
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of, join_body, sign_join

HEADERS = {"X-VaultMesh-Protocol": "3"}


@contextmanager
def joined(
    url: str,
    context: ssl.SSLContext | None = None,
    seed: bytes = bytes(32),
    device: bytes = b"device-a",
) -> Iterator[tuple[ClientConnection, dict[str, Any]]]:
    """A joined device of the `websockets` library, and its welcome."""
    with connect(url, ssl=context, additional_headers=HEADERS, compression=None) as device_socket:
        challenge = json.loads(device_socket.recv())
        device_socket.send(json.dumps(hello(challenge, seed, device)))
        yield device_socket, json.loads(device_socket.recv())


def hello(challenge: dict[str, Any], seed: bytes, device: bytes) -> dict[str, str]:
    """The answer to a challenge."""
    nonce = secrets.token_bytes(16)
    relay_nonce = base64url.decode(challenge["nonce"], 32)
    body = join_body(relay_nonce, nonce, channel_of(seed), device, "localhost")
    return {
        "type": "hello",
        "channel": base64url.encode(channel_of(seed)),
        "device": base64url.encode(device),
        "nonce": base64url.encode(nonce),
        "audience": "localhost",
        "proof": base64url.encode(sign_join(seed, body)),
        "client": "websockets/1",
    }
