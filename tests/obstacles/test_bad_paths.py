"""Devices behind a path that is narrow, lossy or cut."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from tests.obstacles.network import RELAY_ADDRESS, Path, path
from tests.process.processes import RunningRelay, running_relay

BULK = """
import sys
import threading
from tests.obstacles.device import Device
host, port, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
first, second = Device(port, b"device-a", host), Device(port, b"device-b", host)
def send():
    for id in range(count):
        first.data(id.to_bytes(4, "big") * (size // 4), id)
threading.Thread(target=send, daemon=True).start()
for id in range(count):
    assert second.payload() == id.to_bytes(4, "big") * (size // 4), id
print("all", flush=True)
"""
NO_RATES = ("--rate-messages", "0", "--rate-bytes", "0")


@pytest.fixture
def bad() -> Iterator[Path]:
    with path() as made:
        if made is None:
            pytest.skip("needs root, network namespaces and the ip command of iproute2")
        yield made


def relay_at(path: Path) -> AbstractContextManager[RunningRelay]:
    return running_relay("--bind", "0.0.0.0", *NO_RATES, inside=path.at_relay)


def python(path: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A Python on the device's side."""
    return subprocess.Popen(
        [*path.at_device, sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_bulk_through_a_narrow_and_lossy_path_arrives_whole_and_in_order(bad: Path) -> None:
    if not bad.narrow("20mbit"):
        pytest.skip("needs the tc command and its tbf")
    if not bad.lose(0.01):
        pytest.skip("needs iptables and its statistic match")
    with relay_at(bad) as relay:
        bulk = python(bad, "-c", BULK, RELAY_ADDRESS, str(relay.port), "100", "40000")
        out, error = bulk.communicate(timeout=120)
        assert (out, error) == ("all\n", "")


def test_a_peer_behind_a_cut_path_is_lost_and_the_others_stay(bad: Path) -> None:
    with relay_at(bad) as relay:
        place = (RELAY_ADDRESS, str(relay.port))
        there = python(bad, "-m", "tests.obstacles.device", *place, "device-b")
        here = subprocess.Popen(
            [*bad.at_relay, sys.executable, "-m", "tests.obstacles.device", *place, "device-a"],
            stdout=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(90, here.kill)
        watchdog.start()
        try:
            for each in (there, here):
                assert each.stdout is not None
                assert each.stdout.readline() == "joined\n"
            if not bad.cut():
                pytest.skip("needs iptables")
            assert here.stdout is not None
            told = next((line for line in here.stdout if '"left"' in line), "")
        finally:
            watchdog.cancel()
            for each in (there, here):
                each.kill()
                each.communicate()
        assert '"reason": "lost"' in told
