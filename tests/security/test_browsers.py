"""Websites against a running relay, by way of their visitors' browsers.

A website opened WebSockets from inside a home network, which took the places of its visitor, and
read the status page under a name of its own.
"""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.process.admin_relay import relay_with_admin
from tests.process.crowd import HEAD
from tests.process.processes import WAIT_SECONDS, running_relay

EVIL = "https://evil.example"
APP = "https://app.example"
HOME = ("--trusted-proxy", "127.0.0.1", "--allow-from", "192.168.0.0/16", "--max-per-address", "2")


def ask(address: "tuple[str, int] | Path", head: bytes, stack: ExitStack) -> int:
    """The status of the answer; the connection stays open."""
    if isinstance(address, Path):
        end = stack.enter_context(socket.socket(socket.AF_UNIX))
        end.connect(str(address))
    else:
        end = stack.enter_context(socket.create_connection(address, WAIT_SECONDS))
    end.settimeout(WAIT_SECONDS)
    end.sendall(head)
    return int(end.recv(4096).split()[1])


def upgrade(port: int, stack: ExitStack, origin: str | None = None) -> int:
    """What a browser at home gets whose page has this origin, or a native app."""
    lines = ["X-Forwarded-For: 192.168.1.7", *([f"Origin: {origin}"] if origin else [])]
    head = HEAD.removesuffix(b"\r\n") + "\r\n".join([*lines, "", ""]).encode()
    return ask(("127.0.0.1", port), head, stack)


@pytest.mark.parametrize("origin", [EVIL, "null", "http://relay.test", "file://", "nonsense", ","])
def test_a_website_cannot_take_the_places_of_its_visitor(origin: str) -> None:
    with running_relay(*HOME) as relay, ExitStack() as stack:
        assert [upgrade(relay.port, stack, origin) for _ in range(3)] == [403] * 3
        assert [upgrade(relay.port, stack) for _ in range(2)] == [101] * 2
        stack.close()
        status, log = relay.stop()
    assert status == 0
    assert log.count("A web page was refused because --allow-origin does not list its origin") == 1
    assert "Refused connections since the last summary: origin_not_allowed 3" in log
    assert " allow-origin=none " in log
    assert "evil.example" not in log


def test_the_app_of_the_operator_connects_and_no_other_page() -> None:
    with (
        running_relay(*HOME, "--allow-origin", APP, RELAY_ALLOW_ORIGIN=EVIL) as relay,
        ExitStack() as stack,
    ):
        assert upgrade(relay.port, stack, APP) == 101
        assert upgrade(relay.port, stack, EVIL) == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9090",
        "localhost.evil.example",
        "[::1].evil.example",
        "127.0.0.1%.evil.example",
        "localhost:evil.example",
    ],
)
def test_a_website_cannot_read_the_status_page_under_its_own_name(
    tmp_path: Path, host: str
) -> None:
    """As a browser of the same network would ask it, or through a proxy, after DNS rebinding."""
    head = f"GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    admin = tmp_path / "admin"
    with running_relay("--admin", f"unix:{admin}") as relay, ExitStack() as stack:
        while not admin.exists():
            assert relay.process.poll() is None
        assert ask(admin, head, stack) == 421
        stack.close()
        _, log = relay.stop()
    assert log.count("The admin endpoint refused a request with 421") == 1


def test_prometheus_asks_by_a_name_that_is_allowed() -> None:
    with (
        relay_with_admin("--admin-host", "relay.lan") as (_, url),
        ExitStack() as stack,
    ):
        port = int(url.rpartition(":")[2])
        for host, status in (("relay.lan", 200), (f"127.0.0.1:{port}", 200), ("relay", 421)):
            head = f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            assert ask(("127.0.0.1", port), head, stack) == status
