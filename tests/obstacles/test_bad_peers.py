"""A peer that is stopped, and one that is killed."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.obstacles.device import Device
from tests.process.processes import RunningRelay, running_relay

NO_RATES = ("--rate-messages", "0", "--rate-bytes", "0")
MESSAGES, BYTES = 600, 64 * 1024
"""38 MB: more than the kernel, the relay and a stopped peer hold together."""


@pytest.fixture
def relay() -> Iterator[RunningRelay]:
    with running_relay(*NO_RATES) as running:
        yield running


@pytest.fixture
def peer(relay: RunningRelay) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.obstacles.device", "127.0.0.1", str(relay.port), "device-b"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "joined\n"
    yield process
    process.kill()
    process.communicate()


def test_a_peer_that_is_killed_is_lost_at_once(
    relay: RunningRelay, peer: "subprocess.Popen[str]"
) -> None:
    device = Device(relay.port, b"device-a")
    peer.kill()
    assert device.control("left")["reason"] == "lost"
    device.close()


def test_a_peer_that_was_stopped_for_a_while_gets_all_or_its_sender_hears(
    relay: RunningRelay, peer: "subprocess.Popen[str]"
) -> None:
    device = Device(relay.port, b"device-a")
    peer.send_signal(signal.SIGSTOP)
    sent: list[int] = []

    def send() -> None:
        for id in range(MESSAGES):
            device.data(bytes(BYTES - 16), id)
            sent.append(id)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    # Held up, as its peer does not read; a third device is none of its business.
    third = Device(relay.port, b"device-c")
    third.say(type="keepalive", ping_seconds=30)
    assert third.control("keepalive")["ping_seconds"] == 30
    third.close()
    sender.join(1)
    assert len(sent) < MESSAGES
    peer.send_signal(signal.SIGCONT)
    assert peer.stdout is not None
    arrived = 0
    for line in peer.stdout:
        arrived += line == f"{BYTES}\n"
        if arrived == MESSAGES:
            break
    sender.join()
    assert arrived == MESSAGES
    device.close()
