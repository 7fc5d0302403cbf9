"""Trials: what docs/reliability.rst promises, measured on a real relay under bad conditions.

    .venv/bin/python -m benchmarks.trials [NAME ...]

Prints figures and judges nothing: the tests do. Client and relay share the machine.
"""

import asyncio
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.trial_client import (
    HOST,
    LATE_SECONDS,
    UPGRADE_HEAD,
    Probe,
    Where,
    Wire,
    cpu_seconds,
    descriptors,
    resident_bytes,
)
from tests.authority import issue, write_pair
from tests.frames import CLOSE
from tests.process.processes import BIN, RunningRelay, environment, running_relay
from tests.transport.tls_client import lenient_context

MEGA = 1e6
STORM = 1000


def say(text: str) -> None:
    """Tell it at once."""
    print(text, flush=True)


class Stage:
    """A relay for one trial, plain or with TLS."""

    def __init__(self, stack: ExitStack, tls: bool, *flags: str) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificate, key = write_pair(folder, issue(["relay.test"]))
        files = ("--tls-cert", str(certificate), "--tls-key", str(key)) if tls else ()
        self._files = files
        self.flags = flags
        self._stack = stack
        self.tls = lenient_context() if tls else None
        self.relay: RunningRelay = stack.enter_context(running_relay(*flags, *files))

    @property
    def where(self) -> Where:
        """How to reach it."""
        return Where(self.relay.port, self.tls)

    @property
    def pid(self) -> int:
        """Whose memory and CPU to look at."""
        return self.relay.process.pid

    def again(self) -> None:
        """Start it anew, on the same port."""
        port = self.relay.port
        command = ["vault-relay", "--bind", HOST, "--port", str(port), *self.flags, *self._files]
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        self.relay = RunningRelay(process, port)
        while True:
            try:
                socket.create_connection((HOST, port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return


async def half_open(tls: bool) -> None:
    """500 upgrades, half of them silent and half a byte at a time."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
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
                hello = UPGRADE_HEAD if not tls else b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
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
        say(
            f"half open, {'wss' if tls else 'ws'}: 500 gone {min(ends):.1f} to {max(ends):.1f} s "
            f"after the first connect; /health: {health}; descriptors "
            f"{descriptors(stage.pid) - before:+}"
        )


async def silent(tls: bool) -> None:
    """5000 silent connections that come back as soon as they are cut off."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
        before, memory = descriptors(stage.pid), resident_bytes(stage.pid)
        raw = Where(stage.relay.port)
        messages, health = Probe("message", stage.where), Probe("health", stage.where)
        joins: list[float] = []

        enough = asyncio.Event()

        async def come_back() -> None:
            # Not for ever: Python may lose a cancellation that comes with a connection.
            while not enough.is_set():
                with suppress(OSError):
                    wire = await raw.open(600)
                    await wire.ended()
                    wire.cut()

        most_files = most_memory = late = 0
        async with messages, health:
            tasks = [asyncio.create_task(come_back()) for _ in range(5000)]
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
        say(
            f"5000 silent, {'wss' if tls else 'ws'}: descriptors {most_files - before:+}, memory "
            f"{(most_memory - memory) / MEGA:+.1f} MB, CPU {cpu:.1f} s of 30; {len(joins)} joins "
            f"took {min(joins):.1f} to {max(joins):.1f} s, {late} more than {LATE_SECONDS}; "
            f"/health: {health}; messages: {messages}"
        )


async def burst(tls: bool) -> None:
    """1000 connects at once, then all joins."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
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
        say(
            f"burst, {'wss' if tls else 'ws'}: 1000 connected in {max(times):.3f} s; 998 joined "
            f"in {joined:.2f} s; messages meanwhile: {messages}"
        )


async def all_join(where: Where, number: int) -> float:
    """Seconds in which so many devices have joined, all beginning at once and trying again."""
    began = time.monotonic()

    async def insist() -> Wire:
        while True:
            try:
                return await where.join(secrets.token_bytes(32), b"device-x")
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.5)

    wires = await asyncio.gather(*(insist() for _ in range(number)))
    seconds = time.monotonic() - began
    for wire in wires:
        wire.cut()
    return seconds


async def no_descriptors(tls: bool) -> None:
    """Descriptors run out for five seconds while 200 clients try again and again."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
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
        say(
            f"no descriptors, {'wss' if tls else 'ws'}: CPU {cpu / 5:.1%} of a core, {lines} line; "
            f"/health back after {back:.2f} s; messages: {messages}"
        )


async def drain(tls: bool) -> None:
    """SIGTERM with 100 devices: under traffic, deaf, rude and polite."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
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

        async def talk(wire: Wire) -> None:
            while not wire.writer.is_closing():
                with suppress(OSError):
                    wire.data(0xFFFFFFFF, b"x" * 1000)
                await asyncio.sleep(0.2)

        tasks = [asyncio.create_task(live(wire, n % 2 == 0)) for n, wire in enumerate(wires[:90])]
        tasks += [asyncio.create_task(talk(wire)) for wire in wires[:50]]
        await asyncio.sleep(1)
        began = time.monotonic()
        stage.relay.process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(stage.relay.process.wait)
        took = time.monotonic() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        say(
            f"drain, {'wss' if tls else 'ws'}: exit status {status} after {took:.2f} s of 20; "
            f"{told} of the 90 that read were told"
        )


async def restart(tls: bool) -> None:
    """kill -9 with 1000 devices, which come back as the protocol page has it."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
        seeds = [secrets.token_bytes(32) for _ in range(STORM // 2)]
        back: list[float] = []
        killed = 0.0

        async def stay(number: int) -> None:
            device = number.to_bytes(8, "big")
            wire = await stage.where.join(seeds[number % len(seeds)], device)
            joined.release()
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    await wire.receive()
            wire.cut()
            while True:
                try:
                    wire = await stage.where.join(seeds[number % len(seeds)], device)
                    break
                except (OSError, asyncio.IncompleteReadError):
                    await asyncio.sleep(0.5)
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
        say(
            f"restart, {'wss' if tls else 'ws'}: listens {listens:.2f} s after kill -9; 1000 "
            f"joined again after {max(back):.2f} s"
        )


async def proofs(tls: bool) -> None:
    """1000 joins a second with bad proofs, and what messages of joined devices take."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
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
            while time.monotonic() - began < 5:  # noqa: PLR2004
                due = int((time.monotonic() - began) * STORM)
                while len(tasks) < due:
                    tasks.add(asyncio.create_task(bad()))
                await asyncio.sleep(0.005)
        took = time.monotonic() - began
        cpu = cpu_seconds(stage.pid) - cpu
        rate = refused / took
        await asyncio.gather(*tasks)
        say(
            f"bad proofs, {'wss' if tls else 'ws'}: {rate:.0f} refused a second, CPU "
            f"{cpu / took:.0%} of a core; messages before: {quiet}; meanwhile: {stormy}"
        )


async def closes(tls: bool) -> None:
    """100 peers each that end in other ways, or never: when their descriptors are back."""
    with ExitStack() as stack:
        stage = Stage(stack, tls)
        await stage.where.ask()
        before = descriptors(stage.pid)
        bad: list[Wire] = []
        for _ in range(100):
            wire = await stage.where.join(secrets.token_bytes(32), b"device-x", good=False)
            bad.append(wire)  # closed by the relay, answers nothing and stays
        for _ in range(100):
            wire = await stage.where.open()
            wire.writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n")
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            bad.append(wire)
        bad += [await Where(stage.relay.port).open() for _ in range(100)]
        began = time.monotonic()
        while descriptors(stage.pid) > before:
            await asyncio.sleep(0.05)
        say(
            f"closes, {'wss' if tls else 'ws'}: descriptors of 300 peers that answer nothing are "
            f"back {time.monotonic() - began:.1f} s after the last of them came"
        )
        for wire in bad:
            wire.cut()


Trial = Callable[[bool], Coroutine[Any, Any, None]]
TRIALS: dict[str, Trial] = {
    "half-open": half_open,
    "silent": silent,
    "burst": burst,
    "descriptors": no_descriptors,
    "drain": drain,
    "restart": restart,
    "proofs": proofs,
    "closes": closes,
}


def main() -> None:
    """Run those that are named, or all."""
    # A signal must end the relay that runs, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))
    for name in sys.argv[1:] or TRIALS:
        for tls in (False, True):
            asyncio.run(TRIALS[name](tls))


if __name__ == "__main__":
    main()
