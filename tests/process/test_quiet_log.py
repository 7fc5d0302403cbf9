"""The log of a relay process to which everything is said that must not be found there."""

import re
import secrets
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.authority import issue
from tests.process.crowd import ask, dial, everything
from tests.process.page_client import BINARY, CLOSE, PING, TEXT, Connection, Identity
from tests.process.processes import (
    BIN,
    WAIT_SECONDS,
    RunningRelay,
    environment,
    read_line,
    running_relay,
)
from tests.transport.tls_client import lenient_context
from vaultrelay.policy.limits.logs import LOG_LINES_OF_A_KIND

# A name that cannot be asked for is found out after Python made the socket, and left it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

SECRET = "s3cr3t-of-a-vault"
FORGED = "2026-01-01T00:00:00Z error the disk is full"
SAID = f"{SECRET}\x1b[31m\x00\x85{FORGED}\u2028{{log_failure}}%s"
OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (error|warn |info |debug|critical) .*")


def assert_quiet(log: str, most_lines: int) -> None:
    """Nothing of what was said is in it; every line is ours, and they are few."""
    assert SECRET not in log
    assert "disk is full" not in log
    assert "Traceback" not in log
    lines = log.splitlines()
    assert log.isprintable() or all(line.isprintable() for line in lines)
    assert all(OURS.fullmatch(line) for line in lines), log
    assert len(lines) <= most_lines, log


def heads(said: bytes) -> Iterator[bytes]:
    """Requests that say it everywhere."""
    get = b"GET / HTTP/1.1\r\nHost: a\r\n"
    upgrade = get + (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-VaultMesh-Protocol: 3\r\n"
    )
    flat = bytes(byte for byte in said if byte > 0x20)
    for text in (said, flat, flat.replace(b"\x85", b"")):
        yield text
        yield text + b"\r\n\r\n"
        yield b"GET " + text + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        yield b"GET /" + text + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        yield b"GET /health?" + text + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        yield text + b" / HTTP/1.1\r\nHost: a\r\n\r\n"
        yield b"GET / " + text + b"\r\nHost: a\r\n\r\n"
        yield b"GET / HTTP/1.1\r\nHost: " + text + b"\r\n\r\n"
        yield get + text + b": a\r\n\r\n"
        for name in (b"X-Forwarded-For", b"X-Forwarded-Proto", b"Authorization", b"Origin", b"Any"):
            yield get + name + b": " + text + b"\r\n\r\n"
            yield upgrade + name + b": " + text + b"\r\n\r\n"
        for name in (b"X-VaultMesh-Channel", b"Sec-WebSocket-Protocol", b"User-Agent"):
            yield upgrade + name + b": " + text + b"\r\n\r\n"
        for name in (b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"X-VaultMesh-Protocol"):
            lines = [line for line in upgrade.split(b"\r\n") if not line.startswith(name)]
            yield b"\r\n".join(lines) + name + b": " + text + b"\r\n\r\n"


def devices(relay: RunningRelay) -> None:
    """Devices that say it, before and after they joined."""
    said = SAID.encode()
    frames = [
        (TEXT, said),
        (BINARY, said),
        (PING, said[:120]),
        (CLOSE, struct.pack(">H", 1000) + said[:100]),
        (CLOSE, struct.pack(">H", 4999) + b"\xff" + said[:100]),
        (CLOSE, struct.pack(">H", 1005) + said[:100]),
        (3, said[:100]),
        (TEXT, b"\xff" + said),
        (TEXT, b'{"type":"' + SECRET.encode() + b'"}'),
        (TEXT, b'{"type":"keepalive","ping_seconds":"' + SECRET.encode() + b'"}'),
        (TEXT, b'{"type":"keepalive","' + SECRET.encode() + b'":' + b"[" * 5000),
    ]
    for is_joined in (False, True):
        for opcode, payload in frames:
            with Connection(relay.port) as device:
                identity = Identity()
                if is_joined:
                    device.join(identity)
                else:
                    device.upgrade(identity.channel)
                device.send(opcode, payload)
                if opcode == PING:
                    device.send(CLOSE)
                while device.receive()[0] != CLOSE:
                    pass
    for name in ("channel", "device", "nonce", "audience", "proof", "client", SECRET):
        with Connection(relay.port) as device:
            identity = Identity()
            device.hello(device.upgrade(identity.channel), identity, **{name: SAID[:200]})
            device.receive()


