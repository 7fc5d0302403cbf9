"""One run of one load on one server: CPU for each message that arrives."""

from contextlib import ExitStack, closing
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generator import Generator
from benchmarks.lines import Dial, client_context
from benchmarks.loads import Load
from benchmarks.meetings import check
from benchmarks.servers import Server

WARM_SECONDS = 0.1
"""Until interpreters have specialised, compilers compiled and socket buffers grown."""


@dataclass(frozen=True)
class MessageRun:
    """What one run showed."""

    cpu_microseconds: float
    per_second: float
    megabytes_per_second: float


def measure(
    server: Server,
    load: Load,
    seconds: float,
    library: CDLL,
    certificate: tuple[Path, Path],
    address: str = "",
) -> MessageRun:
    """Start the server, let all groups meet, send for so many seconds; from an `address` if the
    server trusts this machine as its proxy."""
    with server.running(certificate if load.tls else None) as process, ExitStack() as stack:
        dial = Dial(process.port, client_context() if load.tls else None, address)
        groups = []
        for room in range(load.groups):
            group = server.meet(dial, room, 1 + load.receivers)
            for line in group.lines:
                stack.enter_context(closing(line))
            groups.append(group)
        check(groups[0], load.message_bytes)
        generator = Generator(library, load, groups)
        generator.pump(WARM_SECONDS)
        before = process.cpu_microseconds()
        pumped = generator.pump(seconds)
        spent = process.cpu_microseconds() - before
    per_second = pumped.deliveries / pumped.seconds
    return MessageRun(spent / pumped.deliveries, per_second, per_second * load.message_bytes / 1e6)
