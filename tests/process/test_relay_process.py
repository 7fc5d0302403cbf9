"""A real relay process: started, spoken to by a foreign WebSocket library, stopped."""

import json
import secrets
import signal
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.authority import issue, write_pair
from tests.process.devices import joined
from tests.process.processes import RunningRelay, running_relay


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    return write_pair(folder, issue(["localhost", "127.0.0.1"]))


@pytest.fixture(scope="module", params=["ws", "wss"])
def relay(
    request: pytest.FixtureRequest, tls_files: tuple[Path, Path]
) -> Iterator[tuple[str, RunningRelay, ssl.SSLContext | None]]:
    certificate, key = tls_files
    if request.param == "ws":
        with running_relay() as running:
            yield f"ws://localhost:{running.port}", running, None
    else:
        context = ssl.create_default_context(cafile=str(certificate))
        # As browsers do; a relay that cannot answer ALPN would refuse this.
        context.set_alpn_protocols(["h2", "http/1.1"])
        with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
            yield f"wss://localhost:{running.port}", running, context


def test_two_devices_of_a_foreign_library_meet_and_talk(
    relay: tuple[str, RunningRelay, ssl.SSLContext | None],
) -> None:
    url, _, context = relay
    with joined(url, context) as (first, welcome):
        with joined(url, context, device=b"device-b") as (second, _):
            peer = json.loads(first.recv())
            assert peer["type"] == "joined"
            head = (
                bytes([0x10, 0, 0, 0])
                + peer["session"].to_bytes(4, "big")
                + welcome["session"].to_bytes(4, "big")
                + (7).to_bytes(4, "big")
            )
            for size in (0, 1, 125 - 16, 126 - 16, 65535 - 16, 65536 - 16, 300_000):
                message = head + secrets.token_bytes(size)
                first.send(message)
                assert second.recv() == message
        assert json.loads(first.recv()) == {
            "type": "left",
            "session": peer["session"],
            "reason": "closed",
        }


def test_health_is_exact(relay: tuple[str, RunningRelay, ssl.SSLContext | None]) -> None:
    url, _, context = relay
    with urllib.request.urlopen(  # noqa: S310  the URL is ours
        url.replace("ws", "http", 1) + "/health", context=context
    ) as reply:
        body = reply.read().decode()
        told = json.loads(body)
    assert body == (
        '{"status":"ok","version":"1.0.0","connections":0,'
        f'"uptime_seconds":{told["uptime_seconds"]}}}'
    )


def test_a_client_without_a_version_is_refused(
    relay: tuple[str, RunningRelay, ssl.SSLContext | None],
) -> None:
    url, _, context = relay
    with pytest.raises(InvalidStatus) as refused, connect(url, ssl=context):
        pass
    response = refused.value.response
    assert response.status_code == 426
    assert response.headers["X-VaultMesh-Protocol"] == "3"
    assert json.loads(response.body or b"")["supported"] == [3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_polite_and_the_exit_status_0(number: int) -> None:
    with (
        running_relay("--drain-seconds", "1") as running,
        joined(f"ws://localhost:{running.port}") as (first, _),
    ):
        running.process.send_signal(number)
        assert json.loads(first.recv())["type"] == "draining"
        with pytest.raises(ConnectionClosed) as closed:
            first.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "restart")
        status, log = running.stop(0)
    assert status == 0
    assert "Traceback" not in log
    assert "Draining within 1 s; devices to disconnect: 1" in log


def test_a_second_signal_ends_it_at_once() -> None:
    with (
        running_relay("--drain-seconds", "60") as running,
        joined(f"ws://localhost:{running.port}") as (first, _),
    ):
        running.process.send_signal(signal.SIGTERM)
        assert json.loads(first.recv())["type"] == "draining"
        # stop() waits for less than the drain would take.
        status, log = running.stop()
    assert (status, "Traceback" in log) == (0, False)


def test_a_device_that_is_killed_is_noticed_by_its_peer() -> None:
    with running_relay() as running:
        url = f"ws://localhost:{running.port}"
        with joined(url) as (first, _), joined(url, device=b"device-b") as (second, _):
            first.recv()
            # Without a close frame, as from a process that was killed.
            second.socket.shutdown(socket.SHUT_RDWR)
            assert json.loads(first.recv())["reason"] == "lost"
