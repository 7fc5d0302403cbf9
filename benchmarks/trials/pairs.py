"""Pairs of devices that send at the same moment: the two ends in processes of their own."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from benchmarks.trials.device import HEADER_BYTES, Device, payload_of
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.stream import Door

RECEIVING_PROCESSES = 2
_JOINS_AT_ONCE = 32
_POLL_SECONDS = 0.1
Sizes = Sequence[Sequence[int]]
"""The sizes of the messages of each pair, headers included."""


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
        expected = payload_of(_identifier(self._number, self._next), size - HEADER_BYTES)
        self._next += 1
        self._arrived.wrong += message[HEADER_BYTES:] != expected
        self._arrived.messages += 1
        self._arrived.bytes += len(message)
        self._arrived.last = time.monotonic()


async def receive(link: Link, door: Door, numbers: range, sizes: Sizes) -> None:
    """Receive until the parent has enough; counts on each order."""
    arrived = Arrived()
    devices = await _join_all(door, numbers, b"receiver")
    for number, device in zip(numbers, devices, strict=True):
        device.received = Receiver(number, sizes[number], arrived).received
    link.report("ready")
    while await link.order() == "count":
        arrived.closes = _closes(devices)
        link.report(arrived)


async def send(link: Link, door: Door, numbers: range, sizes: Sizes) -> None:
    """On each order to go, send all messages of all pairs at the same moment."""
    devices = await _join_all(door, numbers, b"sender--")
    link.report("ready")
    sent = Counter[int]()
    while (order := await link.order()) != "enough":
        if order == "go":
            await _send_all(link, numbers, devices, sizes, sent)
        else:
            nacks = sum(device.nacks for device in devices)
            link.report(Arrived(nacks=nacks, closes=_closes(devices)))


async def _send_all(
    link: Link, numbers: range, devices: list[Device], sizes: Sizes, sent: Counter[int]
) -> None:
    payloads = [
        (
            number,
            device,
            [
                payload_of(_identifier(number, sent[number] + index), size - HEADER_BYTES)
                for index, size in enumerate(sizes[number])
            ],
        )
        for number, device in zip(numbers, devices, strict=True)
    ]
    link.report(time.monotonic())
    for number, device, each in payloads:
        for payload in each:
            device.send_data(device.peers[0], sent[number], payload)
            sent[number] += 1
    await asyncio.sleep(0)


def _identifier(number: int, index: int) -> int:
    return number * 1009 + index


def _closes(devices: Sequence[Device]) -> Counter[int]:
    return Counter(device.ended.result() for device in devices if device.ended.done())


async def _join_all(door: Door, numbers: range, tag: bytes) -> list[Device]:
    slots = asyncio.Semaphore(_JOINS_AT_ONCE)

    async def join(number: int) -> Device:
        async with slots:
            seed = sha256(b"pair %d" % number).digest()
            return await Device(door, seed, tag).join()

    return list(await asyncio.gather(*map(join, numbers)))


class Pairs:
    """All pairs, from the parent's side."""

    def __init__(self, sender: Helper, receivers: Sequence[Helper], sizes: Sizes) -> None:
        self._sender, self._receivers = sender, receivers
        self._messages = sum(map(len, sizes))
        self._goal = 0

    async def go(self, patience: float) -> tuple[Arrived, Arrived, float]:
        """Let all send once: what receivers and senders have had, and the seconds it took.

        Ends when all is there, or after so many seconds without another message.
        """
        self._goal += self._messages
        began = await self._sender.ask("go")
        had, changed = Arrived(), began
        while had.messages < self._goal and time.monotonic() < changed + patience:
            await asyncio.sleep(_POLL_SECONDS)
            before, had = had.messages, Arrived()
            for receiver in self._receivers:
                had.add(await receiver.ask("count"))
            if had.messages != before:
                changed = time.monotonic()
        return had, await self._sender.ask("count"), max(0.0, had.last - began)


@asynccontextmanager
async def joined_pairs(door: Door, sizes: Sizes) -> AsyncIterator[Pairs]:
    """Pairs that have joined, receivers before senders."""
    count = len(sizes)
    step = -(-count // RECEIVING_PROCESSES)
    async with AsyncExitStack() as stack:
        receivers = [
            await stack.enter_async_context(
                Helper(receive, door, range(start, min(start + step, count)), sizes)
            )
            for start in range(0, count, step)
        ]
        sender = await stack.enter_async_context(Helper(send, door, range(count), sizes))
        yield Pairs(sender, receivers, sizes)
        for helper in (*receivers, sender):
            helper.order("enough")
