"""What was found: the runs of every server, as tables and as JSON."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TypeVar

from benchmarks.connections import ConnectionRun
from benchmarks.loads import Load
from benchmarks.messages import MessageRun

Run = TypeVar("Run", MessageRun, ConnectionRun)
Runs = dict[str, list[Run]]
"""By name of the server."""
MEGABYTE = 1e6
AFTER = ("after MB", "KB each")
"""Columns for when each pair has passed a message of 64 KiB."""


@dataclass
class Results:
    """Everything of one call, in the order in which it was measured."""

    about: dict[str, str]
    versions: dict[str, str]
    proof_microseconds: float
    loads: list[tuple[Load, Runs[MessageRun]]] = field(default_factory=list)
    connections: list[tuple[str, Runs[ConnectionRun]]] = field(default_factory=list)

    def as_json(self) -> str:
        """Every run, for programs."""
        return (
            json.dumps(
                {
                    "about": self.about,
                    "versions": self.versions,
                    "proof_microseconds": self.proof_microseconds,
                    "loads": [
                        asdict(load) | {"servers": _plain(runs)} for load, runs in self.loads
                    ],
                    "connections": [
                        {"title": title, "servers": _plain(runs)}
                        for title, runs in self.connections
                    ],
                },
                indent=1,
            )
            + "\n"
        )

    def summary(self) -> str:
        """The medians of the CPU figures: a line for each load, a column for each server."""
        names = list(self.versions)
        lines = ["CPU of the server process, us per message; the last lines per connection", ""]
        lines.append(f"{'':34}" + "".join(f"{name:>12}" for name in names))
        rows = [(load.title, cpu_medians(runs)) for load, runs in self.loads]
        rows += [(title, cpu_medians(runs)) for title, runs in self.connections]
        for title, medians in rows:
            cells = (
                f"{medians[name]:12.2f}" if name in medians else f"{'-':>12}" for name in names
            )
            lines.append(f"{title:34}" + "".join(cells))
        proof = f"{self.proof_microseconds:.0f} us"
        lines += ["", f"Of each connection to the relay, {proof} are for verifying its proof."]
        return "\n".join(lines)


def message_table(load: Load, runs: Runs[MessageRun]) -> str:
    """One load: a line for each server."""
    lines = [f"{load.title:34}{'CPU us each':>12}{'min..max':>18}{'per second':>12}{'MB/s':>8}"]
    for name, found in runs.items():
        rate = middle(found, lambda run: run.per_second)
        megabytes = middle(found, lambda run: run.megabytes_per_second)
        lines.append(f"  {name:32}{_cpu(found)}{rate:12.0f}{megabytes:8.0f}")
    return "\n".join(lines)


def connection_table(title: str, runs: Runs[ConnectionRun]) -> str:
    """One kind of connections: a line for each server."""
    columns = "".join(f"{column:>10}" for column in ("start MB", "idle MB", "KB each", *AFTER))
    lines = [f"{title:34}{'CPU us each':>12}{'min..max':>18}{columns}"]
    for name, found in runs.items():
        start = middle(found, lambda run: run.memory[0] / MEGABYTE)
        idle = middle(found, lambda run: run.idle_bytes / MEGABYTE)
        after = middle(found, lambda run: run.memory_after_messages / MEGABYTE)
        idle_each = middle(found, lambda run: run.bytes_each(run.idle_bytes) / 1e3)
        each = middle(found, lambda run: run.bytes_each(run.memory_after_messages) / 1e3)
        figures = (start, idle, idle_each, after, each)
        lines.append(f"  {name:32}{_cpu(found)}" + "".join(f"{value:10.1f}" for value in figures))
    return "\n".join(lines)


def cpu_medians(runs: Runs[Run]) -> dict[str, float]:
    """By name of the server, for those with a run."""
    return {
        name: middle(found, lambda run: run.cpu_microseconds)
        for name, found in runs.items()
        if found
    }


def middle(runs: Iterable[Run], figure: Callable[[Run], float]) -> float:
    """The median of one figure."""
    return median(map(figure, runs))


def _cpu(runs: Iterable[MessageRun | ConnectionRun]) -> str:
    found = [run.cpu_microseconds for run in runs]
    extent = f"{min(found):.2f}..{max(found):.2f}"
    return f"{median(found):12.2f}{extent:>18}"


def _plain(runs: Runs[Run]) -> dict[str, object]:
    return {name: [asdict(run) for run in found] for name, found in runs.items()}
