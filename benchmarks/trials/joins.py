"""Many joins at once: first ones, those after a restart, and bad ones."""

import asyncio
import secrets
import time
from contextlib import ExitStack, suppress

from benchmarks.trial_client import Probe, Where, Wire, cpu_seconds
from benchmarks.trials.stage import Stage, Terms, report

STORM = 1000


async def connects(terms: Terms) -> None:
    """1000 connects at once, then all joins."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        raw = Where(stage.relay.port)
        messages = Probe("message", stage.where)
        async with messages:
            began = time.monotonic()
            times: list[float] = []

            async def connect() -> Wire:
                wire = await raw.open()
                times.append(time.monotonic() - began)
                return wire

            wires = await asyncio.gather(*(connect() for _ in range(STORM)))
            for wire in wires:
                wire.cut()
            await asyncio.sleep(1)
            joined = await all_join(stage.where, STORM - 2)
        report(
            f"connects, {terms.scheme}: 1000 connected in {max(times):.3f} s; 998 joined "
            f"in {joined:.2f} s; messages meanwhile: {messages}"
        )


async def all_join(where: Where, number: int) -> float:
    """Seconds in which so many devices have joined, all beginning at once and trying again."""
    began = time.monotonic()
    wires = await asyncio.gather(
        *(_insist(where, secrets.token_bytes(32), b"device-x") for _ in range(number))
    )
    seconds = time.monotonic() - began
    for wire in wires:
        wire.cut()
    return seconds


async def _insist(where: Where, seed: bytes, device: bytes) -> Wire:
    while True:
        try:
            return await where.join(seed, device)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.5)


async def restart(terms: Terms) -> None:
    """kill -9 with 1000 devices, which come back as the protocol page has it."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        seeds = [secrets.token_bytes(32) for _ in range(STORM // 2)]
        back: list[float] = []
        killed = 0.0

        async def stay(number: int) -> None:
            device = number.to_bytes(8, "big")
            wire = await _insist(stage.where, seeds[number % len(seeds)], device)
            joined.release()
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    await wire.receive()
            wire.cut()
            await _insist(stage.where, seeds[number % len(seeds)], device)
            back.append(time.monotonic() - killed)

        joined = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(stay(number)) for number in range(STORM)]
        for _ in range(STORM):
            await joined.acquire()
        killed = time.monotonic()
        stage.relay.process.kill()
        await asyncio.to_thread(stage.relay.process.communicate)
        await asyncio.to_thread(stage.again)
        listens = time.monotonic() - killed
        await asyncio.gather(*tasks)
        report(
            f"restart, {terms.scheme}: listens {listens:.2f} s after kill -9; 1000 "
            f"joined again after {max(back):.2f} s"
        )


async def proofs(terms: Terms) -> None:
    """1000 joins a second with bad proofs, and what messages of joined devices take."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        quiet, stormy = Probe("message", stage.where), Probe("message", stage.where)
        async with quiet:
            await asyncio.sleep(3)
        refused = 0

        async def bad() -> None:
            nonlocal refused
            with suppress(OSError, asyncio.IncompleteReadError):
                wire = await stage.where.join(seed, b"device-b", good=False)
                refused += 1
                wire.cut()

        seed = secrets.token_bytes(32)
        tasks: set[asyncio.Task[None]] = set()
        cpu, began = cpu_seconds(stage.pid), time.monotonic()
        async with stormy:
            while time.monotonic() - began < 5:  # noqa: PLR2004  seconds of the storm
                due = int((time.monotonic() - began) * STORM)
                while len(tasks) < due:
                    tasks.add(asyncio.create_task(bad()))
                await asyncio.sleep(0.005)
        took = time.monotonic() - began
        cpu = cpu_seconds(stage.pid) - cpu
        rate = refused / took
        await asyncio.gather(*tasks)
        report(
            f"bad proofs, {terms.scheme}: {rate:.0f} refused a second, CPU "
            f"{cpu / took:.0%} of a core; messages before: {quiet}; meanwhile: {stormy}"
        )
