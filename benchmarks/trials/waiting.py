"""Connections that wait: half open, silent, or closed and unanswered."""

import asyncio
import secrets
import time
from contextlib import ExitStack, suppress

from benchmarks.trial_client import (
    LATE_SECONDS,
    UPGRADE_HEAD,
    Probe,
    Where,
    Wire,
    cpu_seconds,
    descriptors,
    resident_bytes,
)
from benchmarks.trials.stage import MEGA, Stage, Terms, report


async def half_open(terms: Terms) -> None:
    """500 upgrades, half of them silent and half a byte at a time."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        before = descriptors(stage.pid)
        raw = Where(stage.relay.port)
        health = Probe("health", stage.where)
        began = time.monotonic()
        async with health:
            wires = [await raw.open() for _ in range(500)]
            ends: list[float] = []

            async def watch(wire: Wire) -> None:
                await wire.ended()
                ends.append(time.monotonic() - began)
                wire.cut()

            async def drip(wire: Wire) -> None:
                hello = UPGRADE_HEAD if not terms.tls else b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
                with suppress(OSError):
                    for byte in hello * 3:
                        wire.writer.write(bytes([byte]))
                        await asyncio.sleep(0.1)
                        if wire.writer.is_closing():
                            return

            drips = [asyncio.create_task(drip(wire)) for wire in wires[::2]]
            await asyncio.gather(*(watch(wire) for wire in wires))
            for task in drips:
                task.cancel()
        report(
            f"half open, {terms.scheme}: 500 gone {min(ends):.1f} to {max(ends):.1f} s "
            f"after the first connect; /health: {health}; descriptors "
            f"{descriptors(stage.pid) - before:+}"
        )


async def silent(terms: Terms) -> None:
    """5000 silent connections that come back as soon as they are cut off."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        before, memory = descriptors(stage.pid), resident_bytes(stage.pid)
        raw = Where(stage.relay.port)
        messages, health = Probe("message", stage.where), Probe("health", stage.where)
        joins: list[float] = []
        enough = asyncio.Event()
        most_files = most_memory = late = 0
        async with messages, health:
            tasks = [asyncio.create_task(_come_back(raw, enough)) for _ in range(5000)]
            cpu, until = cpu_seconds(stage.pid), time.monotonic() + 30
            while time.monotonic() < until:
                await asyncio.sleep(0.7)
                began = time.monotonic()
                joining = stage.where.join(secrets.token_bytes(32), b"device-c")
                try:
                    (await asyncio.wait_for(joining, LATE_SECONDS)).cut()
                    joins.append(time.monotonic() - began)
                except (OSError, asyncio.IncompleteReadError):
                    late += 1
                most_files = max(most_files, descriptors(stage.pid))
                most_memory = max(most_memory, resident_bytes(stage.pid))
            cpu = cpu_seconds(stage.pid) - cpu
            # The probe of /health may wait for an answer.
            enough.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        report(
            f"5000 silent, {terms.scheme}: descriptors {most_files - before:+}, memory "
            f"{(most_memory - memory) / MEGA:+.1f} MB, CPU {cpu:.1f} s of 30; {len(joins)} joins "
            f"took {min(joins):.1f} to {max(joins):.1f} s, {late} more than {LATE_SECONDS}; "
            f"/health: {health}; messages: {messages}"
        )


async def _come_back(raw: Where, enough: asyncio.Event) -> None:
    # Not for ever: Python may lose a cancellation that comes with a connection.
    while not enough.is_set():
        with suppress(OSError):
            wire = await raw.open(600)
            await wire.ended()
            wire.cut()


async def closes(terms: Terms) -> None:
    """100 peers each that end in other ways, or never: when their descriptors are back."""
    with ExitStack() as stack:
        stage = Stage(stack, terms)
        await stage.where.ask()
        before = descriptors(stage.pid)
        bad: list[Wire] = []
        for _ in range(100):
            wire = await stage.where.join(secrets.token_bytes(32), b"device-x", good=False)
            bad.append(wire)  # closed by the relay, answers nothing and stays
        for _ in range(100):
            wire = await stage.where.open()
            wire.writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n")
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # only transports that read have it
            bad.append(wire)
        bad += [await Where(stage.relay.port).open() for _ in range(100)]
        began = time.monotonic()
        while descriptors(stage.pid) > before:
            await asyncio.sleep(0.05)
        report(
            f"closes, {terms.scheme}: descriptors of 300 peers that answer nothing are "
            f"back {time.monotonic() - began:.1f} s after the last of them came"
        )
        for wire in bad:
            wire.cut()
