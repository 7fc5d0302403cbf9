"""Crowds of one address whose receivers read slowly, or not at all."""

import asyncio
import time
from collections import Counter
from hashlib import sha256

from benchmarks.trials.beside import HOSTILE, MAX_BUFFER, Crowd, beside
from benchmarks.trials.device import EVERYBODY, Device, admitted, payload_of
from benchmarks.trials.figures import MIB, WarningMonitor
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.stage import Terms
from benchmarks.trials.stream import Target

CHANNELS, RECEIVERS = 4, 242
PER_CHANNEL = 63
_MESSAGE_BYTES = 225_000
_LAZY_BYTES_PER_SECOND = 7000
_RECEIVE_BYTES = 4096
_LEAST_BYTES = 8192
_SPARE = MIB
_FEED_SECONDS = 0.5
_JOINS_AT_ONCE = 16
_SLICES = 10


def hostile_device(target: Target, channel: int, tag: int) -> Device:
    """A device of the hostile address."""
    seed = sha256(b"hostile %d" % channel).digest()
    return Device(target, seed, tag.to_bytes(8, "big"), HOSTILE)


async def join_crowd(
    target: Target, count: int, per_channel: int, receive_bytes: int
) -> list[Device]:
    """So many devices; the first of each channel is its sender."""
    slots = asyncio.Semaphore(_JOINS_AT_ONCE)

    async def join(number: int) -> Device:
        async with slots:
            channel, tag = divmod(number, per_channel + 1)
            return await admitted(lambda: hostile_device(target, channel, tag), receive_bytes)

    return list(await asyncio.gather(*map(join, range(count))))


async def read_slowly(devices: list[Device], rate: int) -> None:
    """Let each read so many bytes a second, in turns."""
    for device in devices:
        device.stream.stop_reading()
    while True:
        for part in range(_SLICES):
            began = time.monotonic()
            for device in devices[part::_SLICES]:
                device.stream.read_some(rate)
            await asyncio.sleep(max(0, began + 1 / _SLICES - time.monotonic()))


async def ends_of(devices: list[Device]) -> str:
    """How they ended: what is unread is read first."""
    before = Counter(device.stream.is_cut for device in devices)[True]
    for device in devices:
        device.stream.read_all()
    await asyncio.sleep(1)
    codes = Counter(device.ended.result() for device in devices if device.ended.done())
    return f"{before} of {len(devices)} ended, {dict(codes) or 'none'}"


async def lazy(link: Link, target: Target) -> None:
    """Four senders; all others read 7 KB a second. Each order is the size of a broadcast."""
    devices = await join_crowd(target, CHANNELS + RECEIVERS, PER_CHANNEL, _RECEIVE_BYTES)
    senders = devices[:: PER_CHANNEL + 1]
    readers = [device for device in devices if device not in senders]
    reading = asyncio.create_task(read_slowly(readers, _LAZY_BYTES_PER_SECOND))
    link.report("ready")
    number = 0
    while (size := await link.order()) is not None:
        sender = senders[number % CHANNELS]
        sender.send_data(EVERYBODY, number, payload_of(number, size))
        number += 1
    reading.cancel()
    link.report(f"{number} broadcasts; receivers: {await ends_of(readers)}")


async def _top_up(crowd: Helper, watch: WarningMonitor, limit: int) -> None:
    """Broadcast while it fits: the crowd itself is to stay below the limit."""
    while True:
        size = min(_MESSAGE_BYTES, (limit - _SPARE - watch.held_now) // PER_CHANNEL)
        if size >= _LEAST_BYTES:
            crowd.order(size)
        await asyncio.sleep(_FEED_SECONDS)


async def lazy_crowd(terms: Terms) -> None:
    """242 lazy receivers of one address, whose senders keep the relay's memory nearly full."""
    limit = terms.max_buffer or MAX_BUFFER
    crowd = Crowd("lazy crowd", lazy, feed=lambda helper, watch: _top_up(helper, watch, limit))
    await beside(terms, crowd)
