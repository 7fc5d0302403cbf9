"""Latency: /health while all devices flood, and the CPU of a relay under light load.

    .venv/bin/python -m benchmarks.latency [TREE ...]

Each TREE is a folder with another `vaultrelay` in it, measured in turn with this one.
"""

import socket
import sys
import time
from contextlib import ExitStack, closing
from ctypes import CDLL
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Thread

from benchmarks import generator, machine, meetings
from benchmarks.__main__ import BUILD
from benchmarks.generator import Generator
from benchmarks.lines import Dial
from benchmarks.loads import Load
from benchmarks.servers import ROOT, Server, relay

ROUNDS = 5
FLOOD = Load("flood", "1 KiB, 16 in each write", 1024, per_write=16, window=4)
FLOOD_SECONDS = 3.0
ASK_SECONDS = 0.01
"""Between two requests to /health."""
LIGHT = Load("light", "1 KiB, 1000 a second", 1024, groups=10)
LIGHT_SECONDS = 2.0
STEP_SECONDS = 0.01
"""In which each of ten pairs sends one message."""
REQUEST = b"GET /health HTTP/1.1\r\nHost: relay.test\r\n\r\n"


def main() -> None:
    machine.prepare()
    BUILD.mkdir(parents=True, exist_ok=True)
    library = generator.build(BUILD)
    servers = [relay(tree.resolve()) for tree in (ROOT, *map(Path, sys.argv[1:]))]
    waits: dict[str, list[float]] = {}
    light: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for server in servers:
            waits.setdefault(server.name, []).extend(health_during_flood(server, library))
            light.setdefault(server.name, []).append(light_load(server, library))
    for name, found in waits.items():
        cuts = quantiles(found, n=100)
        print(
            f"{name:16} /health during a flood: p50 {cuts[49] * 1e3:6.1f} ms, p99 "
            f"{cuts[98] * 1e3:6.1f} ms, most {max(found) * 1e3:6.1f} ms, of {len(found)}; "
            f"light load: {median(light[name]):5.1f} us a message"
        )


def health_during_flood(server: Server, library: CDLL) -> list[float]:
    """Seconds from the connect to the end of each answer, while 100 pairs send all they can."""
    with server.running(None) as process, ExitStack() as stack:
        groups = _meet(server, process.port, FLOOD, stack)
        found: list[float] = []
        over = Event()

        def ask() -> None:
            while not over.wait(ASK_SECONDS):
                began = time.perf_counter()
                with socket.create_connection(("127.0.0.1", process.port)) as asking:
                    asking.sendall(REQUEST)
                    while asking.recv(4096):
                        pass
                found.append(time.perf_counter() - began)

        asking = Thread(target=ask)
        asking.start()
        try:
            Generator(library, FLOOD, groups).pump(FLOOD_SECONDS)
        finally:
            over.set()
            asking.join()
    return found


def light_load(server: Server, library: CDLL) -> float:
    """CPU microseconds for each of 1000 messages a second."""
    with server.running(None) as process, ExitStack() as stack:
        pump = Generator(library, LIGHT, _meet(server, process.port, LIGHT, stack)).pump
        pump(STEP_SECONDS, most_writes=1)
        count = 0
        before = process.cpu_microseconds()
        until = time.perf_counter() + LIGHT_SECONDS
        while (now := time.perf_counter()) < until:
            count += pump(STEP_SECONDS, most_writes=1).deliveries
            time.sleep(max(0.0, now + STEP_SECONDS - time.perf_counter()))
        return (process.cpu_microseconds() - before) / count


def _meet(server: Server, port: int, load: Load, stack: ExitStack) -> list[meetings.Group]:
    groups = [server.meet(Dial(port, None), room, 2) for room in range(load.groups)]
    for group in groups:
        for line in group.lines:
            stack.enter_context(closing(line))
    return groups


if __name__ == "__main__":
    main()
