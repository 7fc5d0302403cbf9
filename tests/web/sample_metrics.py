"""Metrics for tests of the admin pages: nothing happened yet, unless the test says otherwise."""

from dataclasses import fields
from typing import Any

from tests.cluster.statuses import status
from vaultrelay.broker.counters import Counters
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.observe.relay_snapshot import Expiry, MailboxSnapshot, RelaySnapshot, Waits

NOW = 1_800_000_000.0
DAY = 86400
MAILBOX = MailboxSnapshot(
    state="open",
    limit_bytes=5_000_000,
    items=12,
    bytes=4_000_000,
    file_bytes=6_000_000,
    expired=3,
    puts={"stored": 20, "full": 2, "rate": 1},
    gaps={"gone": 4},
    delivered_live=7,
    delivered_replay=8,
    commits=9,
    commit_seconds=0.5,
    waiting_bytes=100,
)
_OF_STATUS = {field.name for field in fields(NodeStatus)}


def metrics(**changes: Any) -> RelaySnapshot:
    """One moment of a quiet relay."""
    of_status: dict[str, Any] = {
        "node": "",
        "uptime_seconds": 100,
        "channels": 4,
        "joins": 0,
        "messages": 0,
        "data_bytes": 0,
        "messages_per_second": 0,
        "data_bytes_per_second": 0,
        "undelivered": 0,
        "buffered_bytes": 5,
        "lag_seconds": 0.007,
        "open_files": 12,
    }
    quiet: dict[str, Any] = {
        "now": NOW,
        "started": NOW - 100,
        "pending": 1,
        "unjoined": 2,
        "counters": Counters(),
        "buffer_limit": 6,
        "waits": {"memory": Waits(), "core": Waits()},
        "cpu_seconds": 1.5,
        "certificates": [Expiry("relay.example.org", NOW + 30.5 * DAY)],
        "warnings": (),
        "builds": {"version": "1.0.0", "python": "3.11.7"},
    }
    of_status |= {name: changes.pop(name) for name in _OF_STATUS & changes.keys()}
    return RelaySnapshot(status=status(**of_status), **(quiet | changes))
