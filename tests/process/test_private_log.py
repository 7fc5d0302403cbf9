"""The log of real relays with real devices, searched for everything that /privacy.json denies."""

import json
import re
import socket
import subprocess
import time
from base64 import b64encode
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.process.page_client import (
    CLOSE,
    EVERYONE,
    Connection,
    Identity,
    base64url,
    plain_head,
)
from tests.process.processes import BIN, WAIT_SECONDS, environment, running_relay
from tests.process.test_quiet_log import serving
from vaultrelay.logs import FORMATS
from vaultrelay.logs.naming import WAYS

PAYLOAD = b"s3cr3t-ciphertext"
TOKEN = "t0ken-of-a-device"
ADDRESSES = ("100.64.1.7", "100.64.2.9", "2600:0:1:2::7")
"""For Python those that are meant for examples are private, and private ones are another case."""
NEAR = "10.64.3.5"
CLAIMED = "198.51.100.200"


def dialled(port: int, address: str) -> Connection:
    """A connection that comes from this address, as the proxy in front says."""
    connection = Connection(port)
    family, other = ("TCP6", "2001:db8::1") if ":" in address else ("TCP4", "192.0.2.1")
    connection.tcp.sendall(f"PROXY {family} {address} {other} 50000 443\r\n".encode())
    return connection


def use(port: int, vault: Identity) -> dict[str, Any]:
    """All that devices do, good and bad, from all addresses; the notice that the relay shows."""
    for address in ADDRESSES:
        with dialled(port, address) as device, dialled(port, address) as peer:
            device.join(vault)
            peer.join(Identity(vault.seed))
            device.data(EVERYONE, 1, PAYLOAD)
            peer.receive()
        with dialled(port, address) as device:
            device.hello(device.upgrade(vault.channel), vault, proof="A" * 86)
            while device.receive()[0] != CLOSE:
                pass
        with dialled(port, address) as device:
            head = plain_head("/nothing").replace(
                b"\r\n\r\n",
                b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"X-Forwarded-For: " + CLAIMED.encode() + b"\r\n"
                b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n",
            )
            assert device.get(head)[0] == 404
    with dialled(port, NEAR) as visitor:
        head = plain_head("/privacy.json")
        return visitor.get(head[:-2] + b"X-Forwarded-For: " + CLAIMED.encode() + b"\r\n\r\n")[2]


def spellings(secret: bytes) -> list[str]:
    """How a log could write it."""
    shown = [secret.hex(), base64url(secret), b64encode(secret).decode(), repr(secret)[2:-1]]
    return [text.lower() for text in shown]


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_log_holds_no_more_than_the_notice_says(format: str, way: str, level: str) -> None:
    vault = Identity()
    chosen = ("--log-format", format, "--log-addresses", way)
    with serving("haproxy:tcp:{port}:interface=127.0.0.1", level, *chosen) as (port, logged):
        logs = use(port, vault)["logs"]
        log = logged()
    lower = log.lower()
    assert (logs["format"], logs["level"], logs["addresses"]) == (format, level, way)
    for secret in (vault.channel, vault.device, vault.seed, PAYLOAD, TOKEN.encode()):
        assert not [text for text in spellings(secret) if text in lower]
    assert CLAIMED not in log, "what anybody may claim"
    if logs["addresses"] != "full":
        for address in ADDRESSES:
            assert address not in log
            assert ip_address(address).packed.hex() not in lower
    assert (NEAR in log) == (logs["private_address_of_an_untrusted_proxy"] == "full")
    named = set(re.findall(r"address=([\w.:-]+)", log))
    channels = set(re.findall(r"channel=([\w-]+)", log))
    assert log.count("Session ended") >= 2 * len(ADDRESSES)
    if logs["addresses"] == "none":
        assert not named | channels
    elif logs["addresses"] == "full":
        assert named == set(ADDRESSES)
    else:
        assert all(re.fullmatch(r"a-\w{6}", name) for name in named)
        assert len(named) == len(ADDRESSES)
    assert len(channels) == (logs["channels"] == "pseudonym")
    if format == "json":
        for line in log.splitlines():
            assert {"time", "level", "message"} <= set(json.loads(line))


def test_the_names_of_one_run_are_not_those_of_the_next() -> None:
    vault = Identity()
    found = []
    for _ in range(2):
        with running_relay() as relay:
            for _ in range(2):
                with Connection(relay.port) as device:
                    device.join(vault)
            _, log = relay.stop()
        (name,) = set(re.findall(r"channel=(c-\w{6})", log))
        found.append(name)
    assert found[0] != found[1]


def twistd(log: Path, *before: str) -> str:
    """What `twistd` writes of a device and of its own end."""
    port = free_port()
    where = ("--port", str(port), "--bind", "127.0.0.1")
    command: list[str | Path] = [BIN / "twistd", "--nodaemon", "--pidfile", "", *before]
    command += ["vault-relay", *where, "--log-format", "json"]
    with (
        log.open("w") as stream,
        subprocess.Popen(command, stdout=stream, stderr=stream, env=environment()) as process,
    ):
        try:
            while "listens on" not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            with Connection(port) as device:
                device.join(Identity())
            with Connection(port) as visitor:
                logs = visitor.get(plain_head("/privacy.json"))[2]["logs"]
            assert logs["format"] == ("json" if before else "twistd")
            process.terminate()
            process.wait(WAIT_SECONDS)
        finally:
            process.kill()
    return log.read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_under_twistd_our_observer_writes_our_lines(tmp_path: Path) -> None:
    said = twistd(tmp_path / "log", "--logger", "vaultrelay.logs.stderr_observer")
    lines = [json.loads(line) for line in said.splitlines()]
    (ended,) = [line for line in lines if line["message"].startswith("Session ended")]
    assert re.fullmatch(r"c-\w{6}", ended["channel"])
    assert not [line for line in lines if "twistd writes" in line["message"]]


def test_under_twistd_alone_the_log_is_twistds_and_says_how_to_change_that(
    tmp_path: Path,
) -> None:
    said = twistd(tmp_path / "log")
    assert "[vaultrelay#info] Session ended" in said
    assert re.search(r"channel=c-\w{6}", said)
    assert said.count("--logger vaultrelay.logs.stderr_observer") == 1
