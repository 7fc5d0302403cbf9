"""Devices that read nothing, or slowly: what that costs the relay and their peers."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred, gatherResults

from tests.authority import issue, write_pair
from tests.process.processes import RunningRelay, running_relay
from vaultrelay.client import Busy, Device, Left, Message, Nack, connect
from vaultrelay.wire.data import Reason

NO_RATES = ("--rate-messages", "0", "--rate-bytes", "0")
MAX_BUFFER = 4 * 1024 * 1024
GROWTH_BYTES = MAX_BUFFER + 4 * 1024 * 1024
PUSHED_BYTES = 200_000_000
CHUNK_BYTES = 256 * 1024
LARGE_BYTES = 1024 * 1024 - 16
LARGE_MESSAGES = 240
READ_DELAY = 0.0005
SEED = bytes(32)

Place = tuple[RunningRelay, str, Any]


@pytest.fixture
def relays(tmp_path: Path) -> Iterator[list[Place]]:
    """A relay without TLS and one with, by URL, and what to trust there."""
    issued = issue(["localhost"])
    certificate, key = write_pair(tmp_path, issued)
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    options = (*NO_RATES, "--max-buffer", str(MAX_BUFFER))
    with ExitStack() as stack:
        plain = stack.enter_context(running_relay(*options))
        secret = stack.enter_context(running_relay(*options, *tls))
        yield [
            (plain, f"ws://localhost:{plain.port}", None),
            (secret, f"wss://localhost:{secret.port}", issued.pem),
        ]


async def join(place: Place, name: bytes) -> Device:
    from twisted.internet import reactor

    clock: Any = reactor
    _, url, trust = place
    return await connect(clock, url, SEED, name, trust)


def resident_bytes(relay: RunningRelay) -> int:
    """The memory that the relay holds."""
    return int(Path(f"/proc/{relay.process.pid}/statm").read_text().split()[1]) * 4096


class Story:
    """A device that pushes to one that reads nothing, while two others talk."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.events: list[Busy | Left] = []
        self.nacked: dict[Reason | int, int] = {}
        self.talked = 0
        self.maximum = 0

    async def run(self) -> None:
        self.sender, self.lazy, self.one, self.two = [
            await join(self.place, b"device-%d" % number) for number in range(4)
        ]
        self.relay = self.place[0]
        self.before = resident_bytes(self.relay)
        self.lazy._socket.transport.pauseProducing()
        await gatherResults(
            [ensureDeferred(work) for work in (self.push(), self.watch(), self.talk(), self.echo())]
        )
        for device in (self.sender, self.one, self.two):
            await device.close()
        self.lazy._socket.abort()
        await self.lazy._gone

    async def push(self) -> None:
        for _ in range(PUSHED_BYTES // CHUNK_BYTES):
            self.sender.send(bytes(CHUNK_BYTES), to=self.lazy.session)
            await self.sender.room()

    async def watch(self) -> None:
        """Until the lazy device is gone."""
        while not any(isinstance(event, Left) for event in self.events):
            event = await self.sender.receive()
            if isinstance(event, Nack):
                self.nacked[event.reason] = self.nacked.get(event.reason, 0) + 1
            elif isinstance(event, Busy | Left):
                self.events.append(event)

    async def talk(self) -> None:
        """One round trip after the other, until the lazy device is gone."""
        while self.lazy.session in self.one.peers:
            self.one.send(b"are you there?", to=self.two.session)
            while not isinstance(event := await self.one.receive(), Message | Left):
                pass
            self.talked += isinstance(event, Message)
            self.maximum = max(self.maximum, resident_bytes(self.relay) - self.before)

    async def echo(self) -> None:
        while True:
            event = await self.two.receive()
            if isinstance(event, Message):
                self.two.send(event.payload, to=event.sender)
            elif isinstance(event, Left):
                return


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the /proc of Linux")
@pytest_twisted.ensureDeferred
async def test_a_device_that_reads_nothing_costs_little_and_is_closed(relays: list[Place]) -> None:
    stories = [Story(place) for place in relays]
    await gatherResults([ensureDeferred(story.run()) for story in stories])
    for story in stories:
        lazy = story.lazy.session
        assert story.events == [Busy(lazy), Left(lazy, "slow")]
        assert set(story.nacked) <= {Reason.BUSY, Reason.GONE}
        assert story.nacked[Reason.BUSY] > 0
        assert story.talked > 100
        assert story.maximum < GROWTH_BYTES


@pytest_twisted.ensureDeferred
async def test_a_device_that_reads_slowly_gets_all_of_it(relays: list[Place]) -> None:
    """Large messages, each of which fills its transport alone; and not one is refused."""
    for place in relays:
        sender, slow = [await join(place, name) for name in (b"device-a", b"device-b")]
        read_slowly(slow)
        await sender.receive()
        arrived = ensureDeferred(receive_all(slow))
        watch = ensureDeferred(sender.receive())
        for number in range(LARGE_MESSAGES):
            sender.send(number.to_bytes(4, "big") + bytes(LARGE_BYTES - 4), to=slow.session)
            await sender.room()
        assert await arrived == list(range(LARGE_MESSAGES))
        assert not watch.called, "the sender heard of nothing"
        watch.addErrback(lambda failure: None)
        await sender.close()
        await slow.close()


async def receive_all(device: Device) -> list[int]:
    numbers: list[int] = []
    while len(numbers) < LARGE_MESSAGES:
        event = await device.receive()
        assert isinstance(event, Message), event
        assert len(event.payload) == LARGE_BYTES
        numbers.append(int.from_bytes(event.payload[:4], "big"))
    return numbers


def read_slowly(device: Device) -> None:
    """Read nothing for a moment after each read."""
    from twisted.internet import reactor

    clock: Any = reactor
    connection: Any = device._socket
    take = connection.dataReceived

    def resume() -> None:
        if connection.transport.connected:
            connection.transport.resumeProducing()

    def taken(data: bytes) -> None:
        take(data)
        if connection.state == connection.STATE_OPEN:
            connection.transport.pauseProducing()
            clock.callLater(READ_DELAY, resume)

    connection.dataReceived = taken
