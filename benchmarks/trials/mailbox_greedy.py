"""The mailbox beside devices of one address that take more than their share of the memory."""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from benchmarks.trials import mail
from benchmarks.trials.beside import HOSTILE, PROXY
from benchmarks.trials.device import EVERYBODY, Device, Refused, admitted
from benchmarks.trials.figures import MIB, WarningMonitor, milliseconds
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.honest import PAIRS, talk
from benchmarks.trials.mailbox_stage import MailboxStage
from benchmarks.trials.stage import Terms, report
from benchmarks.trials.stream import Target
from tests.frames import BINARY, client_frame
from vaultrelay.wire.mailbox import MailboxKind, pack_put

_MAX_BUFFER = 4 * MIB
_HONEST = "203.0.113.200"
_RECEIVE_BYTES = 4096
_TICK_SECONDS = 0.1
_PATIENCE_SECONDS = 5
_HOLD_SECONDS, _RELEASE_SECONDS = 0.4, 0.12
"""Held syncs look every 0.1 s whether they may go on."""
_CROWD_NICE = 5
_CROWD, _PER_CHANNEL = 96, 48


def _device(target: Target, seed: bytes, tag: int, address: str) -> Device:
    device = Device(target, seed, tag.to_bytes(8, "big"), address)
    device.mailbox = b""
    return device


@dataclass
class _Seen:
    """What an honest mailbox has seen in a phase."""

    stored: list[float] = field(default_factory=list)
    """Seconds from the first attempt at a PUT to its STORED."""
    nacks: int = 0
    open_seconds: float = 0
    """Since when the last PUT waits."""
    read: list[float] = field(default_factory=list)
    unread: int = 0
    """Readings that had no end in time."""

    def __str__(self) -> str:
        waits = f", the last waits for {self.open_seconds:.1f} s" if self.open_seconds > 1 else ""
        return (
            f"{len(self.stored)} PUTs stored, median/99th {milliseconds(self.stored)} ms, "
            f"{self.nacks} NACKs{waits}; {len(self.read)} readings, {milliseconds(self.read)} ms, "
            f"{self.unread} without end"
        )


