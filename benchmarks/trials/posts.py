"""Hostile devices that come back whenever the relay has ended them, in what each does wrong."""

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from benchmarks.trials.beside import Crowd, beside
from benchmarks.trials.crowds import PER_CHANNEL, hostile
from benchmarks.trials.device import EVERYBODY, HEADER_BYTES, Device, Refused, payload_of
from benchmarks.trials.helper import Link
from benchmarks.trials.stage import Terms
from benchmarks.trials.stream import Door
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


class Posts:
    """The posts of a crowd: each is a channel and a tag, with a deed for the device there."""

    def __init__(self, door: Door) -> None:
        self.ends = Counter[int]()
        self.joins = 0
        self.refusals = Counter[int]()
        self._door = door
        self._slots = asyncio.Semaphore(_JOINS_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []

    def man(self, channel: int, tag: int, deed: Deed, receive_bytes: int = 0) -> None:
        """Occupy a post from now on."""
        self._tasks.append(asyncio.create_task(self._stay(channel, tag, deed, receive_bytes)))

    async def settled(self) -> None:
        """Wait until each post has been occupied, or has had the time for it."""
        for _ in range(50):
            if self.joins >= len(self._tasks):
                return
            await asyncio.sleep(0.2)

    async def leave(self) -> str:
        """Stop all; how they fared."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return (
            f"{len(self._tasks)} devices, {self.joins} joins, ends {dict(self.ends) or 'none'}, "
            f"refused {dict(self.refusals) or 'none'}"
        )

    async def _stay(self, channel: int, tag: int, deed: Deed, receive_bytes: int) -> None:
        while True:
            device = hostile(self._door, channel, tag)
            try:
                async with self._slots:
                    context = getattr(deed, "context", None)
                    await device.join(receive_bytes, context)
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


async def slow(link: Link, door: Door) -> None:
    """One sender in each channel, and receivers that are slow in every way."""
    posts = Posts(door)
    with TemporaryDirectory() as folder:
        for number in range(DEVICES):
            channel, tag = divmod(number, PER_CHANNEL + 1)
            if tag == 0:
                posts.man(channel, tag, _broadcast)
            else:
                updates = door.is_tls and tag % 3 == 0
                ways: tuple[Deed, ...] = (_read_nothing, _read_slowly)
                deed = _UpdateKeys(Path(folder)) if updates else ways[tag % 2]
                posts.man(channel, tag, deed, _RECEIVE_BYTES)
        await posts.settled()
        link.report("ready")
        await link.order()
        link.report(await posts.leave())


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


async def halves(link: Link, door: Door) -> None:
    """Every second device sends nothing after a half message, the others send a dribble."""
    posts = Posts(door)
    for number in range(DEVICES):
        posts.man(number, 0, _dribble if number % 2 else _half)
    await posts.settled()
    link.report("ready")
    await link.order()
    link.report(await posts.leave())


async def half_messages(terms: Terms) -> None:
    """Devices of one address that announce 1 MiB and do not get on with it."""
    await beside(terms, Crowd("half messages", halves))
