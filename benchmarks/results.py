"""What was found: the runs of every server, as tables and as JSON."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TypeVar

from benchmarks.connections import ConnectionRun
from benchmarks.joins import JoinRun
from benchmarks.loads import Load
from benchmarks.messages import MessageRun
from benchmarks.targets import CPU_MICROSECONDS, MEMORY_MEGABYTES, Target

Run = TypeVar("Run", MessageRun, ConnectionRun, JoinRun)
Runs = dict[str, list[Run]]
"""By name of the server."""
MEGABYTE = 1e6
NO_TARGET = Target()
AFTER = ("after MB", "KB each")
"""Columns for when each pair has passed a message of 64 KiB."""


@dataclass(frozen=True)
class Row:
    """A line of the summary: a figure of each server by name, and the target of the relay's."""

    title: str
    figures: dict[str, float]
    target: Target = NO_TARGET

    def text(self, names: Iterable[str]) -> str:
        """The line. A figure of the relay above its target has a star."""
        limit = self.target.limit(self.figures)
        target = "-" if limit is None else f"{limit:.2f}"
        return f"{self.title:42}{target:>9}" + "".join(self._cell(name, limit) for name in names)

    def _cell(self, name: str, limit: float | None) -> str:
        if name not in self.figures:
            return f"{'-':>12} "
        figure = self.figures[name]
        is_missed = name == "relay" and limit is not None and figure > limit
        return f"{figure:12.2f}{'*' if is_missed else ' '}"


@dataclass
class Results:
    """Everything of one call, in the order in which it was measured."""

    about: dict[str, str]
    versions: dict[str, str]
    proof_microseconds: float
    loads: list[tuple[Load, Runs[MessageRun]]] = field(default_factory=list)
    joins: list[tuple[str, str, Runs[JoinRun]]] = field(default_factory=list)
    """With name and title."""
    connections: list[tuple[str, str, Runs[ConnectionRun]]] = field(default_factory=list)

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
                    "joins": [
                        {"title": title, "servers": _plain(runs)} for _, title, runs in self.joins
                    ],
                    "connections": [
                        {"title": title, "servers": _plain(runs)}
                        for _, title, runs in self.connections
                    ],
                },
                indent=1,
            )
            + "\n"
        )

    def summary(self) -> str:
        """The medians of all figures: a line for each load, a column for each server."""
        rows = [
            Row(load.title, cpu_medians(runs), CPU_MICROSECONDS.get(load.name, NO_TARGET))
            for load, runs in self.loads
        ]
        rows += [
            Row(title, cpu_medians(runs), CPU_MICROSECONDS.get(name, NO_TARGET))
            for name, title, runs in self.joins
        ]
        for name, title, runs in self.connections:
            rows.append(Row(f"{title}, one after another", cpu_medians(runs)))
            target = MEMORY_MEGABYTES.get(name, NO_TARGET)
            rows.append(Row(f"{title}, idle, MB", _medians(runs, "idle_bytes"), target))
            after_all = _medians(runs, "memory_after_all_at_once")
            rows.append(Row(f"{title}, after 64 KiB, MB", after_all, target))
        names = list(self.versions)
        return "\n".join(
            [
                "CPU of the server process in us for each message, delivery, join or connection;",
                "memory of the process in MB. * marks a figure of the relay above its target.",
                "",
                f"{'':42}{'target':>9}" + "".join(f"{name:>12} " for name in names),
                *(row.text(names) for row in rows),
                "",
                f"{self.proof_microseconds:.0f} us of each join of the relay are for its proof.",
                "The other servers have none, and only answer the upgrade.",
            ]
        )


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


def _medians(runs: Runs[ConnectionRun], figure: str) -> dict[str, float]:
    """By name of the server, in MB."""
    return {
        name: middle(found, lambda run: getattr(run, figure) / MEGABYTE)
        for name, found in runs.items()
    }


def middle(runs: Iterable[Run], figure: Callable[[Run], float]) -> float:
    """The median of one figure."""
    return median(map(figure, runs))


def join_table(title: str, runs: Runs[JoinRun]) -> str:
    """Joins: a line for each server."""
    lines = [f"{title:34}{'CPU us each':>12}{'min..max':>18}"]
    lines += [f"  {name:32}{_cpu(found)}" for name, found in runs.items()]
    return "\n".join(lines)


def _cpu(runs: Iterable[MessageRun | ConnectionRun | JoinRun]) -> str:
    found = [run.cpu_microseconds for run in runs]
    extent = f"{min(found):.2f}..{max(found):.2f}"
    return f"{median(found):12.2f}{extent:>18}"


def _plain(runs: Runs[Run]) -> dict[str, object]:
    return {name: [asdict(run) for run in found] for name, found in runs.items()}
