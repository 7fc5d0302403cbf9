"""What a relay tells others of itself, from its figures."""

from dataclasses import asdict
from math import nan

from tests.web.sample_metrics import metrics
from vaultrelay.broker.counters import Counters
from vaultrelay.cluster.status import NodeStatus
from vaultrelay.observe.relay_metrics import CURVES, Process
from vaultrelay.policy.finding import Finding
from vaultrelay.policy.limits import FINDING_CHARS
from vaultrelay.web.status_json import status_of


def curves(sample: float) -> dict[str, list[float]]:
    return {name: [7.0, sample] for name in CURVES}


def test_every_figure_is_where_it_belongs() -> None:
    counters = Counters(joins=9)
    counters.undelivered.update(gone=2, busy=1)
    told = status_of(
        metrics(node="relay-2", counters=counters, messages=100, bytes=5000), curves(2.5)
    )
    assert asdict(told) == {
        "node": "relay-2",
        "version": "1.0.0",
        "state": "ok",
        "uptime_seconds": 100,
        "devices": 3,
        "devices_limit": 1000,
        "channels": 4,
        "joins": 9,
        "messages": 100,
        "data_bytes": 5000,
        "undelivered": 3,
        "messages_per_second": 2.5,
        "data_bytes_per_second": 2.5,
        "buffered_bytes": 5,
        "lag_seconds": 0.007,
        "memory_bytes": 40_000_000,
        "open_files": 12,
        "open_files_limit": 1024,
        "urgent": 0,
        "remarks": 0,
        "worst": "",
    }


def test_what_is_urgent_is_the_worst() -> None:
    findings = [Finding("no_name", "A."), Finding("certificate", "B.", is_urgent=True)]
    told = status_of(metrics(findings=findings, draining=True), curves(0))
    assert (told.urgent, told.remarks, told.worst, told.state) == (1, 1, "B.", "draining")


def test_what_it_says_can_be_read() -> None:
    findings = [Finding("not_read", "x" * 2 * FINDING_CHARS)]
    told = status_of(metrics(findings=findings, process=Process(None, None, None, 1)), curves(nan))
    assert NodeStatus.read(told.encode()) == told
    assert (told.messages_per_second, told.memory_bytes) == (0, None)
