"""What HAProxy costs in front of relays: CPU for each message and join, and memory.

    .venv/bin/python -m benchmarks.cluster [--quick]

HAProxy and all relays have one core between them, and the load generator has another. Rates are
what that core would do if nobody else used it, by the CPU that each part took; so they do not grow
with workers here. The tables go into docs/scaling.rst.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from ctypes import CDLL
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

from benchmarks import generator, machine, meetings
from benchmarks.cluster_shapes import Cost, Shape, program
from benchmarks.connections import SETTLE_SECONDS
from benchmarks.generator import Generator
from benchmarks.lines import Dial, client_context
from benchmarks.loads import Load
from benchmarks.messages import WARM_SECONDS
from benchmarks.servers import ROOT
from tests.authority import issue, write_pair

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
KILOBYTE = 1e3
MICROSECONDS = 1e6


class Pace(NamedTuple):
    """How much of everything is done."""

    runs: int
    seconds: float
    connections: int


THOROUGH, QUICK = Pace(5, 0.4, 1000), Pace(3, 0.2, 400)


@dataclass(frozen=True)
class JoinRun:
    """CPU for each device that joined over TLS, and memory for each."""

    cpu: Cost
    memory: Cost


Run = TypeVar("Run", Cost, JoinRun)


def measure_messages(
    shape: Shape, load: Load, seconds: float, library: CDLL, certificate: tuple[Path, Path]
) -> Cost:
    """CPU for each message, when all pairs send for so many seconds."""
    with shape.running(certificate if load.tls else None) as cluster, ExitStack() as stack:
        groups = _meet(stack, cluster.port, load.tls, range(load.groups))
        pumping = Generator(library, load, groups)
        pumping.pump(WARM_SECONDS)
        before = cluster.cpu()
        pumped = pumping.pump(seconds)
        return (cluster.cpu() - before).each(pumped.deliveries)


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


def message_row(name: str, runs: Sequence[Cost]) -> list[str]:
    """Medians, as the cells of a line."""
    haproxy, relays = _medians(runs)
    return [name, f"{haproxy:.1f}", f"{relays:.1f}", _per_second(haproxy + relays)]


def join_row(name: str, runs: Sequence[JoinRun]) -> list[str]:
    """Medians, as the cells of a line."""
    haproxy, relays = _medians([run.cpu for run in runs])
    kilobytes = [f"{each / KILOBYTE:.1f}" for each in _medians([run.memory for run in runs])]
    return [name, f"{haproxy:.0f}", f"{relays:.0f}", _per_second(haproxy + relays), *kilobytes]


def _medians(costs: Sequence[Cost]) -> tuple[float, float]:
    return median(cost.haproxy for cost in costs), median(cost.relays for cost in costs)


def _per_second(microseconds: float) -> str:
    """How often a core does what takes it so long, to two digits: there is no more to it."""
    return f"{float(f'{MICROSECONDS / microseconds:.1e}'):.0f}"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a page."""
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for row in (head, *rows):
        lines += [f"   {' ' if index else '*'} - {cell}".rstrip() for index, cell in enumerate(row)]
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
    lines = [_about(pace), ""]
    for load in LOADS:
        head = ["CPU of each message", "HAProxy, µs", "relays, µs", "messages a second"]
        messages = _in_turn(
            pace.runs,
            partial(
                measure_messages,
                load=load,
                seconds=pace.seconds,
                library=library,
                certificate=certificate,
            ),
        )
        rows = [message_row(name, runs) for name, runs in messages.items()]
        lines += table(load.title, head, rows)
    measure = partial(measure_joins, connections=pace.connections, certificate=certificate)
    head = [
        "CPU and memory of each",
        *("HAProxy, µs", "relays, µs", "joins a second", "HAProxy, KB", "relays, KB"),
    ]
    rows = [join_row(name, runs) for name, runs in _in_turn(pace.runs, measure).items()]
    lines += table(f"{pace.connections} devices that join over TLS", head, rows)
    print(*lines, sep="\n")
    if not quick:
        publish(lines)


def _in_turn(runs: int, measure: Callable[[Shape], Run]) -> dict[str, list[Run]]:
    """The runs of each shape, one after another, so that a noisy minute meets all of them."""
    found: dict[str, list[Run]] = {}
    for _ in range(runs):
        for shape in SHAPES:
            found.setdefault(shape.name, []).append(measure(shape))
    return found


def _about(pace: Pace) -> str:
    about = machine.description()
    return (
        f"Measured by ``make bench-cluster`` on {datetime.now(UTC):%Y-%m-%d} on {about['cores']} "
        f"cores of an {about['processor']}, Python {about['python']}; medians of {pace.runs} runs."
    )


def publish(lines: Sequence[str]) -> None:
    """Put the tables into the page, in place of those of the last time."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{PAGE} has no place for it, from '{BEGIN}' to '{END}'")
    PAGE.write_text("\n".join([before + begin, "", *lines, end + after]))


if __name__ == "__main__":
    main()
