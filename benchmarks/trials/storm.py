"""The storm: ten thousand devices that join one relay within a second."""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from statistics import median

from benchmarks.trials.beside import PROXY
from benchmarks.trials.device import Device, Refused
from benchmarks.trials.figures import WarningMonitor
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.honest import talk
from benchmarks.trials.stage import Stage, Terms, report
from benchmarks.trials.stream import Target

DEVICES = 10_000
_PROCESSES = 4
_PAIRS = 4
_TICK_SECONDS = 0.02
_PER_NETWORK = 40
_PATIENCE_SECONDS = 45
_JOIN_SECONDS = 20
"""After which a client gives up an attempt (docs/protocol.rst)."""
_MOST_BACK_OFF = 6
_QUIET_SECONDS = 5
_STORM_NICE = 5
_FULL = (429, 503)


@dataclass
class Arrivals:
    """What became of the devices of one process."""

    joined: list[float] = field(default_factory=list)
    """When, by the monotonic clock."""
    refusals: Counter[int] = field(default_factory=Counter)
    """By HTTP status or close code; 0 is a connection that was cut off."""
    timeouts: int = 0
    """Attempts that the clients gave up."""
    times: list[int] = field(default_factory=list)
    """Values of Retry-After with 503 and 429."""
    ended: int = 0
    """Devices that the relay has closed after their join."""


async def arrive(link: Link, target: Target, numbers: range) -> None:
    """On an order all come within a second, and come back as the protocol page has it."""
    arrivals = Arrivals()
    devices: list[Device] = []
    link.report("ready")
    began = await link.order()
    tasks = [
        asyncio.create_task(_insist(target, number, began + random.random(), arrivals, devices))
        for number in numbers
    ]
    while await link.order() is not None:
        link.report(len(arrivals.joined))
    for task in tasks:
        task.cancel()
    arrivals.ended = sum(device.ended.done() for device in devices)
    link.report(arrivals)


async def _insist(
    target: Target, number: int, begin: float, arrivals: Arrivals, devices: list[Device]
) -> None:
    network, host = divmod(number, _PER_NETWORK)
    address = f"10.{network // 256}.{network % 256}.{host + 1}"
    seed = sha256(b"storm %d" % number).digest()
    await asyncio.sleep(begin - time.monotonic())
    for attempt in range(1, 100):
        refused = Refused(0)
        try:
            device = Device(target, seed, b"device-s", address)
            await asyncio.wait_for(device.join(), _JOIN_SECONDS)
        except Refused as error:
            refused = error
        except TimeoutError:
            # Without an answer after _JOIN_SECONDS, or earlier by the kernel.
            arrivals.timeouts += 1
            await asyncio.sleep(_back_off(attempt))
            continue
        except OSError:
            pass
        else:
            arrivals.joined.append(time.monotonic())
            devices.append(device)
            return
        arrivals.refusals[refused.status] += 1
        if refused.retry_after is None:
            wait = _back_off(attempt)
        else:
            arrivals.times.append(refused.retry_after)
            wait = refused.retry_after * random.uniform(1, 1.5)
        await asyncio.sleep(wait)


def _back_off(attempt: int) -> float:
    return 2.0 ** min(attempt, _MOST_BACK_OFF) * random.uniform(0.5, 1)


async def storm(terms: Terms) -> None:
    """All come at once, with a few pairs that talk meanwhile."""
    flags = (*PROXY, "--max-connections", "20000", "--log-level", "error")
    with ExitStack() as stack:
        stage = Stage(stack, terms, *flags, is_watched=True)
        target = Target(stage.relay.port, terms.tls)
        async with AsyncExitStack() as helpers:
            honest = await helpers.enter_async_context(
                Helper(talk, target, _PAIRS, ("1 KiB",), _TICK_SECONDS)
            )
            step = DEVICES // _PROCESSES
            crowd = [
                await helpers.enter_async_context(
                    Helper(arrive, target, range(start, start + step), nice=_STORM_NICE)
                )
                for start in range(0, DEVICES, step)
            ]
            honest.order("alone")
            await asyncio.sleep(_QUIET_SECONDS)
            async with WarningMonitor(stage.pid, stage.admin) as watch:
                honest.order("storm")
                began = time.monotonic()
                await _all_in(crowd, began)
                refusals = await stage.admin.refusals()
            phases, closes, _ = await honest.ask(None)
            arrivals = [await helper.ask(None) for helper in crowd]
    name = f"storm, {terms.scheme}"
    report(f"{name}, messages before, median/99th: {phases['alone']}")
    report(f"{name}, messages meanwhile: {phases['storm']}; closes: {dict(closes) or 'none'}")
    report(
        f"{name}, {_summary(arrivals, began)}; refused by the relay: "
        f"{dict(refusals) or 'none'}; {watch}"
    )


async def _all_in(crowd: list[Helper], began: float) -> None:
    for helper in crowd:
        helper.order(began)
    while time.monotonic() < began + _PATIENCE_SECONDS:
        await asyncio.sleep(0.5)
        if sum([await helper.ask("count") for helper in crowd]) >= DEVICES:
            return


def _summary(arrivals: list[Arrivals], began: float) -> str:
    joined = sorted(at - began for each in arrivals for at in each.joined)
    refusals = sum((each.refusals for each in arrivals), Counter[int]())
    times = [value for each in arrivals for value in each.times]
    busiest = max(Counter(map(int, joined)).values(), default=0)
    shown = f"min {min(times)}, median {median(times):.0f}, max {max(times)}" if times else "none"
    timeouts = sum(each.timeouts for each in arrivals)
    attempts = len(joined) + refusals.total() + timeouts
    refused = sum(refusals[status] for status in _FULL) / (attempts or 1)
    later = sum(each.ended for each in arrivals)
    last = f"{joined[-1]:.1f}" if joined else "-"
    return (
        f"{len(joined)} of {DEVICES} joined, the last after {last} s, at most {busiest} in a "
        f"second; refusals {dict(refusals) or 'none'} (0: cut off), {timeouts} without an answer, "
        f"{refused:.0%} of attempts got 503 or 429, Retry-After {shown}; {later} closed later"
    )
