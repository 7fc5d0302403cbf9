"""Reloading in a real process: signals, renewed certificates, tokens; nobody is dropped."""

import os
import signal
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.authority import Issued, issue, write_pair
from tests.process.devices import HEADERS, joined
from tests.process.processes import (
    BIN,
    WAIT_SECONDS,
    RunningRelay,
    environment,
    minds,
    run,
    running_relay,
)
from tests.transport.tls_client import lenient_context

TOKEN, OTHER = "a-token-of-the-operators", "another-of-their-tokens"
_HANG = """
import os, sys
_open = os.open

def hanging_open(path, *arguments, **more):
    if os.path.basename(path) == "tokens" and os.path.exists({pipe!r}):
        # As long as nobody writes, like a file of a server that is gone.
        with open({pipe!r}, "rb") as pipe:
            pipe.read()
    return _open(path, *arguments, **more)

os.open = hanging_open
"""


def said(relay: RunningRelay, words: str) -> str:
    """The next line of the log that has these words."""
    assert relay.process.stderr is not None
    descriptor = relay.process.stderr
    for line in descriptor:
        if words in line:
            return str(line)
    raise AssertionError("the relay is gone")


def served(port: int) -> bytes:
    """The certificate that a new connection is shown."""
    return ssl.get_server_certificate(("127.0.0.1", port)).replace("\r", "").encode()


def put(folder: Path, issued: Issued) -> None:
    folder.mkdir()
    write_pair(folder, issued)


