"""Attack: speak HAProxy's peers protocol to a port that is for a proxy, without being HAProxy."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.process.crowd import crowd, dial, everything
from tests.process.processes import RunningRelay, running_relay
from tests.security.clients import BEHIND_PROXY
from vaultrelay.policy.limits.pending import ACCEPTS_PER_TURN, PENDING_CONNECTIONS

PENDING = 700
FLOOD_BYTES = 32 << 20
HELLO = b"HAProxyS 2.1\nw1\nhere 1 1\n"


def open_files(relay: RunningRelay) -> int:
    return len(list(Path(f"/proc/{relay.process.pid}/fd").iterdir()))


def send_often(stranger: socket.socket, piece: bytes) -> None:
    for _ in range(FLOOD_BYTES // len(piece)):
        stranger.sendall(piece)


@pytest.mark.parametrize("hello", [b"HAProxyS ", HELLO[:-1]])
def test_hellos_that_never_end_take_no_more_than_other_pending_connections(hello: bytes) -> None:
    with running_relay(*BEHIND_PROXY) as relay:
        before = open_files(relay)
        with crowd(relay.port, PENDING) as strangers:
            for stranger in strangers:
                # On a slow machine the first ones had their time already, and are cut off.
                with suppress(ConnectionError):
                    stranger.sendall(hello)
            # Once this one is answered all before it were accepted.
            with dial(relay.port) as device:
                device.sendall(b"PROXY UNKNOWN\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b'"status":"ok"' in everything(device)
            assert open_files(relay) - before <= PENDING_CONNECTIONS + ACCEPTS_PER_TURN


@pytest.mark.parametrize(
    "message",
    [b"\x00\x00", b"\x00\x04", b"\x0a\x80\x00", b"\x0a\x84\x05\x01\x00\x00\x00\x01"],
    ids=["resync", "heartbeat", "update", "acknowledgement"],
)
def test_a_flood_that_reads_nothing_is_cut_off(message: bytes) -> None:
    """Each message was read, at 2.5 s of CPU for 8 MB, and some were answered into memory."""
    piece = message * (65536 // len(message))
    with running_relay(*BEHIND_PROXY) as relay, dial(relay.port) as stranger:
        stranger.sendall(HELLO)
        with pytest.raises(ConnectionError):
            send_often(stranger, piece)
