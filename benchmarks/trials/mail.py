"""Devices with an open mailbox, in processes of their own: they chat, store and read."""

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from benchmarks.trials.device import EVERYBODY, HEADER_BYTES, Device, Refused, admitted
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.stream import Target
from tests.frames import BINARY, TEXT
from vaultrelay.policy.limits.mailbox import DEFAULT_CHANNEL_BYTES, ITEM_COST, WINDOW_BYTES
from vaultrelay.wire.announced import PUT_HEADER_BYTES
from vaultrelay.wire.mailbox import MailboxKind, pack_put

CHAT_SIZES = (64, 1024)
_CHAT_SECONDS = 0.005
_JOINS_AT_ONCE = 32
_ID = slice(HEADER_BYTES, HEADER_BYTES + 16)


def mail_device(target: Target, seed: bytes, tag: int, address: str = "") -> Device:
    """A device that opens its mailbox without a cursor."""
    device = Device(target, seed, tag.to_bytes(8, "big"), address)
    device.mailbox = b""
    return device


async def join_all(target: Target, seeds: Sequence[bytes]) -> list[Device]:
    """A device for each seed, a few joining at once."""
    slots = asyncio.Semaphore(_JOINS_AT_ONCE)

    async def join(tag: int, seed: bytes) -> Device:
        async with slots:
            return await admitted(lambda: mail_device(target, seed, tag))

    return list(await asyncio.gather(*(join(tag, seed) for tag, seed in enumerate(seeds))))