class _Writer:
    """Stores one small item after another, and tries again after each `room`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._item: tuple[bytes, float] | None = None
        self._number = 0
        self._can_send = True
        self.seen = _Seen()
        device.received, device.nack_received = self._received, self._refused
        device.control_received = self._control_received

    def tick(self) -> None:
        """Begin with an item, unless the last one waits."""
        if self._item is None:
            self._item = secrets.token_bytes(16), time.monotonic()
            self._send()

    def next_phase(self) -> _Seen:
        """What was seen since the last phase."""
        seen, self.seen = self.seen, _Seen()
        if self._item is not None:
            seen.open_seconds = time.monotonic() - self._item[1]
        return seen

    def _send(self) -> None:
        if self._item is not None and self._can_send:
            self._number += 1
            put = pack_put(self._device.session, self._number, self._item[0], bytes(1024))
            self._device.send(BINARY, put)

    def _received(self, message: bytes) -> None:
        if message[0] == MailboxKind.STORED and self._item is not None:
            self.seen.stored.append(time.monotonic() - self._item[1])
            self._item = None

    def _refused(self, _: bytes) -> None:
        self.seen.nacks += 1
        self._can_send = False

    def _control_received(self, control: dict[str, Any]) -> None:
        if control.get("state") in ("room", "open"):
            self._can_send = True
            self._send()


async def _read(target: Target, seed: bytes, seen: _Seen) -> None:
    device = _device(target, seed, 2, _HONEST)
    live = asyncio.Event()
    device.control_received = lambda told: live.set() if told.get("state") == "live" else None
    began = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await device.join()
            await live.wait()
        seen.read.append(time.monotonic() - began)
    except (OSError, Refused, TimeoutError):
        seen.unread += 1
    finally:
        device.stream.close()


async def _use(link: Link, target: Target, seed: bytes) -> None:
    """An honest device stores, another one reads; each order reports what was seen since."""
    writer = _Writer(await admitted(lambda: _device(target, seed, 1, _HONEST)))
    link.report("ready")
    order = asyncio.create_task(link.order())
    reading: asyncio.Task[None] | None = None
    while True:
        writer.tick()
        if reading is None or reading.done():
            reading = asyncio.create_task(_read(target, seed, writer.seen))
        await asyncio.wait([order], timeout=_TICK_SECONDS)
        if order.done():
            last = order.result()
            link.report(writer.next_phase())
            if last is None:
                reading.cancel()
                return
            order = asyncio.create_task(link.order())


def _seed(channel: int) -> bytes:
    return sha256(b"greedy %d" % channel).digest()


async def _greedy_device(target: Target, channel: int, tag: int, receive_bytes: int = 0) -> Device:
    seed = _seed(channel)
    return await admitted(lambda: _device(target, seed, tag, HOSTILE), receive_bytes)


async def _crowd(target: Target, per_channel: int, receive_bytes: int = 0) -> list[Device]:
    return [
        await _greedy_device(target, tag // per_channel, tag, receive_bytes)
        for tag in range(_CROWD)
    ]


async def _end(link: Link, devices: list[Device]) -> None:
    await link.order()
    link.report(sum(each.stream.is_cut for each in devices))


async def _take_pages(link: Link, target: Target) -> None:
    """Ask for a full mailbox, and read nothing of it; each signs its life, also unasked."""
    devices = []
    for tag in range(_CROWD):
        device = await _greedy_device(target, tag // _PER_CHANNEL, tag, _RECEIVE_BYTES)
        device.stream.stop_reading()
        devices.append(device)
    link.report("ready")
    await _end(link, devices)


async def _put_much(link: Link, target: Target, size: int) -> None:
    """Store without end, and without regard for answers."""
    devices = await _crowd(target, 1)

    async def flood(device: Device) -> None:
        payload, number = bytes(size), 0
        while not device.stream.is_cut:
            frames = []
            for _ in range(max(1, 65536 // (size + 52))):
                number += 1
                put = pack_put(device.session, number, secrets.token_bytes(16), payload)
                frames.append(client_frame(BINARY, put))
            device.stream.write(b"".join(frames))
            await device.stream.flush()
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(flood(device)) for device in devices]
    link.report("ready")
    await _end(link, devices)
    for task in tasks:
        task.cancel()


async def _store_for_sleepers(link: Link, target: Target, size: int) -> None:
    """Store for live devices that read nothing any more."""
    devices = await _crowd(target, _PER_CHANNEL, _RECEIVE_BYTES)
    await asyncio.sleep(1)
    senders = devices[::_PER_CHANNEL]
    for device in devices:
        if device not in senders:
            device.stream.stop_reading()
    link.report("ready")

    async def flood(device: Device) -> None:
        payload, number = bytes(size), 0
        while not device.stream.is_cut:
            number += 1
            put = pack_put(device.session, number, secrets.token_bytes(16), payload)
            device.send(BINARY, put)
            await device.stream.flush()
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(flood(device)) for device in senders]
    await _end(link, devices)
    for task in tasks:
        task.cancel()


async def _send_to_sleepers(link: Link, target: Target) -> None:
    """Broadcast data to devices that read nothing."""
    devices = await _crowd(target, 8, _RECEIVE_BYTES)
    senders = devices[::8]
    for device in devices:
        if device not in senders:
            device.stream.stop_reading()
    link.report("ready")

    async def flood(device: Device) -> None:
        number = 0
        while not device.stream.is_cut:
            number += 1
            device.send_data(EVERYBODY, number, bytes(2048))
            await device.stream.flush()
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(flood(device)) for device in senders]
    await _end(link, devices)
    for task in tasks:
        task.cancel()


CASES: dict[str, tuple[Callable[..., Any], tuple[int, ...], bool]] = {
    "pages that nobody reads": (_take_pages, (), False),
    "PUTs of 1 KiB, slow disk": (_put_much, (1024,), True),
    "PUTs of 64 KiB, slow disk": (_put_much, (65536,), True),
    "PUTs of 1 B, slow disk": (_put_much, (1,), True),
    "items of 1 KiB for sleepers": (_store_for_sleepers, (1024,), False),
    "data for sleepers": (_send_to_sleepers, (), False),
}


async def _slow_disk(box: MailboxStage) -> None:
    """Let most syncs take about half a second."""
    try:
        while True:
            box.hold_syncs()
            await asyncio.sleep(_HOLD_SECONDS)
            box.release_syncs()
            await asyncio.sleep(_RELEASE_SECONDS)
    finally:
        with suppress(FileNotFoundError):
            box.release_syncs()


async def greedy(terms: Terms) -> None:
    """Honest devices and pairs beside each kind of greed."""
    for name, (work, arguments, is_slow) in CASES.items():
        with ExitStack() as stack:
            flags = (*PROXY, *terms.buffer_flags(_MAX_BUFFER))
            box = MailboxStage(stack, terms, *flags)
            if work is _take_pages:
                for channel in range(_CROWD // _PER_CHANNEL):
                    await mail.fill(box.target, _seed(channel), 16384)
            slow = asyncio.create_task(_slow_disk(box)) if is_slow else None
            async with AsyncExitStack() as helpers:
                enter = helpers.enter_async_context
                mailbox = await enter(Helper(_use, box.target, secrets.token_bytes(32)))
                pairs = await enter(Helper(talk, box.target, PAIRS, ("1 KiB", "64 KiB"), 0.1))
                pairs.order("alone")
                await asyncio.sleep(terms.seconds / 4)
                alone = await mailbox.ask("next")
                watch = await enter(WarningMonitor(box.stage.pid, box.stage.admin))
                crowd = await enter(Helper(work, box.target, *arguments, nice=_CROWD_NICE))
                pairs.order("crowd")
                await mailbox.ask("next")
                await asyncio.sleep(terms.seconds)
                beside = await mailbox.ask(None)
                phases, closes, nacks = await pairs.ask(None)
                cut = await crowd.ask(None)
            if slow is not None:
                slow.cancel()
                await asyncio.gather(slow, return_exceptions=True)
        title = f"greedy, {terms.scheme}, {name}"
        report(f"{title}: honest mailbox alone: {alone}")
        report(f"{title}: honest mailbox beside it: {beside}")
        report(
            f"{title}: pairs alone {phases['alone']}; beside it {phases['crowd']}; {nacks} NACKs"
        )
        report(f"{title}: pairs closed {dict(closes) or 'none'}, greedy cut {cut}; {watch}")
