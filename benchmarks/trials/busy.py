"""The busy address: deliveries as many as its limits allow, with honest pairs and alone."""

import asyncio
import time
from contextlib import AsyncExitStack, ExitStack

from benchmarks.trial_client import cpu_seconds
from benchmarks.trials.beside import PROXY
from benchmarks.trials.crowds import PER_CHANNEL, join_crowd
from benchmarks.trials.device import EVERYBODY, HEADER_BYTES
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.honest import PAIRS, talk
from benchmarks.trials.hostile import DEVICES
from benchmarks.trials.stage import Stage, Terms, report
from benchmarks.trials.stream import Stream, Target
from tests.frames import BINARY, client_frame

_PAYLOAD_BYTES = 16
_DELIVERY_BYTES = 2 + HEADER_BYTES + _PAYLOAD_BYTES
_CHUNK = 64
_TICK_SECONDS = 0.05
_CROWD_NICE = 5


async def ask_for_much(link: Link, target: Target) -> None:
    """All broadcast without end from the first order on; each order reports the deliveries."""
    devices = await join_crowd(target, DEVICES, PER_CHANNEL, 0)
    link.report("ready")
    await link.order()
    tasks = []
    for device in devices:
        device.parses = False
        message = device.message(EVERYBODY, 1, b"x" * _PAYLOAD_BYTES)
        chunk = b"".join(client_frame(BINARY, message) for _ in range(_CHUNK))
        tasks.append(asyncio.create_task(_send(device.stream, chunk)))
    link.report(0)
    while await link.order() is not None:
        link.report(sum(device.bytes_in for device in devices) // _DELIVERY_BYTES)
    ended = sum(device.ended.done() for device in devices)
    for task in tasks:
        task.cancel()
    link.report(ended)


async def _send(stream: Stream, chunk: bytes) -> None:
    while not stream.is_cut:
        stream.write(chunk)
        await stream.flush()
        await asyncio.sleep(0)


class Meter:
    """Deliveries of the crowd and CPU of the relay in one phase."""

    def __init__(self, crowd: Helper | None, pid: int) -> None:
        self._crowd, self._pid = crowd, pid

    async def over(self, seconds: float) -> str:
        """What passes in so many seconds."""
        before, cpu, began = await self._deliveries(), cpu_seconds(self._pid), time.monotonic()
        await asyncio.sleep(seconds)
        after, took = await self._deliveries(), time.monotonic() - began
        load = (cpu_seconds(self._pid) - cpu) / took
        return f"{(after - before) / took:.0f} deliveries a second, CPU {load:.0%} of a core"

    async def _deliveries(self) -> int:
        return 0 if self._crowd is None else int(await self._crowd.ask("count"))


async def busy_address(terms: Terms) -> None:
    """250 devices of one address, with honest pairs beside them and alone."""
    seconds = terms.seconds / 2
    with ExitStack() as stack:
        stage = Stage(stack, terms, *PROXY, "--log-level", "error", is_watched=True)
        target = Target(stage.relay.port, terms.tls)
        async with AsyncExitStack() as helpers:
            honest = await helpers.enter_async_context(
                Helper(talk, target, PAIRS, ("1 KiB",), _TICK_SECONDS)
            )
            crowd = await helpers.enter_async_context(
                Helper(ask_for_much, target, nice=_CROWD_NICE)
            )
            honest.order("alone")
            quiet = await Meter(None, stage.pid).over(seconds)
            meter = Meter(crowd, stage.pid)
            await crowd.ask("go")
            honest.order("beside it")
            both = await meter.over(seconds)
            honest.order("")
            await asyncio.sleep(0.5)
            alone = await meter.over(seconds)
            ended = await crowd.ask(None)
            phases, closes, nacks = await honest.ask(None)
    name = f"busy address, {terms.scheme}"
    report(f"{name}, honest alone, median/99th: {phases['alone']}; {quiet}")
    report(f"{name}, honest beside it: {phases['beside it']}; {nacks} NACKs; its {both}")
    report(f"{name}, without honest ones: its {alone}")
    report(f"{name}: closes of honest devices: {dict(closes) or 'none'}; {ended} of it ended")