async def idle(link: Link, target: Target, count: int) -> None:
    """Pairs that do nothing."""
    seeds = [secrets.token_bytes(32) for _ in range(count // 2)]
    devices = await join_all(target, seeds * 2)
    link.report("ready")
    await link.order()
    link.report(sum(device.ended.done() for device in devices))


ChatTimes = dict[str, dict[int, dict[int, list[float]]]]
"""Seconds of messages, by phase, run and size."""


async def chat(link: Link, target: Target) -> None:
    """One device sends small messages to another while the last order is a phase and a run; None
    is silence, "end" the end. Reports ChatTimes, and how many messages were lost."""
    seconds: ChatTimes = {}
    under_way: dict[int, tuple[str, int, float]] = {}

    def arrived(message: bytes) -> None:
        name, run, began = under_way.pop(int.from_bytes(message[12:HEADER_BYTES]))
        took, size = time.monotonic() - began, len(message) - HEADER_BYTES
        seconds.setdefault(name, {}).setdefault(run, {}).setdefault(size, []).append(took)

    if os.geteuid() == 0:
        # A message's time is to be the relay's, not that of a client that waits for its core.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    there, here = await join_all(target, [secrets.token_bytes(32)] * 2)
    there.received = arrived
    link.report("ready")
    phase: tuple[str, int] | str | None = None
    number = 0
    order = asyncio.create_task(link.order())
    while phase != "end":
        if isinstance(phase, tuple):
            number += 1
            under_way[number] = *phase, time.monotonic()
            here.send_data(there.session, number, bytes(CHAT_SIZES[number % 2]))
        await asyncio.wait([order], timeout=_CHAT_SECONDS)
        if order.done() and (phase := order.result()) != "end":
            order = asyncio.create_task(link.order())
    await asyncio.sleep(1)
    link.report((seconds, len(under_way)))


class Writer:
    """Keeps PUTs of one size under way, as many as its window allows; at least one."""

    def __init__(self, device: Device, size: int, window: int, pause: float) -> None:
        self.stored: list[bytes] = []
        """The ids of the items that were answered with STORED."""
        self.seconds: list[float] = []
        """From each PUT to its STORED."""
        self._device, self._pause = device, pause
        self._payload = secrets.token_bytes(size)
        self._most = max(1, window // (size + PUT_HEADER_BYTES))
        self._prefix = secrets.token_bytes(8)
        self._under_way: dict[int, float] = {}
        self._number = 0
        self.is_held = False
        """Whether a NACK came since the last `room` or `open`, or it has enough."""
        device.received, device.nack_received = self._received, self._refused
        device.control_received = self._control_received

    def fill(self) -> None:
        """Send what the window allows."""
        while not self.is_held and len(self._under_way) < self._most:
            self._number += 1
            self._under_way[self._number] = time.monotonic()
            item_id = self._prefix + self._number.to_bytes(8)
            put = pack_put(self._device.session, self._number, item_id, self._payload)
            self._device.send(BINARY, put)

    def _received(self, message: bytes) -> None:
        if message[0] != MailboxKind.STORED:
            return
        began = self._under_way.pop(int.from_bytes(message[12:HEADER_BYTES]))
        self.seconds.append(time.monotonic() - began)
        self.stored.append(message[_ID])
        if self._pause:
            asyncio.get_running_loop().call_later(self._pause, self.fill)
        else:
            self.fill()

    def _refused(self, nack: bytes) -> None:
        self._under_way.pop(int.from_bytes(nack[12:HEADER_BYTES]), None)
        self.is_held = True

    def _control_received(self, control: dict[str, Any]) -> None:
        if control.get("state") in ("room", "open"):
            self.is_held = False
            self.fill()


async def store(
    link: Link,
    target: Target,
    seeds: Sequence[bytes],
    size: int,
    window: int = WINDOW_BYTES,
    pause: float = 0,
) -> None:
    """A writer for each seed. Each order reports the ids stored, the seconds of those since the
    last order, and the NACKs; the first one starts."""
    devices = await join_all(target, seeds)
    writers = [Writer(device, size, window, pause) for device in devices]
    link.report("ready")
    while (order := await link.order()) is not None:
        for writer in writers if order in ("go", "stop") else ():
            writer.is_held = order == "stop"
            writer.fill()
        link.report(
            (
                [item_id for writer in writers for item_id in writer.stored],
                [second for writer in writers for second in writer.seconds],
                sum(device.nacks for device in devices),
            )
        )
        for writer in writers:
            writer.seconds.clear()


async def send(link: Link, target: Target, seeds: Sequence[bytes], size: int, rate: float) -> None:
    """DATA to all, so many a second in all: what writers cost without a store."""
    devices = await join_all(target, seeds)
    payload = bytes(size)
    link.report("ready")
    order = asyncio.create_task(link.order())
    began, sent = time.monotonic(), 0
    while not order.done():
        while sent < (time.monotonic() - began) * rate:
            devices[sent % len(devices)].send_data(EVERYBODY, sent, payload)
            sent += 1
        await asyncio.wait([order], timeout=0.001)
    link.report(sent / (time.monotonic() - began))


class Reader:
    """Joins without a cursor and reads the whole mailbox, again and again."""

    def __init__(self, target: Target, seed: bytes, tag: int) -> None:
        self.seconds: list[float] = []
        """From each join to its `live`."""
        self.ids: list[bytes] = []
        """The items read last."""
        self._target, self._seed, self._tag = target, seed, tag

    async def read_until(self, end: float) -> None:
        """Read once, and again until that time."""
        while True:
            began = time.monotonic()
            self.ids.clear()
            with suppress(OSError, Refused):
                await self._read()
                self.seconds.append(time.monotonic() - began)
            if time.monotonic() >= end:
                return

    async def _read(self) -> None:
        device = mail_device(self._target, self._seed, self._tag)
        device.received = lambda message: self.ids.append(message[_ID])
        live = asyncio.get_running_loop().create_future()

        def control_received(control: dict[str, Any]) -> None:
            if control.get("state") == "live" and not live.done():
                live.set_result(None)

        device.control_received = control_received
        await device.join()
        try:
            await asyncio.wait([live, device.ended], return_when=asyncio.FIRST_COMPLETED)
            if not live.done():
                raise Refused(device.ended.result())
        finally:
            device.stream.close()


async def replay(link: Link, target: Target, seed: bytes, count: int) -> None:
    """On each order so many devices join at the same moment and read, for the seconds of the
    order; reports the seconds of each reading, and the ids that each device has read last."""
    link.report("ready")
    while (duration := await link.order()) is not None:
        readers = [Reader(target, seed, 1000 + number) for number in range(count)]
        end = time.monotonic() + duration
        await asyncio.gather(*(reader.read_until(end) for reader in readers))
        seconds = [each for reader in readers for each in reader.seconds]
        link.report((seconds, [reader.ids for reader in readers]))


async def fill(target: Target, seed: bytes, size: int) -> None:
    """Store as much as a channel may have by default."""
    async with Helper(store, target, [seed], size) as writer:
        stored, *_ = await writer.ask("go")
        while len(stored) < DEFAULT_CHANNEL_BYTES // (size + ITEM_COST):
            await asyncio.sleep(0.05)
            stored, *_ = await writer.ask("count")
        writer.order(None)


async def erase(target: Target, seed: bytes) -> None:
    """Erase a mailbox."""
    [device] = await join_all(target, [seed])
    is_erased = asyncio.Event()
    device.control_received = lambda control: (
        is_erased.set() if control["type"] == "erased" else None
    )
    device.send(TEXT, b'{"type":"erase"}')
    await is_erased.wait()
    device.stream.close()
