"""Devices of one address that take more of a mailbox than their share."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256

from benchmarks.trials.beside import HOSTILE
from benchmarks.trials.device import EVERYBODY, Device, admitted
from benchmarks.trials.helper import Link
from benchmarks.trials.mail import mail_device
from benchmarks.trials.stream import Target
from tests.frames import BINARY, client_frame
from vaultrelay.wire.announced import PUT_HEADER_BYTES
from vaultrelay.wire.mailbox import pack_put

DEVICES, PER_CHANNEL = 96, 48
_BROADCASTERS, _BROADCAST_BYTES = 12, 2048
_RECEIVE_BYTES = 4096
_WRITE_BYTES = 64 * 1024
_PAUSE_SECONDS = 0.001


def seed_of(channel: int) -> bytes:
    """The seed of one of the greedy channels."""
    return sha256(b"greedy %d" % channel).digest()


async def take_pages(link: Link, target: Target) -> None:
    """Ask for a full mailbox, and read nothing of it."""
    devices = [
        await _joined(target, PER_CHANNEL, tag, _RECEIVE_BYTES, is_asleep=True)
        for tag in range(DEVICES)
    ]
    await _flood(link, devices, ())


async def put_much(link: Link, target: Target, size: int) -> None:
    """Store without end, and without regard for answers."""
    devices = [await _joined(target, 1, tag) for tag in range(DEVICES)]
    count = max(1, _WRITE_BYTES // (size + PUT_HEADER_BYTES))
    await _flood(link, devices, devices, lambda device, _: b"".join(_puts(device, size, count)))


async def store_for_sleepers(link: Link, target: Target, size: int) -> None:
    """Store for live devices that read nothing any more."""
    devices = [await _joined(target, PER_CHANNEL, tag, _RECEIVE_BYTES) for tag in range(DEVICES)]
    # Until they are live.
    await asyncio.sleep(1)
    senders = _wake_few(devices, PER_CHANNEL)
    await _flood(link, devices, senders, lambda device, _: b"".join(_puts(device, size, 1)))


async def send_to_sleepers(link: Link, target: Target) -> None:
    """Broadcast data to devices that read nothing."""
    per_channel = DEVICES // _BROADCASTERS
    devices = [await _joined(target, per_channel, tag, _RECEIVE_BYTES) for tag in range(DEVICES)]
    senders = _wake_few(devices, per_channel)

    def message(device: Device, number: int) -> bytes:
        data = device.message(EVERYBODY, number, bytes(_BROADCAST_BYTES))
        return client_frame(BINARY, data)

    await _flood(link, devices, senders, message)


async def _joined(
    target: Target, per_channel: int, tag: int, receive_bytes: int = 0, *, is_asleep: bool = False
) -> Device:
    seed = seed_of(tag // per_channel)
    device = await admitted(lambda: mail_device(target, seed, tag, HOSTILE), receive_bytes)
    if is_asleep:
        device.stream.stop_reading()
    return device


def _wake_few(devices: Sequence[Device], per_channel: int) -> Sequence[Device]:
    """Stop reading on all devices except one of each channel; return those."""
    senders = devices[::per_channel]
    for device in devices:
        if device not in senders:
            device.stream.stop_reading()
    return senders


def _puts(device: Device, size: int, count: int) -> list[bytes]:
    ids = (secrets.token_bytes(16) for _ in range(count))
    puts = (pack_put(device.session, 1, item_id, bytes(size)) for item_id in ids)
    return [client_frame(BINARY, put) for put in puts]


async def _flood(
    link: Link,
    devices: Sequence[Device],
    senders: Sequence[Device],
    frames: Callable[[Device, int], bytes] = lambda device, number: b"",
) -> None:
    """Let the senders send without end until an order; report how many devices were cut off."""
    link.report("ready")

    async def send(device: Device) -> None:
        number = 0
        while not device.stream.is_cut:
            number += 1
            device.stream.write(frames(device, number))
            await device.stream.flush()
            await asyncio.sleep(_PAUSE_SECONDS)

    tasks = [asyncio.create_task(send(device)) for device in senders]
    await link.order()
    link.report(sum(device.stream.is_cut for device in devices))
    for task in tasks:
        task.cancel()
