"""Statuses for tests: a quiet relay, unless the test says otherwise."""

from typing import Any

from vaultrelay.cluster.status_json import NodeStatus


def status(**changes: Any) -> NodeStatus:
    """What one relay says of itself."""
    quiet: dict[str, Any] = {
        "node": "relay-1",
        "version": "1.0.0",
        "state": "ok",
        "uptime_seconds": 7200,
        "devices": 3,
        "devices_limit": 1000,
        "channels": 2,
        "joins": 9,
        "messages": 100,
        "data_bytes": 5000,
        "undelivered": 1,
        "messages_per_second": 1.5,
        "data_bytes_per_second": 75.0,
        "buffered_bytes": 10,
        "lag_seconds": 0.002,
        "memory_bytes": 40_000_000,
        "open_files": 20,
        "open_files_limit": 1024,
        "urgent": 0,
        "remarks": 0,
        "worst": "",
        "code": "native",
    }
    return NodeStatus(**(quiet | changes))
