"""Honest devices with a mailbox: how greedy devices slow them down."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.trials.device import Device, Refused, admitted
from benchmarks.trials.figures import milliseconds
from benchmarks.trials.helper import Link
from benchmarks.trials.mail import mail_device
from benchmarks.trials.stream import Target
from tests.frames import BINARY
from vaultrelay.wire.mailbox import MailboxKind, pack_put

_HONEST = "203.0.113.200"
_TICK_SECONDS = 0.1
_PATIENCE_SECONDS = 5


@dataclass
class Seen:
    """What an honest mailbox has seen in a phase."""

    stored: list[float] = field(default_factory=list)
    """Seconds from the first attempt at a PUT to its STORED."""
    nacks: int = 0
    open_seconds: float = 0
    """Age of the unanswered PUT at the end of the phase."""
    read: list[float] = field(default_factory=list)
    unread: int = 0
    """Reads that did not end in time."""

    def __str__(self) -> str:
        waits = f", the last waits for {self.open_seconds:.1f} s" if self.open_seconds > 1 else ""
        return (
            f"{len(self.stored)} PUTs stored, median/99th {milliseconds(self.stored)} ms, "
            f"{self.nacks} NACKs{waits}; {len(self.read)} readings, {milliseconds(self.read)} ms, "
            f"{self.unread} without end"
        )


class _Storer:
    """Stores one small item after another, and tries again after each `room`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._item: tuple[bytes, float] | None = None
        self._number = 0
        self._can_send = True
        self.seen = Seen()
        device.received, device.nack_received = self._received, self._refused
        device.control_received = self._control_received

    def tick(self) -> None:
        """Begin with an item, unless the last one waits."""
        if self._item is None:
            self._item = secrets.token_bytes(16), time.monotonic()
            self._send()

    def next_phase(self) -> Seen:
        """What was seen since the last phase."""
        seen, self.seen = self.seen, Seen()
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


async def _read(target: Target, seed: bytes, seen: Seen) -> None:
    device = mail_device(target, seed, 2, _HONEST)
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


async def use(link: Link, target: Target, seed: bytes) -> None:
    """An honest device stores, another one reads; each order reports what was seen since."""
    writer = _Storer(await admitted(lambda: mail_device(target, seed, 1, _HONEST)))
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
