"""Ends: descriptors that run out, and an ordered stop."""

import asyncio
import resource
import secrets
import signal
import time
from contextlib import ExitStack, suppress

from benchmarks.trial_client import Probe, Where, Wire, cpu_seconds, descriptors
from benchmarks.trials.device import EVERYBODY
from benchmarks.trials.stage import Stage, Terms, report
from tests.frames import CLOSE


async def no_descriptors(terms: Terms) -> None:
    """Descriptors run out for five seconds while 200 clients try again and again."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        messages = Probe("message", stage.where)

        async def insist() -> None:
            while True:
                with suppress(OSError):
                    wire = await Where(stage.relay.port).open()
                    await wire.ended()
                    wire.cut()
                await asyncio.sleep(0.05)

        async with messages:
            _, maximum = resource.prlimit(stage.pid, resource.RLIMIT_NOFILE)
            few = descriptors(stage.pid) + 50
            resource.prlimit(stage.pid, resource.RLIMIT_NOFILE, (few, maximum))
            tasks = [asyncio.create_task(insist()) for _ in range(200)]
            cpu = cpu_seconds(stage.pid)
            await asyncio.sleep(5)
        cpu = cpu_seconds(stage.pid) - cpu
        resource.prlimit(stage.pid, resource.RLIMIT_NOFILE, (maximum, maximum))
        began = time.monotonic()
        while not (await stage.where.ask()).startswith(b"HTTP/1.1 200"):
            await asyncio.sleep(0.01)
        back = time.monotonic() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _, log = await asyncio.to_thread(stage.relay.stop)
        lines = sum("descriptor" in line for line in log.splitlines())
        report(
            f"no descriptors, {terms.scheme}: CPU {cpu / 5:.1%} of a core, {lines} line; "
            f"/health back after {back:.2f} s; messages: {messages}"
        )


async def drain(terms: Terms) -> None:
    """SIGTERM with 100 devices: under traffic, deaf, rude and polite."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        seed = secrets.token_bytes(32)
        wires = [
            await stage.where.join(
                secrets.token_bytes(32) if alone else seed, secrets.token_bytes(8)
            )
            for alone in (False, True)
            for _ in range(50)
        ]
        told = 0

        async def live(wire: Wire, polite: bool) -> None:
            nonlocal told
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    opcode, payload = await wire.receive()
                    if payload.startswith(b'{"type":"draining"'):
                        told += 1
                    if opcode == CLOSE and polite:
                        wire.send(CLOSE, payload)

        tasks = [asyncio.create_task(live(wire, n % 2 == 0)) for n, wire in enumerate(wires[:90])]
        tasks += [asyncio.create_task(_talk(wire)) for wire in wires[:50]]
        await asyncio.sleep(1)
        began = time.monotonic()
        stage.relay.process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(stage.relay.process.wait)
        took = time.monotonic() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        report(
            f"drain, {terms.scheme}: exit status {status} after {took:.2f} s of 20; "
            f"{told} of the 90 that read were told"
        )


async def _talk(wire: Wire) -> None:
    while not wire.writer.is_closing():
        with suppress(OSError):
            wire.data(EVERYBODY, b"x" * 1000)
        await asyncio.sleep(0.2)
