"""Strangers: upgrades of channels that nobody uses, as many as fill HAProxy's table of channels."""

import os
import socket
from contextlib import closing
from itertools import islice

from tests.obstacles.device import Device
from tests.process.processes import WAIT_SECONDS
from tests.relays.nodes import HOST
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of

_REQUEST = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "X-VaultMesh-Protocol: 3\r\nX-VaultMesh-Channel: {}\r\n\r\n"
)


def upgrade(port: int, times: int) -> None:
    """Open so many channels without a proof; each must be answered by a 101."""
    for _ in range(times):
        with socket.create_connection((HOST, port), WAIT_SECONDS) as stranger:
            stranger.sendall(_REQUEST.format(base64url.encode(os.urandom(32))).encode())
            assert stranger.recv(32).startswith(b"HTTP/1.1 101 ")


def join(port: int, times: int) -> None:
    """Join so many channels of their own, which takes a proof, and leave."""
    for seed in islice(iter(lambda: os.urandom(32), b""), times):
        headers = {"X-VaultMesh-Channel": base64url.encode(channel_of(seed))}
        with closing(Device(port, b"stranger", HOST, seed=seed, headers=headers)) as device:
            assert device.welcome["peers"] == []
