"""One run of many connections on one server: CPU for each, and what they keep in memory."""

import time
from contextlib import ExitStack, closing
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generator import Generator
from benchmarks.lines import Dial, client_context
from benchmarks.loads import Load
from benchmarks.meetings import Group
from benchmarks.servers import Server

SETTLE_SECONDS = 0.15
"""For what a server does after its start, or after the last connection."""
STEPS = (0.25, 0.5, 1.0)
"""Of all connections. The first step warms the server up, and is not in the CPU figure."""
MESSAGE = Load("message", "64 KiB on every pair", 65536)
AT_ONCE = 50
"""Pairs. A relay in 64 MB may hold 8 MB for receivers whose sockets are full for a moment."""


@dataclass(frozen=True)
class ConnectionRun:
    """What one run showed. `memory` is by number of connections, in bytes, before any message."""

    cpu_microseconds: float
    memory: dict[int, int]
    memory_after_messages: int
    memory_after_all_at_once: int
    """After a message on every pair in the same moment, as after a restart of all devices."""

    @property
    def idle_bytes(self) -> int:
        """With all connections."""
        return self.memory[max(self.memory)]

    def bytes_each(self, in_all: int) -> float:
        """What one connection has added to what the server had at its start."""
        return (in_all - self.memory[0]) / max(self.memory)


def measure(
    server: Server, tls: bool, connections: int, library: CDLL, certificate: tuple[Path, Path]
) -> ConnectionRun:
    """Let pairs meet one after another, then send a message on each, some at a time."""
    with server.running(certificate if tls else None) as process, ExitStack() as stack:
        dial = Dial(process.port, client_context() if tls else None)
        groups: list[Group] = []
        time.sleep(SETTLE_SECONDS)
        memory = {0: process.memory_bytes()}
        cpu = []
        for step in STEPS:
            while 2 * len(groups) < step * connections:
                groups.append(server.meet(dial, len(groups), 2))
                for line in groups[-1].lines:
                    stack.enter_context(closing(line))
            time.sleep(SETTLE_SECONDS)
            memory[2 * len(groups)] = process.memory_bytes()
            cpu.append(process.cpu_microseconds())
        for first in range(0, len(groups), AT_ONCE):
            wave = groups[first : first + AT_ONCE]
            Generator(library, MESSAGE, wave).pump(SETTLE_SECONDS, most_writes=1)
        time.sleep(SETTLE_SECONDS)
        after = process.memory_bytes()
        Generator(library, MESSAGE, groups).pump(SETTLE_SECONDS, most_writes=1)
        time.sleep(SETTLE_SECONDS)
        after_all = process.memory_bytes()
    counted = max(memory) - sorted(memory)[1]
    return ConnectionRun((cpu[-1] - cpu[0]) / counted, memory, after, after_all)
