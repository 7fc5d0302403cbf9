"""Soak: many cycles of connecting, joining, sending and leaving, and what they leave behind.

    .venv/bin/python -m benchmarks.soak [--cycles N] [--seconds S] [--tls]

Every tenth cycle is an abuse of some kind. Prints how memory and descriptors of the relay grew in
the first and in the second half: a relay without a leak grows in the first only.
"""

import argparse
import asyncio
import resource
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from itertools import cycle

from benchmarks.trial_client import UPGRADE_HEAD, Where, Wire, descriptors, pair, resident_bytes
from benchmarks.trials.stage import Stage, Terms
from tests.frames import BINARY, CLOSE, PING, TEXT

AT_ONCE = 20
ABUSE_EVERY = 10
SETTLE_SECONDS = 7
"""More than a relay waits for the end of a close."""
KILO = 1024


async def meet(where: Where) -> None:
    """Two devices meet, talk and leave."""
    first, second = await pair(where)
    for size in (10, 5000):
        first.data(second.session, bytes(size))
        while (await second.receive())[0] != BINARY:
            pass
    await first.leave()
    await second.leave()


async def hang_up(where: Where) -> None:
    """Leave without a word."""
    for wire in await pair(where):
        wire.cut()


async def bad_proof(where: Where) -> None:
    """Say a hello that proves nothing."""
    (await where.join(secrets.token_bytes(32), b"device-x", good=False)).cut()


async def replace(where: Where) -> None:
    """Join as the same device again and again."""
    seed = secrets.token_bytes(32)
    for wire in [await where.join(seed, b"device-x") for _ in range(3)]:
        wire.cut()


async def say(where: Where, *said: bytes) -> None:
    """Send something that is no request, and see what comes."""
    wire = await where.open()
    for each in said:
        wire.writer.write(each)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(wire.ended(), 0.2)
    wire.cut()


async def garbage(where: Where) -> None:
    """No HTTP at all."""
    await say(where, secrets.token_bytes(500))


async def long_head(where: Where) -> None:
    """A head without an end."""
    await say(where, b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000)


async def half_a_head(where: Where) -> None:
    """A head that stops."""
    await say(where, b"GET / HT")


async def no_hello(where: Where) -> None:
    """An upgrade, and nothing after it."""
    await say(where, UPGRADE_HEAD)


async def bad_frames(where: Where) -> None:
    """A joined device that breaks every rule in turn."""
    for opcode, payload in ((TEXT, b"{"), (3, b"?"), (BINARY, b"short"), (CLOSE, b"\x03")):
        wire = await where.join(secrets.token_bytes(32), b"device-x")
        wire.send(opcode, payload)
        await answered(wire)


async def many_pings(where: Where) -> None:
    """A flood of pings."""
    wire = await where.join(secrets.token_bytes(32), b"device-x")
    for _ in range(100):
        wire.send(PING, b"x")
    await answered(wire)


async def health(where: Where) -> None:
    """Ask for a page and for what is none."""
    await where.ask()
    await where.ask(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")


async def answered(wire: Wire) -> None:
    """Read until the relay closes."""
    with suppress(asyncio.IncompleteReadError, OSError):
        while (await wire.receive())[0] != CLOSE:
            pass
    wire.cut()


Deed = Callable[[Where], Awaitable[None]]
ABUSES: tuple[Deed, ...] = (
    hang_up,
    bad_proof,
    replace,
    garbage,
    long_head,
    half_a_head,
    no_hello,
    bad_frames,
    many_pings,
    health,
)


async def soak(stage: Stage, cycles: int, seconds: float) -> None:
    """Do it, and tell what was seen."""
    where, done, failed = stage.where, 0, Counter[str]()
    deadline = time.monotonic() + seconds
    abuses = cycle(ABUSES)
    began = time.monotonic()

    async def work() -> None:
        nonlocal done
        while done < cycles and time.monotonic() < deadline:
            done += 1
            deed = next(abuses) if done % ABUSE_EVERY == 0 else meet
            try:
                await asyncio.wait_for(deed(where), 30)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                failed[f"{deed.__name__}: {type(error).__name__}"] += 1

    async def rest() -> tuple[int, int]:
        await asyncio.sleep(SETTLE_SECONDS)
        return resident_bytes(stage.pid), descriptors(stage.pid)

    start = await rest()
    wanted, end = cycles, deadline
    # The first half by cycles or by time, whichever is over first; then the same again.
    cycles, deadline = wanted // 2, began + seconds / 2
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    first_half = done
    half = await rest()
    cycles, deadline = 2 * done, end + SETTLE_SECONDS
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    last = await rest()
    _print_half("first", first_half, start, half)
    _print_half("second", done - first_half, half, last)
    print(
        f"{done} cycles in {time.monotonic() - began:.0f} s; memory {last[0] / KILO**2:.1f} MiB, "
        f"{last[1]} descriptors; clients' failures: {dict(failed) or 'none'}"
    )


def _print_half(name: str, cycles: int, before: tuple[int, int], after: tuple[int, int]) -> None:
    """Print how bytes and descriptors have grown."""
    memory = (after[0] - before[0]) / KILO
    print(
        f"{name} half: {cycles} cycles, memory {memory:+.0f} KiB "
        f"({memory / cycles * KILO:+.2f} bytes a cycle), descriptors {after[1] - before[1]:+}"
    )


def main() -> None:
    """Soak as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=7200, help="end sooner after this time")
    parser.add_argument("--tls", action="store_true")
    asked = parser.parse_args()
    # A signal must end the relay that runs, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))
    with ExitStack() as stack:
        stage = Stage(stack, Terms(tls=asked.tls))
        asyncio.run(soak(stage, asked.cycles, asked.seconds))
        status, log = stage.relay.stop()
        tracebacks = log.count("Traceback") + log.count("Internal error")
        print(
            f"exit status {status}, {len(log.splitlines())} log lines, {tracebacks} errors in them"
        )
        sys.exit(status)


if __name__ == "__main__":
    main()
