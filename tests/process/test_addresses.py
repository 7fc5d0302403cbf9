"""Budgets per address in a real relay: devices that come through proxies, what they are told."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.process.processes import WAIT_SECONDS, RunningRelay, running_relay
from vaultrelay.policy.limits.pending import PENDING_PER_ADDRESS

UPGRADE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "X-VaultMesh-Protocol: 3\r\n"
)


FIRST, SECOND = "203.0.113.1", "203.0.113.2"


class Devices:
    """Devices behind one proxy, which stay connected."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def upgrade(self, relay: RunningRelay, forwarded: str = "", line: str = "") -> int:
        """The status that the next device gets; 0 for none."""
        address = ("127.0.0.1", relay.port)
        device = self._stack.enter_context(socket.create_connection(address, WAIT_SECONDS))
        header = f"X-Forwarded-For: {forwarded}\r\n" if forwarded else ""
        device.sendall(f"{line}{UPGRADE}{header}\r\n".encode())
        try:
            got = device.recv(4096)
        except ConnectionResetError:
            got = b""
        return int(got.split()[1]) if got else 0

    def leave(self) -> None:
        """Hang up; the relay need not wait for them when it stops."""
        self._stack.close()


@pytest.fixture
def devices() -> Iterator[Devices]:
    with ExitStack() as stack:
        yield Devices(stack)


def test_devices_behind_a_trusted_proxy_are_limited_one_by_one(devices: Devices) -> None:
    options = ("--trusted-proxy", "127.0.0.0/8", "--max-per-address", "2")
    asked = [FIRST, FIRST, FIRST, f"1.2.3.4, {FIRST}", f"1.2.3.4, {SECOND}", "unknown"]
    with running_relay(*options) as relay:
        answers = [devices.upgrade(relay, forwarded) for forwarded in asked]
        assert answers == [101, 101, 429, 429, 101, 101]
        devices.leave()
        status, log = relay.stop()
    assert status == 0
    assert "; trusted-proxy=127.0.0.0/8 max-per-address=2" in log
    assert "A trusted proxy sent an X-Forwarded-For header without a usable client address" in log
    assert "203.0.113" not in log


def test_a_proxy_that_is_not_trusted_is_pointed_out(devices: Devices) -> None:
    with running_relay("--max-per-address", "1") as relay:
        assert [devices.upgrade(relay, FIRST) for _ in range(3)] == [101] * 3
        devices.leave()
        _, log = relay.stop()
    assert log.count("add --trusted-proxy 127.0.0.1") == 1


def test_the_line_of_a_proxy_brings_addresses_to_limit(devices: Devices) -> None:
    listen = "haproxy:tcp:0:interface=127.0.0.1"
    with running_relay("--listen", listen, "--max-per-address", "1") as relay:
        lines = [f"PROXY TCP4 {host} 192.0.2.1 5 6\r\n" for host in (FIRST, FIRST, SECOND)]
        assert [devices.upgrade(relay, line=line) for line in lines] == [101, 429, 101]
        assert [devices.upgrade(relay, line="PROXY UNKNOWN\r\n") for _ in range(2)] == [101, 101]
        devices.leave()


def test_connections_that_only_wait_are_cut_off_before_anything_is_said(devices: Devices) -> None:
    listen = "haproxy:tcp:0:interface=127.0.0.1"
    line = f"PROXY TCP4 {FIRST} 192.0.2.1 5 6\r\n".encode()
    with running_relay("--listen", listen) as relay, ExitStack() as stack:
        address = ("127.0.0.1", relay.port)
        waiting = [
            stack.enter_context(socket.create_connection(address, WAIT_SECONDS))
            for _ in range(PENDING_PER_ADDRESS + 1)
        ]
        for connection in waiting:
            connection.sendall(line)
        gone = select.select(waiting, [], [], WAIT_SECONDS)[0]
        assert len(gone) == 1
        with suppress(ConnectionResetError):
            assert gone[0].recv(1) == b""
        assert devices.upgrade(relay, line=line.decode().replace(FIRST, SECOND)) == 101
        devices.leave()
