"""The health check of real relays, whatever they listen on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.process.processes import environment, run, running_relay


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def check(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    done = run(
        "vault-relay",
        "healthcheck",
        *arguments,
        **{"RELAY_RUNTIME_FOLDER": str(folder)} | variables,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_relay_with_tls_alone_on_a_port_that_it_picked(folder: Path, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, issue())
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with running_relay(*tls, "--runtime-folder", str(folder)) as relay:
        status, said = check(folder)
        assert (status, said.startswith(f"healthy: the relay on port {relay.port}, ")) == (0, True)
        assert check(folder, "--ready")[0] == 0
        elsewhere = tmp_path / "elsewhere"
        status, said = check(elsewhere, "--port", str(relay.port))
        assert (
            status,
            "For a relay with TLS only, set its folder with --runtime-folder" in said,
        ) == (
            1,
            True,
        )
        relay.stop()
    assert list(folder.iterdir()) == []
    assert check(folder)[0] == 1


def test_a_relay_on_unix_sockets_and_several_ports(folder: Path, tmp_path: Path) -> None:
    listen = f"--listen=unix:{tmp_path}/relay.sock"
    # A port of which the test need not know beforehand is found in the log.
    tcp = [f"tcp:0:interface=127.0.0.{number}" for number in (1, 2)]
    with running_relay(
        "--listen", tcp[0], "--listen", tcp[1], listen, RELAY_RUNTIME_FOLDER=str(folder)
    ) as relay:
        (name,) = (path.name for path in folder.iterdir())
        assert str(relay.port) in name.removesuffix(".sock").split("+")
        assert check(folder, RELAY_PORT=str(relay.port))[0] == 0


def test_a_relay_that_was_killed_is_not_well_and_not_in_the_way(folder: Path) -> None:
    with running_relay(RELAY_RUNTIME_FOLDER=str(folder)) as killed:
        killed.stop(signal.SIGKILL)
    assert len(list(folder.iterdir())) == 1
    assert check(folder, "--port", str(killed.port))[0] == 1
    with running_relay(RELAY_RUNTIME_FOLDER=str(folder)) as relay:
        assert f"port {relay.port}," in check(folder)[1]


def test_a_relay_that_is_stopped_in_its_tracks_is_not_well(folder: Path) -> None:
    code = (
        "from vaultrelay.commands import healthcheck; healthcheck.ANSWER_SECONDS = 0.5; "
        "raise SystemExit(healthcheck.main([]))"
    )
    with running_relay(RELAY_RUNTIME_FOLDER=str(folder)) as relay:
        relay.process.send_signal(signal.SIGSTOP)
        try:
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment(RELAY_RUNTIME_FOLDER=str(folder)),
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
        finally:
            relay.process.send_signal(signal.SIGCONT)
    assert (done.returncode, "nothing came within 0.5 s" in done.stdout) == (1, True)


def test_without_a_folder_the_relay_starts_with_a_warning_and_is_asked_on_its_port(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()
    with running_relay(RELAY_RUNTIME_FOLDER=str(file)) as relay:
        assert check(file, "--port", str(relay.port))[0] == 0
        _, log = relay.stop()
    assert log.count("Cannot create the socket for vault-relay healthcheck") == 1
    assert f"{file} is not a folder" in log


def test_the_socket_has_no_place_for_devices(folder: Path) -> None:
    upgrade = (
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "X-VaultMesh-Protocol: 3\r\n\r\n"
    )
    code = f"""
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall({upgrade!r}.encode())
print(peer.recv(100).split(b"\\r\\n")[0].decode())
"""
    with running_relay(RELAY_RUNTIME_FOLDER=str(folder)):
        (path,) = folder.iterdir()
        done = subprocess.run(
            [sys.executable, "-c", code, path],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    assert done.stdout == "HTTP/1.1 200 OK\n"


def test_it_loads_little() -> None:
    code = (
        "import json, sys; before = set(sys.modules); sys.argv = ['vault-relay', 'healthcheck', "
        "'--port', '1', '--runtime-folder', '/nonexistent']\n"
        "from vaultrelay.commands import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "vaultrelay.commands.healthcheck" in loaded
    assert len(loaded) < 60
    heavy = {"twisted", "ssl", "_ssl", "_hashlib", "OpenSSL", "dataclasses", "asyncio"}
    # argparse imports them for the help alone.
    heavy |= {"shutil", "textwrap"}
    assert heavy & set(loaded) == set()
