"""Figures: the measurements of the relay for the admin endpoint, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaultrelay.broker.counters import Counters
from vaultrelay.policy.finding import Finding

CURVES = ("joined", "messages", "bytes", "undelivered", "lag")
"""Curves of the last hour: joined devices, three rates per second, and a delay in seconds."""


@dataclass(frozen=True)
class Expiry:
    """The expiry of a served certificate, as a Unix time; `name` is its first name."""

    name: str
    ends: float


@dataclass(frozen=True)
class Process:
    """The system's figures of the process; None if the system does not report one."""

    resident_bytes: int | None
    open_files: int | None
    most_files: int | None
    cpu_seconds: float


@dataclass(frozen=True)
class RelayMetrics:
    """The figures of the relay at one moment. Times are Unix times, sizes are bytes.

    `node` is the relay's name among several, if it has one.

    `messages` and `bytes` include ended and open sessions, so they never fall. `lag_seconds` is
    the longest delay of a timer in the last minute.
    """

    node: str
    now: float
    started: float
    uptime_seconds: int
    draining: bool
    waiting: int
    unjoined: int
    joined: int
    most_joined: int
    channels: int
    counters: Counters
    messages: int
    bytes: int
    held: int
    most_held: int
    lag_seconds: float
    process: Process
    certificates: Sequence[Expiry]
    findings: Sequence[Finding]
    builds: Mapping[str, str]
