"""Hostile devices that come back whenever the relay has closed them, and what each does."""

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from benchmarks.trials.beside import Crowd, beside
from benchmarks.trials.crowds import PER_CHANNEL, hostile_device
from benchmarks.trials.device import EVERYBODY, HEADER_BYTES, Device, Refused, payload_of
from benchmarks.trials.helper import Link
from benchmarks.trials.stage import Terms
from benchmarks.trials.stream import Target
from tests.frames import BINARY, client_frame
from tests.streams.tls_records import logging_context, sealer_of

DEVICES = 250
"""The share of one address, of 1000 connections."""
_RECEIVE_BYTES = 4096
_BROADCAST_BYTES = 64 * 1024
_LARGEST = (1 << 20) - HEADER_BYTES
_HALF = 512 * 1024
_DRIBBLE_BYTES_PER_SECOND = 17_000
_SLOW_BYTES_PER_SECOND = 4000
_KEY_UPDATES = 20
_LOOK_SECONDS = 0.5
_BACK_SECONDS = 1
_JOINED_RECORDS = 2
"""What a device sends until it has joined: the upgrade and the hello."""
_JOINS_AT_ONCE = 16

Deed = Callable[[Device], Awaitable[None]]


class HostileDevices:
    """Connects each device again after its end; its deed is what it does once it has joined."""

    def __init__(self, target: Target) -> None:
        self.ends = Counter[int]()
        self.joins = 0
        self.refusals = Counter[int]()
        self._target = target
        self._slots = asyncio.Semaphore(_JOINS_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, channel: int, tag: int, deed: Deed, **join: Any) -> None:
        """Keep one device connected from now on; `join` is for its `Device.join`."""
        self._tasks.append(asyncio.create_task(self._stay(channel, tag, deed, join)))

    async def settled(self) -> None:
        """Wait until there was a join for each device, for ten seconds at most."""
        for _ in range(50):
            if self.joins >= len(self._tasks):
                return
            await asyncio.sleep(0.2)

    async def leave(self) -> str:
        """End all; return how often they joined, were closed and refused."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return (
            f"{len(self._tasks)} devices, {self.joins} joins, ends {dict(self.ends) or 'none'}, "
            f"refused {dict(self.refusals) or 'none'}"
        )

    async def _stay(self, channel: int, tag: int, deed: Deed, join: Mapping[str, Any]) -> None:
        while True:
            device = hostile_device(self._target, channel, tag)
            try:
                async with self._slots:
                    await device.join(**join)
                self.joins += 1
                await deed(device)
                device.stream.read_all()
                self.ends[await asyncio.wait_for(device.ended, 2)] += 1
            except Refused as refused:
                self.refusals[refused.status] += 1
            except OSError:
                self.refusals[0] += 1
            finally:
                device.stream.close()
            await asyncio.sleep(_BACK_SECONDS)


async def _until_cut(device: Device, step: Callable[[], None] = lambda: None) -> None:
    while not (device.ended.done() or device.stream.is_cut):
        step()
        await asyncio.sleep(_LOOK_SECONDS)


async def _broadcast(device: Device) -> None:
    """Send as fast as the relay reads."""
    number = 0
    while not device.ended.done():
        number += 1
        device.send_data(EVERYBODY, number, payload_of(number, _BROADCAST_BYTES))
        await device.stream.flush()
        await asyncio.sleep(0)


async def _read_nothing(device: Device) -> None:
    device.stream.stop_reading()
    await _until_cut(device)


async def _read_slowly(device: Device) -> None:
    device.stream.stop_reading()
    count = int(_SLOW_BYTES_PER_SECOND * _LOOK_SECONDS)

    def read() -> None:
        device.stream.read_some(count)

    await _until_cut(device, read)


class _UpdateKeys:
    """Asks for new keys again and again, and reads none of the answers; for one device."""

    def __init__(self, folder: Path) -> None:
        self.context, self._log = logging_context(folder)

    async def __call__(self, device: Device) -> None:
        device.stream.stop_reading()
        tls = device.stream.socket
        sealer = sealer_of(cast("ssl.SSLObject", tls), self._log)
        for _ in range(_JOINED_RECORDS):
            sealer.data(b"sent before")
        self._log.write_text("")
        waiting = b""

        def ask() -> None:
            nonlocal waiting
            if not waiting:
                waiting = b"".join(sealer.key_update() for _ in range(_KEY_UPDATES))
            with suppress(OSError):
                waiting = waiting[os.write(tls.fileno(), waiting) :]

        await _until_cut(device, ask)


async def slow(link: Link, target: Target) -> None:
    """One sender in each channel, and receivers that are slow in every way."""
    devices = HostileDevices(target)
    with TemporaryDirectory() as folder:
        for number in range(DEVICES):
            channel, tag = divmod(number, PER_CHANNEL + 1)
            if tag == 0:
                devices.add(channel, tag, _broadcast)
            elif target.is_tls and tag % 3 == 0:
                way = _UpdateKeys(Path(folder))
                devices.add(channel, tag, way, receive_bytes=_RECEIVE_BYTES, context=way.context)
            else:
                deed = (_read_nothing, _read_slowly)[tag % 2]
                devices.add(channel, tag, deed, receive_bytes=_RECEIVE_BYTES)
        await devices.settled()
        link.report("ready")
        await link.order()
        link.report(await devices.leave())


async def hostile_crowd(terms: Terms) -> None:
    """Channels of one address, as many as it may have, with senders that never stop."""
    await beside(terms, Crowd("hostile crowd", slow))


async def _half(device: Device) -> None:
    device.stream.write(_frame(device)[:_HALF])
    await _until_cut(device)


async def _dribble(device: Device) -> None:
    frame = _frame(device)
    device.stream.write(frame[:_HALF])
    count, at = int(_DRIBBLE_BYTES_PER_SECOND * _LOOK_SECONDS), _HALF

    def more() -> None:
        nonlocal at
        device.stream.write(frame[at : at + count])
        at += count

    await _until_cut(device, more)


def _frame(device: Device) -> bytes:
    return client_frame(BINARY, device.message(EVERYBODY, 1, payload_of(1, _LARGEST)))


async def halves(link: Link, target: Target) -> None:
    """Every second device sends nothing after a half message, the others send a dribble."""
    devices = HostileDevices(target)
    for number in range(DEVICES):
        devices.add(number, 0, _dribble if number % 2 else _half)
    await devices.settled()
    link.report("ready")
    await link.order()
    link.report(await devices.leave())


async def half_messages(terms: Terms) -> None:
    """Devices of one address that announce 1 MiB and do not get on with it."""
    await beside(terms, Crowd("half messages", halves))
