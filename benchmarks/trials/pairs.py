"""Pairs of devices that send at the same moment: the two ends in processes of their own."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from benchmarks.trials.device import HEADER_BYTES, Device, payload_of
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.stream import Target
from tests.frames import BINARY, client_frame

RECEIVING_PROCESSES = 2
_JOINS_AT_ONCE = 32
_POLL_SECONDS = 0.1
_REST_SECONDS = 1


@dataclass(frozen=True)
class Shape:
    """What pairs send in a burst."""

    sizes: Sequence[Sequence[int]]
    """The payload sizes of the messages of each pair."""
    receive_bytes: int = 0
    """SO_RCVBUF of the receivers, if not the system's."""
    late_seconds: float = 0
    """After which receivers begin to read: with a small buffer it leaves to the relay what a
    network with a real MTU and round trip would leave to it."""

    @property
    def messages(self) -> int:
        """How many there are in a burst."""
        return sum(map(len, self.sizes))

    @property
    def bytes(self) -> int:
        """Their payloads together."""
        return sum(map(sum, self.sizes))


@dataclass
class Arrived:
    """What one process has received, or sent, so far."""

    messages: int = 0
    bytes: int = 0
    wrong: int = 0
    nacks: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    last: float = 0
    """When the last message arrived, by the monotonic clock."""

    def add(self, other: "Arrived") -> None:
        """Add those of another process."""
        self.messages += other.messages
        self.bytes += other.bytes
        self.wrong += other.wrong
        self.nacks += other.nacks
        self.closes += other.closes
        self.last = max(self.last, other.last)


class Receiver:
    """Checks the messages of one device, in their order."""

    def __init__(self, number: int, sizes: Sequence[int], arrived: Arrived) -> None:
        self._expected: list[bytes] = []
        self._number, self._sizes, self._arrived = number, sizes, arrived
        self._next = 0

    def received(self, message: bytes) -> None:
        """Check one message."""
        size = self._sizes[self._next % len(self._sizes)]
        expected = payload_of(_identifier(self._number, self._next), size)
        self._next += 1
        self._arrived.wrong += message[HEADER_BYTES:] != expected
        self._arrived.messages += 1
        self._arrived.bytes += len(message) - HEADER_BYTES
        self._arrived.last = time.monotonic()


async def receive(link: Link, target: Target, numbers: range, shape: Shape) -> None:
    """Receive until the parent has enough; counts on each order."""
    arrived = Arrived()
    devices = await _join_all(target, numbers, b"receiver", shape.receive_bytes)
    for number, device in zip(numbers, devices, strict=True):
        device.received = Receiver(number, shape.sizes[number], arrived).received
    link.report("ready")
    while (order := await link.order()) != "enough":
        for device in devices if order in ("stop", "read") else ():
            device.stream.stop_reading() if order == "stop" else device.stream.read_all()
        arrived.closes = _closes(devices)
        link.report(arrived)


async def send(link: Link, target: Target, numbers: range, shape: Shape) -> None:
    """On each order to go, send all messages of all pairs at the same moment."""
    devices = await _join_all(target, numbers, b"sender--")
    sent = 0
    writes = _frames(numbers, devices, shape, sent)
    link.report("ready")
    while (order := await link.order()) != "enough":
        if order == "go":
            for device, frames in writes:
                for frame in frames:
                    device.stream.write(frame)
            link.report(time.monotonic())
            sent += 1
            await asyncio.sleep(_REST_SECONDS)
            writes = _frames(numbers, devices, shape, sent)
        else:
            nacks = sum(device.nacks for device in devices)
            link.report(Arrived(nacks=nacks, closes=_closes(devices)))


def _frames(
    numbers: range, devices: Sequence[Device], shape: Shape, round_: int
) -> list[tuple[Device, list[bytes]]]:
    """What each device sends in a round, made before the moment at which it counts."""
    writes = []
    for number, device in zip(numbers, devices, strict=True):
        first = round_ * len(shape.sizes[number])
        identifiers = range(first, first + len(shape.sizes[number]))
        payloads = (
            payload_of(_identifier(number, each), size)
            for each, size in zip(identifiers, shape.sizes[number], strict=True)
        )
        messages = map(device.message, [device.peers[0]] * len(identifiers), identifiers, payloads)
        writes.append((device, [client_frame(BINARY, message) for message in messages]))
    return writes


def _identifier(number: int, index: int) -> int:
    return number * 1009 + index


def _closes(devices: Sequence[Device]) -> Counter[int]:
    return Counter(device.ended.result() for device in devices if device.ended.done())


async def _join_all(
    target: Target, numbers: range, tag: bytes, receive_bytes: int = 0
) -> list[Device]:
    slots = asyncio.Semaphore(_JOINS_AT_ONCE)

    async def join(number: int) -> Device:
        async with slots:
            seed = sha256(b"pair %d" % number).digest()
            return await Device(target, seed, tag).join(receive_bytes)

    return list(await asyncio.gather(*map(join, numbers)))


class Pairs:
    """All pairs, from the parent's side."""

    def __init__(self, sender: Helper, receivers: Sequence[Helper], shape: Shape) -> None:
        self._sender, self._receivers = sender, receivers
        self._shape = shape
        self._goal = 0

    async def go(self, pid: int, patience: float) -> tuple[Arrived, Arrived, float]:
        """Let all send once to the relay with this process: what receivers and senders have had,
        and the seconds it took.

        Ends when all is there, or after so many seconds without another message.
        """
        self._goal += self._shape.messages
        # All have sent before the relay sees the first: so many machines do that, one cannot.
        await self._ask_receivers("stop" if self._shape.late_seconds else "count")
        os.kill(pid, signal.SIGSTOP)
        try:
            began = await self._sender.ask("go")
        finally:
            os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(self._shape.late_seconds)
        had, changed = await self._ask_receivers("read"), began
        while had.messages < self._goal and time.monotonic() < changed + patience:
            await asyncio.sleep(_POLL_SECONDS)
            before, had = had.messages, await self._ask_receivers("count")
            if had.messages != before:
                changed = time.monotonic()
        return had, await self._sender.ask("count"), max(0.0, had.last - began)

    async def _ask_receivers(self, order: str) -> Arrived:
        had = Arrived()
        for receiver in self._receivers:
            had.add(await receiver.ask(order))
        return had


@asynccontextmanager
async def joined_pairs(target: Target, shape: Shape) -> AsyncIterator[Pairs]:
    """Pairs that have joined, receivers before senders."""
    count = len(shape.sizes)
    step = -(-count // RECEIVING_PROCESSES)
    async with AsyncExitStack() as stack:
        receivers = [
            await stack.enter_async_context(
                Helper(receive, target, range(start, min(start + step, count)), shape)
            )
            for start in range(0, count, step)
        ]
        sender = await stack.enter_async_context(Helper(send, target, range(count), shape))
        yield Pairs(sender, receivers, shape)
        for helper in (*receivers, sender):
            helper.order("enough")
