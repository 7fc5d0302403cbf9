"""Metrics: the metrics of the relay.

No label contains text from a peer: labels are our slugs, versions, and the operator's certificate
names.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from vaultrelay.observe.relay_snapshot import RelaySnapshot
from vaultrelay.policy.operator_warning import SUMMARIES
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.metrics_format import Labels, Metric, Samples
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import Reason


def _one(value: Callable[[RelaySnapshot], float | None]) -> Callable[[RelaySnapshot], Samples]:
    return lambda metrics: [((), value(metrics))]


def by_label(
    label: str, counts: Mapping[str, int], known: Iterable[str]
) -> Iterator[tuple[Labels, int]]:
    """Yield each known slug, so that rates work from the start, and all others with a count."""
    for slug in dict.fromkeys([*known, *counts]):
        yield ((label, slug),), counts.get(slug, 0)


def _closes(metrics: RelaySnapshot) -> Samples:
    closed = metrics.counters.closed
    return [
        ((("code", str(code.number)), ("slug", code.slug)), closed.get(code.slug, 0))
        for code in CloseCode
    ]


def _warnings(metrics: RelaySnapshot) -> Samples:
    found = {warning.slug for warning in metrics.warnings}
    return [((("warning", slug),), int(slug in found)) for slug in SUMMARIES]


def _certificates(metrics: RelaySnapshot) -> Samples:
    return [
        ((("index", str(index)), ("name", each.name)), each.ends)
        for index, each in enumerate(metrics.certificates)
    ]


def _build(metrics: RelaySnapshot) -> Samples:
    node = [("node", metrics.status.node)] if metrics.status.node else []
    return [((*metrics.builds.items(), *node), 1)]


METRICS = (
    Metric(
        "vaultrelay_connections",
        "gauge",
        "Connections: pending (a request head or the answer to a close is outstanding), WebSockets "
        "that have not joined, and joined devices.",
        lambda metrics: [
            ((("stage", "waiting"),), metrics.pending),
            ((("stage", "unjoined"),), metrics.unjoined),
            ((("stage", "joined"),), metrics.status.devices),
        ],
    ),
    Metric(
        "vaultrelay_connections_limit",
        "gauge",
        "Number of devices that the relay admits.",
        _one(lambda metrics: metrics.status.devices_limit),
    ),
    Metric(
        "vaultrelay_channels",
        "gauge",
        "Channels with at least one device.",
        _one(lambda metrics: metrics.status.channels),
    ),
    Metric(
        "vaultrelay_handshakes_total",
        "counter",
        "Connections and joins, by outcome: joined, or the slug of the reason for the refusal.",
        lambda metrics: [
            ((("outcome", "joined"),), metrics.counters.joins),
            *by_label("outcome", metrics.counters.refused, REFUSED),
        ],
    ),
    Metric(
        "vaultrelay_joins_total",
        "counter",
        "Devices that joined a channel.",
        _one(lambda metrics: metrics.counters.joins),
    ),
    Metric(
        "vaultrelay_messages_total",
        "counter",
        "Data messages received from devices.",
        _one(lambda metrics: metrics.status.messages),
    ),
    Metric(
        "vaultrelay_message_bytes_total",
        "counter",
        "Bytes of the data messages received from devices, including headers.",
        _one(lambda metrics: metrics.status.data_bytes),
    ),
    Metric(
        "vaultrelay_undelivered_total",
        "counter",
        "Undelivered messages, once for each receiver that a message did not reach, by reason.",
        lambda metrics: by_label(
            "reason", metrics.counters.undelivered, [reason.name.lower() for reason in Reason]
        ),
    ),
    Metric(
        "vaultrelay_closes_total",
        "counter",
        "Sessions that the relay closed, by close code.",
        _closes,
    ),
    Metric(
        "vaultrelay_leaves_total",
        "counter",
        "Sessions that ended from the device's side: closed by a close frame, or lost.",
        lambda metrics: by_label("reason", metrics.counters.left, ["closed", "lost"]),
    ),
    Metric(
        "vaultrelay_ignored_total",
        "counter",
        "Invalid input that the relay ignored, by kind.",
        lambda metrics: by_label("what", metrics.counters.ignored, ["forwarded_for"]),
    ),
    Metric(
        "vaultrelay_buffered_bytes",
        "gauge",
        "Bytes held for devices that have not taken them yet.",
        _one(lambda metrics: metrics.status.buffered_bytes),
    ),
    Metric(
        "vaultrelay_buffered_limit_bytes",
        "gauge",
        "Limit of the bytes held.",
        _one(lambda metrics: metrics.buffer_limit),
    ),
    Metric(
        "vaultrelay_waiting_devices",
        "gauge",
        "Devices that are not read now, by what they wait for: memory, since their channel or "
        "network holds more than its share or no room is left; or the core, since their network "
        "has used more than its share while others want it.",
        lambda metrics: [
            ((("resource", resource),), waits.now) for resource, waits in metrics.waits.items()
        ],
    ),
    Metric(
        "vaultrelay_waits_total",
        "counter",
        "How often a device had to wait for memory or for the core. One that sends without end "
        "waits for the core before each of its turns, up to thousands a second.",
        lambda metrics: [
            ((("resource", resource),), waits.total) for resource, waits in metrics.waits.items()
        ],
    ),
    Metric(
        "vaultrelay_loop_lag_seconds",
        "gauge",
        "Longest delay of a timer of the event loop in the last minute.",
        _one(lambda metrics: metrics.status.lag_seconds),
    ),
    Metric(
        "vaultrelay_certificate_expiry_timestamp_seconds",
        "gauge",
        "Expiry of each served certificate, as a Unix time.",
        _certificates,
    ),
    Metric(
        "vaultrelay_process_resident_memory_bytes",
        "gauge",
        "Resident memory of the process.",
        _one(lambda metrics: metrics.status.memory_bytes),
    ),
    Metric(
        "vaultrelay_process_cpu_seconds_total",
        "counter",
        "CPU time of the process.",
        _one(lambda metrics: metrics.cpu_seconds),
    ),
    Metric(
        "vaultrelay_process_open_fds",
        "gauge",
        "Open file descriptors.",
        _one(lambda metrics: metrics.status.open_files),
    ),
    Metric(
        "vaultrelay_process_max_fds",
        "gauge",
        "Limit of open file descriptors.",
        _one(lambda metrics: metrics.status.open_files_limit),
    ),
    Metric(
        "vaultrelay_start_time_seconds",
        "gauge",
        "Start of the relay, as a Unix time.",
        _one(lambda metrics: metrics.started),
    ),
    Metric(
        "vaultrelay_uptime_seconds",
        "gauge",
        "Seconds since the start of the relay, by a monotonic clock.",
        _one(lambda metrics: metrics.status.uptime_seconds),
    ),
    Metric(
        "vaultrelay_draining",
        "gauge",
        "1 while the relay drains, else 0.",
        _one(lambda metrics: int(metrics.status.state == "draining")),
    ),
    Metric(
        "vaultrelay_config_warnings",
        "gauge",
        "1 if the relay has a warning of this kind about its setup, else 0; the status page "
        "has its text.",
        _warnings,
    ),
    Metric(
        "vaultrelay_build_info",
        "gauge",
        "1, with the versions in use as labels, the code of the message path (native, mixed or "
        "pure), and the name of the relay if it has one.",
        _build,
    ),
)
