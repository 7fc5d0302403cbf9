"""A crowd with honest pairs beside it: what these notice, and what the relay holds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass

from benchmarks.trials.figures import MIB, WarningMonitor
from benchmarks.trials.helper import Helper, Work
from benchmarks.trials.honest import PAIRS, SIZES, talk
from benchmarks.trials.stage import Stage, Terms, report
from benchmarks.trials.stream import Target

MAX_BUFFER = 64 * MIB
PROXY = ("--trusted-proxy", "127.0.0.1")
"""Client addresses come with X-Forwarded-For, as behind a proxy: loopback is not counted."""
HOSTILE = "198.51.100.7"
_TICK_SECONDS = 0.1
_CROWD_NICE = 5
"""The crowd may not take the client's core from the honest pairs."""


@dataclass(frozen=True)
class Crowd:
    """A helper process of hostile devices."""

    name: str
    work: Work
    feed: Callable[[Helper, WarningMonitor], Awaitable[None]] | None = None
    """What the parent does with it while the phase lasts."""


async def beside(terms: Terms, crowd: Crowd) -> None:
    """Honest pairs alone, then as long with the crowd: a 99th percentile of few messages is that
    of the slowest. The crowd reports how its devices ended."""
    with ExitStack() as stack:
        flags = (*PROXY, "--log-level", "error", *terms.buffer_flags(MAX_BUFFER))
        stage = Stage(stack, terms, *flags, is_watched=True)
        target = Target(stage.relay.port, terms.tls)
        async with AsyncExitStack() as helpers:
            honest = await helpers.enter_async_context(
                Helper(talk, target, PAIRS, tuple(SIZES), _TICK_SECONDS)
            )
            honest.order("alone")
            await asyncio.sleep(terms.seconds)
            watch = await helpers.enter_async_context(WarningMonitor(stage.pid, stage.admin))
            hostile = await helpers.enter_async_context(
                Helper(crowd.work, target, nice=_CROWD_NICE)
            )
            honest.order("crowd")
            feeding = asyncio.create_task(_feed(crowd, hostile, watch))
            await asyncio.sleep(terms.seconds)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            phases, closes, nacks = await honest.ask(None)
            sums = await stage.admin.closes()
            ends = await hostile.ask(None)
    name = f"{crowd.name}, {terms.scheme}"
    report(f"{name}, honest alone, median/99th: {phases['alone']}")
    report(f"{name}, honest beside it: {phases['crowd']}; {nacks} NACKs")
    report(
        f"{name}, closes of honest devices: {dict(closes) or 'none'} of {2 * PAIRS}; of all by the "
        f"relay: {dict(sums) or 'none'}; hostile: {ends}; {watch}"
    )


async def _feed(crowd: Crowd, hostile: Helper, watch: WarningMonitor) -> None:
    if crowd.feed is not None:
        await crowd.feed(hostile, watch)
