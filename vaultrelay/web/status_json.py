"""The status of this relay for the other relays, as /status.json."""

from collections.abc import Mapping, Sequence
from math import isnan

from vaultrelay.cluster.status import NodeStatus
from vaultrelay.observe.relay_metrics import RelayMetrics
from vaultrelay.policy.limits import FINDING_CHARS


def status_of(metrics: RelayMetrics, curves: Mapping[str, Sequence[float]]) -> NodeStatus:
    """Return the status of the relay from its figures and curves."""
    process, rates = metrics.process, latest(curves)
    urgent = sum(finding.is_urgent for finding in metrics.findings)
    worst = sorted(metrics.findings, key=lambda finding: not finding.is_urgent)
    return NodeStatus(
        node=metrics.node,
        version=metrics.builds["version"],
        state="draining" if metrics.draining else "ok",
        uptime_seconds=metrics.uptime_seconds,
        devices=metrics.joined,
        devices_limit=metrics.most_joined,
        channels=metrics.channels,
        joins=metrics.counters.joins,
        messages=metrics.messages,
        data_bytes=metrics.bytes,
        undelivered=metrics.counters.undelivered.total(),
        messages_per_second=rates["messages"],
        data_bytes_per_second=rates["bytes"],
        buffered_bytes=metrics.held,
        lag_seconds=metrics.lag_seconds,
        memory_bytes=process.resident_bytes,
        open_files=process.open_files,
        open_files_limit=process.most_files,
        urgent=urgent,
        remarks=len(metrics.findings) - urgent,
        worst=worst[0].text[:FINDING_CHARS] if worst else "",
    )


def latest(curves: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the last sample of each curve; 0 if unknown."""
    return {
        name: 0.0 if isnan(samples[-1]) else float(samples[-1]) for name, samples in curves.items()
    }
