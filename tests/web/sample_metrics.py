"""Figures for tests of the admin pages: nothing happened yet, unless the test says otherwise."""

from typing import Any

from vaultrelay.broker.counters import Counters
from vaultrelay.observe.relay_metrics import Expiry, Process, RelayMetrics

NOW = 1_800_000_000.0
DAY = 86400


def metrics(**changes: Any) -> RelayMetrics:
    """One moment of a quiet relay."""
    quiet: dict[str, Any] = {
        "node": "",
        "now": NOW,
        "started": NOW - 100,
        "uptime_seconds": 100,
        "draining": False,
        "waiting": 1,
        "unjoined": 2,
        "joined": 3,
        "most_joined": 1000,
        "channels": 4,
        "counters": Counters(),
        "messages": 0,
        "bytes": 0,
        "held": 5,
        "most_held": 6,
        "lag_seconds": 0.007,
        "process": Process(40_000_000, 12, 1024, 1.5),
        "certificates": [Expiry("relay.example.org", NOW + 30.5 * DAY)],
        "findings": (),
        "builds": {"version": "1.0.0", "python": "3.11.7"},
    }
    return RelayMetrics(**(quiet | changes))
