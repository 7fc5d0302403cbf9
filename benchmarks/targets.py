"""What the relay is to reach with its compiled twins: by itself, and beside other servers.

The figures in microseconds are of two shared cores of an AMD EPYC (2026-11-29, Python 3.11, OpenSSL
3.0). On a slower machine those beside other servers of the same run tell more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """The least of a figure and of parts of what other servers take, by their names."""

    figure: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)

    def limit(self, figures: Mapping[str, float]) -> float | None:
        """Return the limit in a run with these figures of the servers; None without one."""
        limits = [part * figures[name] for name, part in self.parts.items() if name in figures]
        if self.figure is not None:
            limits.append(self.figure)
        return min(limits, default=None)


CPU_MICROSECONDS = {
    "1k-flood": Target(1.3, {"nats": 0.5}),
    "1k": Target(parts={"picows": 1.2}),
    "64b-flood": Target(parts={"nats": 1}),
    "64k-four": Target(parts={"picows": 1, "forwarder": 1.15}),
    "fan-out": Target(0.55, {"socketify": 1}),
    "tls-1k-flood": Target(2.1),
    "tls-64k-four": Target(parts={"picows": 1.15}),
    "tls-64k": Target(parts={"picows": 1.15}),
    "join": Target(180),
}
"""For each message, delivery of a broadcast, or join."""
MEMORY_MEGABYTES = {"tls-connections": Target(62.9)}
"""Of the process with 1000 connections, which is 60 MiB."""
