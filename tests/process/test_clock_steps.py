"""A system clock that is set by a day, again and again: no deadline of the relay follows it."""

import json
import signal
from pathlib import Path

import pytest

from tests.process.page_client import CLOSE, PING, PONG, Connection, Identity
from tests.process.processes import running_relay

SITECUSTOMIZE = """\
import time

_real = time.time
_steps = [0]


def stepped():
    _steps[0] += 1
    return _real() + {days} * 86400 * _steps[0]


time.time = stepped
"""


def stepping(folder: Path, days: int) -> str:
    """A PYTHONPATH under which each question for the time finds it changed by so many days."""
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE.format(days=days))
    return f"{folder}:{Path(__file__).parents[2]}"


@pytest.mark.parametrize("days", [1, -1])
def test_a_drain_neither_ends_early_nor_never(tmp_path: Path, days: int) -> None:
    path = stepping(tmp_path, days)
    with running_relay("--drain-seconds", "2", PYTHONPATH=path) as relay:
        with Connection(relay.port) as device:
            device.join(Identity())
            relay.process.send_signal(signal.SIGTERM)
            assert device.control("draining")["closes_in"] == 2
            device.send(PING, b"still here")
            assert device.receive() == (PONG, b"still here")
            assert device.closed() == (4000, "restart")
            device.send(CLOSE, (4000).to_bytes(2, "big"))
        status, log = relay.stop(0)
    assert status == 0
    assert "cut off" not in log


@pytest.mark.parametrize("days", [1, -1])
def test_devices_stay_and_uptime_counts_seconds(tmp_path: Path, days: int) -> None:
    path = stepping(tmp_path, days)
    with (
        running_relay("--drain-seconds", "0", PYTHONPATH=path) as relay,
        Connection(relay.port) as first,
        Connection(relay.port) as second,
    ):
        identity = Identity()
        first.join(identity)
        second.join(Identity(identity.seed))
        assert first.control("joined")
        for id in range(20):
            message = first.data(second.me, id, b"ciphertext")
            assert second.receive()[1] == message
        with Connection(relay.port) as health:
            health.tcp.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            told = json.loads(health.stream.read().partition(b"\r\n\r\n")[2])
        assert (told["connections"], told["uptime_seconds"] < 3600) == (2, True)
        _, log = relay.stop()
    stamps = [line[:10] for line in log.splitlines()]
    assert len(set(stamps)) > 1, "the clock was stepped, as the log shows"