@pytest.mark.parametrize("level", ["info", "debug"])
def test_of_what_is_said_over_http_and_websocket(level: str) -> None:
    with running_relay("--log-level", level) as relay:
        count = 0
        for head in heads(SAID.encode()):
            with dial(relay.port) as end:
                end.sendall(head)
                end.shutdown(socket.SHUT_WR)
                with suppress(TimeoutError):
                    everything(end)
            count += 1
        devices(relay)
        status, log = relay.stop()
    assert (status, count > 60) == (0, True)
    assert_quiet(log, 4 + LOG_LINES_OF_A_KIND + (5 * LOG_LINES_OF_A_KIND) * (level == "debug"))


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("pairs", [1, 2])
def test_of_what_is_said_in_tls(tmp_path: Path, level: str, pairs: int) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for number in range(pairs):
        issued = issue([f"relay{number}.test"])
        (folder / f"{number}.pem").write_bytes(issued.pem + issued.key_pem)
    with serving(f"tls:{folder}:{{port}}:interface=127.0.0.1", level) as (port, logged):
        for name in (SECRET, f"{SECRET}.example", "xn--" + SECRET, "a" * 200):
            context = lenient_context(protocols=(SECRET, "h2"))
            with (
                suppress(ssl.SSLError, ConnectionError, UnicodeError),
                dial(port) as tcp,
                context.wrap_socket(tcp, server_hostname=name) as end,
            ):
                end.sendall(b"GET /" + SECRET.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                everything(end)
        for said in (SAID.encode(), b"\x16\x03\x01\x00\x20" + SAID.encode(), FORGED.encode()):
            ask(port, said)
        for context in (ssl.create_default_context(), lenient_context(ssl.TLSVersion.TLSv1_1)):
            for _ in range(50):
                assert ask(port, b"", context) == b""
        log = logged()
    assert_quiet(log, 4 + (4 * LOG_LINES_OF_A_KIND) * (level == "debug"))


def test_of_what_is_said_in_the_line_of_a_proxy() -> None:
    with serving("haproxy:tcp:{port}:interface=127.0.0.1", "debug") as (port, logged):
        get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        v2 = b"\r\n\r\n\x00\r\nQUIT\n"
        for said in (
            SAID.encode(),
            b"PROXY " + SAID.encode() + b"\r\n" + get,
            b"PROXY TCP4 " + SECRET.encode() + b" 192.0.2.1 1 2\r\n" + get,
            b"PROXY TCP4 192.0.2.1 192.0.2.1 1 " + SECRET.encode() + b"\r\n" + get,
            b"PROXY UNKNOWN " + SAID.encode().replace(b"\r\n", b"") + b"\r\n" + get,
            v2 + b"\x21\x11" + struct.pack(">H", len(SAID.encode())) + SAID.encode() + get,
            v2 + b"\x21\x31" + struct.pack(">H", 216) + SECRET.encode().ljust(216, b"\0") + get,
            v2 + SAID.encode(),
        ):
            ask(port, said)
        log = logged()
    assert_quiet(log, 4 + 4 * LOG_LINES_OF_A_KIND)


@contextmanager
def serving(endpoint: str, level: str, *arguments: str) -> Iterator[tuple[int, "Logged"]]:
    """A relay on an endpoint string, whose log is read when it has stopped."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command: list[str | Path] = [
        BIN / "vault-relay",
        "--listen",
        endpoint.format(port=port),
        "--log-level",
        level,
        *arguments,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert process.stderr is not None
            first = ""
            while "listens on" not in first:
                first = read_line(process.stderr)
                assert first, "it does not listen"
            yield port, Logged(process)
        finally:
            process.kill()


class Logged:
    """Stops a relay; what it logged, but for the line that names its endpoint."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self) -> str:
        self._process.terminate()
        _, log = self._process.communicate(timeout=WAIT_SECONDS)
        assert self._process.returncode == 0
        return log


def test_of_a_client_that_joins_in_a_loop() -> None:
    number = 2 * LOG_LINES_OF_A_KIND
    with running_relay() as relay:
        for _ in range(number):
            with Connection(relay.port) as device:
                device.join(Identity(secrets.token_bytes(32)))
        _, log = relay.stop()
    assert log.count("Session ended") == LOG_LINES_OF_A_KIND + 1, "and a line of what was left out"
    assert f"Suppressed {number - LOG_LINES_OF_A_KIND} more log lines: Session ended" in log
    assert f"Closed sessions since the last summary: lost {number}" in log
