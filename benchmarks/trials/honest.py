"""Honest pairs beside a crowd: pings all the time, larger messages now and then, all checked."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from benchmarks.trials.device import HEADER_BYTES, Device, payload_of
from benchmarks.trials.figures import milliseconds
from benchmarks.trials.helper import Link
from benchmarks.trials.stream import Target

PAIRS = 15
SIZES = {"1 KiB": 1024, "64 KiB": 64 * 1024, "1 MiB": (1 << 20) - HEADER_BYTES}
EVERY = {"1 KiB": 1, "64 KiB": 10, "1 MiB": 30}
"""So many ticks lie between two messages of a kind."""
_TICK_SECONDS = 0.1
_PATIENCE_SECONDS = 10
_MOST_UNDER_WAY = 8


@dataclass
class PhaseResult:
    """What happened in one phase; a message belongs to the phase in which it was sent."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sent: int = 0
    lost: int = 0
    """Not there when all was over, whether the relay sent a NACK or not."""
    wrong: int = 0
    skipped: int = 0
    """Not sent, as too many were under way: what a client does without room to send."""

    def __str__(self) -> str:
        times = ", ".join(f"{kind} {milliseconds(self.seconds[kind])}" for kind in SIZES)
        more = f", {self.skipped} not sent for want of room" if self.skipped else ""
        return f"{times} ms; {self.sent} sent, {self.lost} lost, {self.wrong} wrong{more}"


class Pair:
    """Two devices in one process: pings go there and back, all else one way."""

    def __init__(self, here: Device, there: Device, phases: Mapping[str, PhaseResult]) -> None:
        self.here, self.there = here, there
        self.under_way: dict[int, tuple[str, str, float]] = {}
        self._phases = phases
        self._number = 0
        here.received = self._came_back
        there.received = self._arrived

    def send(self, kind: str, phase: str) -> None:
        """Send one message of this kind."""
        seen = self._phases[phase]
        if sum(1 for each, *_ in self.under_way.values() if each == kind) >= _MOST_UNDER_WAY:
            seen.skipped += 1
            return
        self._number += 1
        self.under_way[self._number] = kind, phase, time.monotonic()
        seen.sent += 1
        payload = payload_of(self._number, SIZES[kind])
        self.here.send_data(self.there.session, self._number, payload)

    @property
    def is_whole(self) -> bool:
        """Whether both are connected."""
        return not (self.here.ended.done() or self.there.ended.done())

    def _arrived(self, message: bytes) -> None:
        number, payload = int.from_bytes(message[12:HEADER_BYTES]), message[HEADER_BYTES:]
        if len(payload) == SIZES["1 KiB"]:
            self.there.send_data(self.here.session, number, payload)
        else:
            self._count(number, payload)

    def _came_back(self, message: bytes) -> None:
        self._count(int.from_bytes(message[12:HEADER_BYTES]), message[HEADER_BYTES:])

    def _count(self, number: int, payload: bytes) -> None:
        kind, phase, began = self.under_way.pop(number)
        seen = self._phases[phase]
        seen.seconds[kind].append(time.monotonic() - began)
        seen.wrong += payload != payload_of(number, SIZES[kind])


def seed_of(number: int) -> bytes:
    """The channel seed of a pair."""
    return sha256(b"honest %d" % number).digest()


async def talk(link: Link, target: Target, pairs: int, kinds: tuple[str, ...], tick: float) -> None:
    """Talk in the phase that the parent names last; "" is silence, None the end."""
    phases: dict[str, PhaseResult] = defaultdict(PhaseResult)
    talking = [await _joined(target, number, phases) for number in range(pairs)]
    link.report("ready")
    phase: str | None = ""
    ticks = 0
    order = asyncio.create_task(link.order())
    while phase is not None:
        began = time.monotonic()
        for number, pair in enumerate(talking if phase else ()):
            for kind in kinds:
                if (ticks + 7 * number) % EVERY[kind] == 0 and pair.is_whole:
                    pair.send(kind, phase)
            await asyncio.sleep(max(0, began + tick * (number + 1) / pairs - time.monotonic()))
        ticks += 1
        await asyncio.wait([order], timeout=max(0.001, began + tick - time.monotonic()))
        if order.done():
            phase = order.result()
            if phase is not None:
                order = asyncio.create_task(link.order())
    await _settle(talking)
    for pair in talking:
        for _, name, _ in pair.under_way.values():
            phases[name].lost += 1
    link.report((dict(phases), _closes(talking), sum(pair.here.nacks for pair in talking)))


async def _settle(talking: list[Pair]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and any(p.under_way for p in talking if p.is_whole):
        await asyncio.sleep(0.1)


def _closes(talking: list[Pair]) -> Counter[int]:
    devices = [device for pair in talking for device in (pair.here, pair.there)]
    return Counter(device.ended.result() for device in devices if device.ended.done())


async def _joined(target: Target, number: int, phases: Mapping[str, PhaseResult]) -> Pair:
    """A pair at addresses of networks that nothing else of a trial uses."""
    seed = seed_of(number)
    there = await Device(target, seed, b"honest-b", f"192.0.{number}.2").join()
    here = await Device(target, seed, b"honest-a", f"203.0.{number}.1").join()
    return Pair(here, there, phases)
