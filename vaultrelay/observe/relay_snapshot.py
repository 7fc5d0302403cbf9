"""RelaySnapshot: the measurements of the relay for the admin endpoint, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vaultrelay.broker.counters import Counters
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.policy.operator_warning import OperatorWarning

CURVES = ("joined", "messages", "bytes", "undelivered", "lag")
"""Curves of the last hour: joined devices, three rates per second, and a delay in seconds."""


@dataclass(frozen=True)
class Expiry:
    """The expiry of a served certificate, as a Unix time; `name` is its first name."""

    name: str
    ends: float


class Waits(NamedTuple):
    """Devices that wait for a resource of the relay: how many do now, and how often one began to
    wait since the start."""

    now: int = 0
    total: int = 0


@dataclass(frozen=True)
class MailboxSnapshot:
    """The mailbox at one moment. `items` to `expired` are None before the store is open; `puts` are
    by result, `gaps` by their word."""

    state: str
    limit_bytes: int
    items: int | None
    bytes: int | None
    file_bytes: int | None
    expired: int | None
    puts: Mapping[str, int]
    gaps: Mapping[str, int]
    delivered_live: int
    delivered_replay: int
    commits: int
    commit_seconds: float
    waiting_bytes: int


@dataclass(frozen=True)
class RelaySnapshot:
    """The metrics of the relay at one moment: its status, and what only its own pages show.

    Times are Unix times. `pending` and `unjoined` count connections before and after the upgrade.
    `waits` has a key for each resource for which devices may wait: "memory" and "core". `builds`
    are the versions in use.
    """

    status: NodeStatus
    now: float
    started: float
    pending: int
    unjoined: int
    counters: Counters
    buffer_limit: int
    waits: Mapping[str, Waits]
    cpu_seconds: float
    certificates: Sequence[Expiry]
    warnings: Sequence[OperatorWarning]
    builds: Mapping[str, str]
    mailbox: MailboxSnapshot | None = None
