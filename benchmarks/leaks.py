"""Leaks: what a million messages leave behind, in each twin of a function and in a whole relay.

    .venv/bin/python -m benchmarks.leaks [--messages N]

Prints, for each case, what so many messages, or a tenth as many errors, add to Python's objects and
to resident memory. Growth is an error, and so is a change of references to shared objects.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from ctypes import CDLL
from dataclasses import replace
from pathlib import Path

from benchmarks.generator import Generator, build
from benchmarks.leak_cases import Case, cases
from benchmarks.lines import Dial, client_context
from benchmarks.loads import Load
from benchmarks.server_process import POLL_SECONDS, ServerProcess
from benchmarks.servers import RELAY, ROOT, Server, relay
from benchmarks.soak import ABUSES, Deed, meet
from benchmarks.trial_client import Where, resident_bytes
from tests.authority import issue, write_pair
from tests.transport.tls_client import lenient_context
from vaultrelay import native

MAX_BLOCKS = 100
"""What caches and the measurement itself may add. A leak adds one for each call."""
MAX_RELAY_BLOCKS = 3000
"""The same for a relay, which has its own records of connections, within their limits."""
MAX_BYTES = 2 << 20
MAX_SECONDS = 10.0
"""For one case: a million large messages take minutes."""
BATCH = 1000
"""Calls between two looks at the clock."""
LARGE_LOAD = 65536
KILO = 1024
LOADS = (
    Load("small", "64 B, 200 in each write", 64, per_write=200, window=2, groups=10),
    Load("large", "64 KiB, four under way", LARGE_LOAD, window=4, groups=10),
    Load("fan-out", "1 KiB to 10", 1024, 16, window=4, groups=1, receivers=10),
)
ABUSES_OF_A_KIND = 10
SETTLE_SECONDS = 7
"""More than a relay waits for the end of a close."""
WATCHED = (
    "import gc, os, signal, sys; "
    "signal.signal(signal.SIGWINCH, lambda *_: (gc.collect(), open(os.environ['BLOCKS'], 'w')"
    ".write(str(sys.getallocatedblocks())))); "
)
"""Lets a relay write how many objects it has into a file, upon a signal that it leaves alone."""


def main() -> None:
    """Look for leaks as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=1_000_000)
    messages = parser.parse_args().messages
    print(f"{native.code()} twins, {messages} messages")
    are_flat = [_is_flat(case, messages) for case in cases()]
    are_flat += [_relay_is_flat(messages, tls) for tls in (False, True)]
    sys.exit(0 if all(are_flat) else "Memory grows.")


def _is_flat(case: Case, messages: int) -> bool:
    """Repeat a call, after a tenth as many to fill caches."""
    count = messages // (case.messages or 10)
    _repeat(case.call, count // 10)
    references = [sys.getrefcount(each) for each in case.shared]
    before = _own()
    done = _repeat(case.call, count)
    has_grown = _report(f"{case.name}, {done} calls", before, _own(), MAX_BLOCKS)
    has_changed = [sys.getrefcount(each) for each in case.shared] != references
    if has_changed:
        print("    references have changed")
    return not (has_grown or has_changed)


def _repeat(call: Callable[[], object], count: int) -> int:
    """Return how often it was called: fewer times if they take long."""
    end, done = time.monotonic() + MAX_SECONDS, 0
    while done < count and time.monotonic() < end:
        for _ in range(min(BATCH, count - done)):
            call()
        done += BATCH
    return min(done, count)


def _own() -> tuple[int, int]:
    gc.collect()
    return sys.getallocatedblocks(), resident_bytes(os.getpid())


def _report(name: str, before: tuple[int, int], after: tuple[int, int], most_blocks: int) -> bool:
    """Print how much was added, and return whether that is too much."""
    blocks, size = after[0] - before[0], after[1] - before[1]
    is_too_much = blocks > most_blocks or size > MAX_BYTES
    print(
        f"{name}: {blocks:+} objects, {size // KILO:+} KiB{' GROWS' if is_too_much else ''}",
        flush=True,
    )
    return is_too_much


def _relay_is_flat(messages: int, tls: bool) -> bool:
    """The same for a relay: a first round warms it up."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        library, certificate = build(folder), write_pair(folder, issue(["relay.test"]))
        blocks = folder / "blocks"
        server = relay(ROOT)
        server = replace(
            server,
            program=(sys.executable, "-c", WATCHED + RELAY[0], *RELAY[1:]),
            environment={**server.environment, "BLOCKS": str(blocks)},
        )
        process = stack.enter_context(server.running(certificate if tls else None))
        dial = Dial(process.port, client_context() if tls else None)

        def rounds() -> tuple[int, int]:
            for load in LOADS:
                share = messages // (20 if load.message_bytes == LARGE_LOAD else 2)
                _pump(load, share, server, dial, library)
            asyncio.run(_abuse(Where(process.port, lenient_context() if tls else None)))
            time.sleep(SETTLE_SECONDS)
            return _of_relay(process, blocks)

        rounds()
        before = rounds()
        name = f"relay{', TLS' if tls else ''}"
        return not _report(name, before, rounds(), MAX_RELAY_BLOCKS)


def _pump(load: Load, messages: int, server: Server, dial: Dial, library: CDLL) -> None:
    """Let devices meet, pass so many messages, and leave without a word."""
    with ExitStack() as stack:
        groups = [server.meet(dial, room, 1 + load.receivers) for room in range(load.groups)]
        for line in (line for group in groups for line in group.lines):
            stack.enter_context(closing(line))
        generator, passed = Generator(library, load, groups), 0
        while passed < messages:
            passed += generator.pump(0.2).deliveries


async def _abuse(where: Where) -> None:
    """Do all kinds at once. Without rates, nothing ends a flood, so that time does."""

    async def one(deed: Deed) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            await asyncio.wait_for(deed(where), SETTLE_SECONDS)

    await asyncio.gather(*(one(deed) for deed in (meet, *ABUSES) for _ in range(ABUSES_OF_A_KIND)))


def _of_relay(process: ServerProcess, blocks: Path) -> tuple[int, int]:
    os.kill(process.pid, signal.SIGWINCH)
    while not (blocks.exists() and blocks.read_text()):
        time.sleep(POLL_SECONDS)
    found = int(blocks.read_text())
    blocks.unlink()
    return found, process.memory_bytes()


if __name__ == "__main__":
    main()