def status_of(url: str, **headers: str) -> int:
    try:
        with connect(url, additional_headers=HEADERS | headers, compression=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_renewed_certificate_is_served_and_the_connections_stay(tmp_path: Path) -> None:
    """Behind a link that is turned, as certbot and Kubernetes do it."""
    old, new = issue(["localhost"]), issue(["localhost"])
    put(tmp_path / "1", old)
    put(tmp_path / "2", new)
    live = tmp_path / "live"
    live.symlink_to("1")
    names = [path.name for path in sorted((tmp_path / "1").iterdir())]
    certificate, key = (
        (name for name in names if "key" not in name),
        (name for name in names if "key" in name),
    )
    files = ("--tls-cert", str(live / next(certificate)), "--tls-key", str(live / next(key)))
    with running_relay(*files, "--public-url", "wss://localhost") as relay:
        assert served(relay.port) == old.pem
        with joined(f"wss://localhost:{relay.port}", lenient_context()) as (first, _):
            (tmp_path / "next").symlink_to("2")
            (tmp_path / "next").replace(live)
            assert "valid until" in said(relay, "Options reloaded")
            assert served(relay.port) == new.pem
            with joined(f"wss://localhost:{relay.port}", lenient_context(), device=b"device-b") as (
                _,
                welcome,
            ):
                assert len(welcome["peers"]) == 1
            assert "joined" in str(first.recv(WAIT_SECONDS))
            # Half a renewal: the old pair goes on.
            (live / files[1].rpartition("/")[2]).write_text("-----BEGIN CERT")
            assert "The previous settings remain in force" in said(relay, "certificate")
            assert served(relay.port) == new.pem
        assert relay.stop()[0] == 0


def test_a_signal_reads_everything_anew(tmp_path: Path) -> None:
    config = tmp_path / "relay.toml"
    config.write_text("session-ttl = 100\n")
    # Nothing that a look at the files could notice first.
    with running_relay("--config", str(config)) as relay:
        said(relay, "listens on")
        old = config.stat()
        with joined(f"ws://localhost:{relay.port}") as (first, welcome):
            assert welcome["session_ttl"] == 100
            config.write_text("session-ttl = 200\n")
            os.utime(config, ns=(old.st_atime_ns, old.st_mtime_ns))
            relay.process.send_signal(signal.SIGHUP)
            assert "changed: session-ttl=200" in said(relay, "Options reloaded")
            with joined(f"ws://localhost:{relay.port}", device=b"device-b") as (_, later):
                assert later["session_ttl"] == 200
            assert "joined" in str(first.recv(WAIT_SECONDS))
        assert relay.stop()[0] == 0


def test_a_token_lets_in_and_its_removal_closes(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n{OTHER}\n")
    with running_relay("--access-token-file", str(tokens)) as relay:
        url = f"ws://localhost:{relay.port}"
        assert status_of(url) == 401
        assert status_of(url, Authorization="Bearer wrong-wrong-wrong-wrong") == 401
        assert status_of(f"ws://any:{OTHER}@localhost:{relay.port}") == 101
        headers = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
        with connect(url, additional_headers=headers, compression=None) as device:
            device.recv()
            tokens.write_text(f"{OTHER}\n")
            with suppress(Exception):
                device.recv(WAIT_SECONDS)
            assert (device.close_code, device.close_reason) == (4510, "kicked")
        assert status_of(url, Authorization=f"Bearer {TOKEN}") == 401
        headers["Authorization"] = f"Bearer {OTHER}"
        with connect(url, additional_headers=headers, compression=None) as device:
            device.recv()
            tokens.write_text("# nobody\n")
            with suppress(Exception):
                device.recv(WAIT_SECONDS)
            assert (device.close_code, device.close_reason) == (4510, "kicked")
        assert status_of(url, Authorization=f"Bearer {OTHER}") == 401
        status, log = relay.stop()
    assert "error NO DEVICE IS ADMITTED: the file of --access-token-file contains no token" in log
    assert "remain in force" not in log
    assert status == 0
    assert TOKEN not in log
    assert OTHER not in log


def test_a_file_that_hangs_stops_neither_messages_nor_the_end(tmp_path: Path) -> None:
    tokens, pipe = tmp_path / "tokens", tmp_path / "pipe"
    tokens.write_text(f"{TOKEN}\n")
    (tmp_path / "sitecustomize.py").write_text(_HANG.format(pipe=str(pipe)))
    headers = HEADERS | {"Authorization": f"Bearer {TOKEN}"}
    with running_relay("--access-token-file", str(tokens), PYTHONPATH=str(tmp_path)) as relay:
        url = f"ws://localhost:{relay.port}"
        with connect(url, additional_headers=headers, compression=None) as device:
            device.recv()
            os.mkfifo(pipe)
            tokens.write_text(f"{OTHER}\n")
            # Opens when the relay's thread waits for it.
            with pipe.open("wb"):
                assert status_of(url, Authorization=f"Bearer {TOKEN}") == 101
                assert status_of(url, Authorization=f"Bearer {OTHER}") == 401
                pipe.unlink()
            with suppress(Exception):
                device.recv(WAIT_SECONDS)
            assert (device.close_code, device.close_reason) == (4510, "kicked")
        assert status_of(url, Authorization=f"Bearer {OTHER}") == 101
        os.mkfifo(pipe)
        tokens.write_text(f"{TOKEN}\n")
        with pipe.open("wb"):
            status, log = relay.stop()
    assert status == 0
    assert "Traceback" not in log


def test_a_signal_to_reload_does_not_kill_a_relay_that_ends() -> None:
    """systemd would take it for a clean end, and not start the relay again."""
    with running_relay() as relay:
        relay.process.terminate()
        while relay.process.poll() is None:
            relay.process.send_signal(signal.SIGHUP)
            time.sleep(0.001)
        relay.process.communicate()
        assert relay.process.returncode == 0


def test_a_signal_to_reload_does_not_kill_a_relay_that_begins() -> None:
    process = subprocess.Popen(
        [BIN / "vault-relay", "--port", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        while not minds(process.pid, signal.SIGHUP):
            time.sleep(0.001)
        assert process.stdout is not None
        descriptor = process.stdout
        os.set_blocking(descriptor.fileno(), False)
        while not descriptor.readline():
            assert process.poll() is None
            process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0


@pytest.mark.parametrize("content", ["", "short\n", "\x80\n", None])
def test_a_bad_token_file_stops_the_start(tmp_path: Path, content: str | None) -> None:
    tokens = tmp_path / "tokens"
    if content is not None:
        tokens.write_bytes(content.encode("latin-1"))
    done = run("vault-relay", "--access-token-file", str(tokens))
    assert done.returncode == 2
    assert done.stderr.startswith(f"vault-relay: --access-token-file: '{tokens}' ")
    assert done.stderr.count("\n") == 1


def test_twistd_reads_anew_too(tmp_path: Path) -> None:
    config = tmp_path / "relay.toml"
    config.write_text("port = 0\n")
    twistd = subprocess.Popen(
        [
            *(BIN / "twistd", "--nodaemon", "--pidfile=", "vault-relay"),
            *("--config", config, "--bind", "127.0.0.1"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=tmp_path,
    )
    try:
        assert twistd.stdout is not None
        lines = iter(twistd.stdout)
        assert any("VaultMesh relay" in line for line in lines)
        config.write_text("port = 0\nsession-ttl = 7\n")
        twistd.send_signal(signal.SIGHUP)
        assert any("changed: session-ttl=7" in line for line in lines)
    finally:
        twistd.terminate()
        twistd.communicate(timeout=WAIT_SECONDS)
    # twistd ends itself with the signal that it was sent.
    assert twistd.returncode == -signal.SIGTERM
