"""The charts of the results: which figures, of which servers, in which panel."""

from collections.abc import Sequence

from benchmarks.connections import ConnectionRun
from benchmarks.results import MEGABYTE, Results, cpu_medians, middle
from benchmarks.svg import Panel, Points, chart

SIZES = {64: "64 B", 1024: "1 KiB", 65536: "64 KiB"}


def message_chart(results: Results) -> str:
    """CPU for each message by its size; one panel for each way of sending."""
    panels = []
    for title, flood in (("one message at a time", False), ("as many as the window holds", True)):
        lines: dict[str, Points] = {}
        for load, runs in results.loads:
            if load.receivers == 1 and not load.tls and (load.window > 1) == flood:
                for name, microseconds in cpu_medians(runs).items():
                    lines.setdefault(name, []).append((load.message_bytes, microseconds))
        lines = {name: sorted(points) for name, points in lines.items()}
        panels.append(Panel(title, lines, "size of a message", "CPU µs per message", SIZES, True))
    title = "CPU of the server for each relayed message, 100 pairs"
    return chart(title, panels, list(results.versions))


def memory_chart(results: Results) -> str:
    """Memory by number of connections; one panel without TLS and one with it."""
    panels = []
    for _, title, runs in results.connections:
        lines = {name: _memory(found) for name, found in runs.items() if found}
        counts = {count: f"{count:.0f}" for count, _ in next(iter(lines.values()), [])}
        panels.append(Panel(title, lines, "connections", "memory, MB", counts, False))
    return chart("Memory of the server before any message", panels, list(results.versions))


def _memory(runs: Sequence[ConnectionRun]) -> Points:
    return [
        (count, middle(runs, lambda run, count=count: run.memory[count] / MEGABYTE))  # type: ignore[misc]  # mypy infers no type for the default
        for count in runs[0].memory
    ]
