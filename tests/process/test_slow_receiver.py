"""A device that does not read: its sender waits, nothing is lost, the relay does not grow."""

import threading
import time
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection

from tests.process.devices import joined
from tests.process.processes import RunningRelay, running_relay

MESSAGE_BYTES = 64 * 1024
MESSAGES = 1000
"""64 MB: many times what the kernel's buffers, the relay and the receiving library hold."""
GROWTH_BYTES = 16 * 1024 * 1024
PATIENCE_SECONDS = 20


class Sender(threading.Thread):
    """Sends all messages, for as long as it takes; counts them."""

    def __init__(self, connection: ClientConnection, head: bytes) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self._connection = connection
        self._head = head

    def run(self) -> None:
        for id in range(1, MESSAGES + 1):
            self._connection.send(data(self._head, id))
            self.sent = id


class Listener(threading.Thread):
    """Reads NACKs while its device sends, as every client must."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(daemon=True)
        self.nacked: list[int] = []
        self._connection = connection

    def run(self) -> None:
        for message in self._connection:
            if isinstance(message, bytes):
                assert message[:4] == b"\x11\0\0\x02"
                self.nacked.append(int.from_bytes(message[12:16], "big"))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the /proc of Linux")
def test_what_was_sent_arrives_or_comes_back_as_a_nack() -> None:
    with running_relay("--rate-bytes", "0", "--rate-messages", "0") as running:
        url = f"ws://localhost:{running.port}"
        with joined(url) as (first, mine), joined(url, device=b"device-b") as (second, theirs):
            first.recv()
            to, me = (told["session"].to_bytes(4, "big") for told in (theirs, mine))
            sender, listener = Sender(first, b"\x10\0\0\0" + to + me), Listener(first)
            before = resident_bytes(running)
            sender.start()
            listener.start()
            wait_until_it_stands_still(sender)
            assert sender.sent < MESSAGES
            assert resident_bytes(running) - before < GROWTH_BYTES
            arrived: list[int] = []
            while len(arrived) + len(listener.nacked) < MESSAGES:
                message = second.recv(timeout=PATIENCE_SECONDS)
                assert message == data(sender._head, len(arrived) + 1)
                arrived.append(len(arrived) + 1)
            sender.join(PATIENCE_SECONDS)
            assert sorted(arrived + listener.nacked) == list(range(1, MESSAGES + 1))


def wait_until_it_stands_still(sender: Sender) -> None:
    sent = -1
    while sent != sender.sent:
        sent = sender.sent
        time.sleep(0.5)


def resident_bytes(relay: RunningRelay) -> int:
    """The memory that the relay holds."""
    return int(Path(f"/proc/{relay.process.pid}/statm").read_text().split()[1]) * 4096


def data(head: bytes, id: int) -> bytes:
    """A data message of MESSAGE_BYTES."""
    start = head + id.to_bytes(4, "big")
    return start + bytes(MESSAGE_BYTES - len(start))
