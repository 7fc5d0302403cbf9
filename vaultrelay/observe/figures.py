"""Figures: what the admin endpoint tells of the relay, measured at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaultrelay.broker.counters import Counters
from vaultrelay.policy.finding import Finding

CURVES = ("joined", "messages", "bytes", "undelivered", "lag")
"""What is kept of the last hour: joined devices, three rates in a second, and seconds of delay."""


@dataclass(frozen=True)
class Expiry:
    """When a served certificate ends, as a Unix time; `name` is the first that it is for."""

    name: str
    ends: float


@dataclass(frozen=True)
class Process:
    """What the system says of the process; None where it says nothing."""

    resident_bytes: int | None
    open_files: int | None
    most_files: int | None
    cpu_seconds: float


@dataclass(frozen=True)
class Figures:
    """One moment of the relay. Times are Unix times, sizes are bytes.

    `node` is the relay's name among several, if it has one.

    `messages` and `bytes` are those of ended sessions and of live ones, so they never fall.
    `lag_seconds` is the longest that a timer came late in the last minute.
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
