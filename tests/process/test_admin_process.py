"""The admin endpoint of a real relay process: scraped, taken, mistyped, and gone with the relay."""

import socket
import urllib.request
from contextlib import closing
from pathlib import Path

from tests.process.admin_relay import LOCAL, relay_with_admin, scrape
from tests.process.crowd import ask
from tests.process.devices import joined
from tests.process.processes import run, running_relay


def test_a_relay_with_devices_is_scraped_and_its_totals_never_fall() -> None:
    with relay_with_admin() as (relay, url):
        before = scrape(url)
        where = f"ws://localhost:{relay.port}"
        with joined(where) as (first, _), joined(where, device=b"device-b") as (second, welcome):
            number = welcome["session"].to_bytes(4, "big")
            second.send(b"\x10\0\0\0" + b"\xff" * 4 + number + bytes(4) + b"payload")
            first.recv()
            assert first.recv()[16:] == b"payload"
            during = scrape(url)
            page = urllib.request.urlopen(url, timeout=20).read().decode()  # noqa: S310  http
        after = scrape(url)
        ask(relay.port, b"\x16\x03\x01")
        last = scrape(url)
    assert during["connections joined"] == 2
    assert during["messages_total"] == 1
    assert during["message_bytes_total"] == 23
    assert during["process_open_fds"] >= before["process_open_fds"] + 2
    assert during["process_resident_memory_bytes"] > 10_000_000
    assert "<dt>Devices</dt>\n<dd>2</dd>" in page
    assert after["handshakes_total joined"] == 2
    assert last["handshakes_total bad_request"] == 0
    assert last["handshakes_total no_http"] == 1
    for earlier, later in ((before, during), (during, after), (after, last)):
        for name, value in earlier.items():
            if "_total" in name:
                assert later[name] >= value, name


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        endpoint = f"tcp:{port}:{LOCAL}"
        ended = run("vault-relay", "--port=0", "--bind=127.0.0.1", f"--admin={endpoint}")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(
        f"vault-relay: cannot listen on {endpoint} (--admin): address already in use; stop the"
    )


def test_a_bad_endpoint_is_told_in_a_sentence() -> None:
    ended = run("vault-relay", "--port=0", RELAY_ADMIN="9090")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("vault-relay: RELAY_ADMIN: '9090' is not a server endpoint")
    assert line.endswith("; write tcp:9090")


def test_a_unix_socket_does_too(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with (
        running_relay("--admin", f"unix:{path}:mode=600") as relay,
        closing(socket.socket(socket.AF_UNIX)) as end,
    ):
        end.connect(str(path))
        end.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert end.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        status, log = relay.stop()
    assert status == 0
    assert f"Status page and metrics: unix:{path}:mode=600 (open)" in log
