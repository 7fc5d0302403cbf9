"""What HAProxy costs in front of relays: CPU for each message and join, and memory.

    .venv/bin/python -m benchmarks.cluster [--quick]

HAProxy and all relays have one core between them, and the load generator has another. So rates do
not grow with workers here; what grows with cores can be worked out from the CPU of each part. The
table goes into docs/scaling.rst.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from ctypes import CDLL
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import generator, machine, meetings
from benchmarks.cluster_shapes import Cost, Shape, program
from benchmarks.connections import SETTLE_SECONDS
from benchmarks.generator import Generator
from benchmarks.lines import Dial, client_context
from benchmarks.loads import Load
from benchmarks.messages import WARM_SECONDS
from benchmarks.servers import ROOT
from tests.certificates import issue, write_pair

BUILD = ROOT / "build" / "bench"
PAGE = ROOT / "docs" / "scaling.rst"
BEGIN, END = ".. measured", ".. end of what was measured"
SHAPES = (
    Shape("relay alone", 0),
    Shape("HAProxy, one worker", 1),
    Shape("HAProxy, two workers", 2),
)
LOADS = (
    Load("1k", "1 KiB, one at a time", 1024),
    Load("tls-1k", "1 KiB, one at a time, TLS", 1024, tls=True),
    Load("1k-flood", "1 KiB, 16 in each write", 1024, per_write=16, window=4),
)
WARM_CONNECTIONS = 100
MICROSECONDS = 1e6
KILOBYTE = 1e3


class Pace(NamedTuple):
    """How much of everything is done."""

    runs: int
    seconds: float
    connections: int


THOROUGH, QUICK = Pace(5, 0.4, 1000), Pace(3, 0.2, 400)


@dataclass(frozen=True)
class MessageRun:
    """CPU for each message, and how many arrived in a second."""

    cpu: Cost
    per_second: float


@dataclass(frozen=True)
class JoinRun:
    """CPU for each device that joined over TLS, and memory for each."""

    cpu: Cost
    memory: Cost


def measure_messages(
    shape: Shape, load: Load, seconds: float, library: CDLL, certificate: tuple[Path, Path]
) -> MessageRun:
    """Let all pairs meet, and send for so many seconds."""
    with shape.running(certificate if load.tls else None) as cluster, ExitStack() as stack:
        groups = _meet(stack, cluster.port, load.tls, range(load.groups))
        pumping = Generator(library, load, groups)
        pumping.pump(WARM_SECONDS)
        before = cluster.cpu()
        pumped = pumping.pump(seconds)
        spent = (cluster.cpu() - before).each(pumped.deliveries)
    return MessageRun(spent, pumped.deliveries / pumped.seconds)


def measure_joins(shape: Shape, connections: int, certificate: tuple[Path, Path]) -> JoinRun:
    """Let pairs meet over TLS, one after another."""
    with shape.running(certificate) as cluster, ExitStack() as stack:
        _meet(stack, cluster.port, True, range(WARM_CONNECTIONS // 2))
        time.sleep(SETTLE_SECONDS)
        cpu, memory = cluster.cpu(), cluster.memory()
        _meet(stack, cluster.port, True, range(WARM_CONNECTIONS // 2, connections // 2))
        time.sleep(SETTLE_SECONDS)
        count = connections - WARM_CONNECTIONS
        return JoinRun((cluster.cpu() - cpu).each(count), (cluster.memory() - memory).each(count))


def _meet(stack: ExitStack, port: int, tls: bool, rooms: range) -> list[meetings.Group]:
    dial = Dial(port, client_context() if tls else None)
    groups = []
    for room in rooms:
        group = meetings.in_a_channel(dial, room, 2)
        for line in group.lines:
            stack.enter_context(closing(line))
        groups.append(group)
    return groups


def message_row(name: str, runs: Sequence[MessageRun]) -> list[str]:
    """Medians, as the cells of a line."""
    haproxy = median(run.cpu.haproxy for run in runs)
    relays = median(run.cpu.relays for run in runs)
    per_second = f"{median(run.per_second for run in runs):.0f}"
    return [name, *_cells(haproxy, relays, 1), per_second]


def join_row(name: str, runs: Sequence[JoinRun]) -> list[str]:
    """Medians, as the cells of a line."""
    cpu = median(run.cpu.haproxy for run in runs), median(run.cpu.relays for run in runs)
    memory = median(run.memory.haproxy for run in runs), median(run.memory.relays for run in runs)
    return [name, *_cells(*cpu, 0), *_cells(*(each / KILOBYTE for each in memory), 1)]


def _cells(haproxy: float, relays: float, digits: int) -> list[str]:
    """HAProxy's part and the relays'; none of a HAProxy that is not there."""
    return [f"{haproxy:.{digits}f}" if haproxy else "–", f"{relays:.{digits}f}"]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a page."""
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for row in (head, *rows):
        lines += [f"   {'*' if not index else ' '} - {cell}" for index, cell in enumerate(row)]
    return [*lines, ""]


def main() -> None:
    """Measure all shapes in turn, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("--quick", action="store_true", help="less of everything, and no page")
    quick = parser.parse_args().quick
    pace = QUICK if quick else THOROUGH
    # A signal must end the servers that run, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    program()
    BUILD.mkdir(parents=True, exist_ok=True)
    machine.prepare()
    library = generator.build(BUILD)
    certificate = write_pair(BUILD, issue(("relay.test",)))
    about = machine.description()
    lines = [f"Measured on {datetime.now(UTC):%Y-%m-%d}, {about['cores']} cores of an "]
    lines[0] += f"{about['processor']}, Python {about['python']}; medians of {pace.runs} runs."
    lines.append("")
    for load in LOADS:
        messages: dict[str, list[MessageRun]] = {}
        for _ in range(pace.runs):
            for shape in SHAPES:
                run = measure_messages(shape, load, pace.seconds, library, certificate)
                messages.setdefault(shape.name, []).append(run)
        head = ["", "HAProxy, µs", "relays, µs", "per second"]
        rows = [message_row(name, runs) for name, runs in messages.items()]
        lines += table(f"CPU of each message: {load.title}", head, rows)
    joins: dict[str, list[JoinRun]] = {}
    for _ in range(pace.runs):
        for shape in SHAPES:
            joins.setdefault(shape.name, []).append(
                measure_joins(shape, pace.connections, certificate)
            )
    head = ["", "HAProxy, µs", "relays, µs", "HAProxy, KB", "relays, KB"]
    rows = [join_row(name, runs) for name, runs in joins.items()]
    lines += table(f"CPU and memory of each of {pace.connections} devices, TLS", head, rows)
    print(*lines, sep="\n")
    if not quick:
        publish(lines)


def publish(lines: Sequence[str]) -> None:
    """Put the tables into the page, in place of those of the last time."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{PAGE} has no place for it, from '{BEGIN}' to '{END}'")
    PAGE.write_text("\n".join([before + begin, "", *lines, end + after]))


if __name__ == "__main__":
    main()
