"""The Prometheus text format 0.0.4, in which metrics are written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vaultrelay.observe.relay_snapshot import RelaySnapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
Samples = Iterable[tuple[Labels, float | None]]


@dataclass(frozen=True)
class Metric:
    """One metric family: its name, its meaning, and the function that reads it.

    A value of None is omitted: the system does not report it.
    """

    name: str
    type: str
    help: str
    read: Callable[[RelaySnapshot], Samples]


def exposition(metrics: Iterable[Metric], snapshot: RelaySnapshot) -> bytes:
    """Return these metrics, as the body of /metrics."""
    return "".join(line + "\n" for line in _lines(metrics, snapshot)).encode()


def _lines(metrics: Iterable[Metric], snapshot: RelaySnapshot) -> Iterator[str]:
    for metric in metrics:
        yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.type}"
        for labels, value in metric.read(snapshot):
            if value is not None:
                named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
                yield f"{metric.name}{{{named}}} {value}" if named else f"{metric.name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
