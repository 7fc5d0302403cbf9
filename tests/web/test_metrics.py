"""Metrics: what a Prometheus reads, by its own parser."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.web.sample_metrics import DAY, NOW, metrics
from vaultrelay.broker.counters import Counters
from vaultrelay.observe.relay_snapshot import Expiry, Waits
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.metrics import METRICS
from vaultrelay.web.metrics_format import exposition
from vaultrelay.wire.close_codes import CloseCode


def scrape(**changes: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each sample by its name and labels; no two of them are the same."""
    text = exposition(METRICS, metrics(**changes)).decode()
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    found = {(each.name, frozenset(each.labels.items())): each.value for each in samples}
    assert len(found) == len(samples)
    return found


def value(name: str, labels: dict[str, str] | None = None, **changes: Any) -> float | None:
    return scrape(**changes).get((f"vaultrelay_{name}", frozenset((labels or {}).items())))


def test_every_family_has_its_type_and_help_and_keeps_the_conventions() -> None:
    families = list(text_string_to_metric_families(exposition(METRICS, metrics()).decode()))
    shown = [(family.type, family.documentation) for family in families]
    assert shown == [(metric.type, metric.help) for metric in METRICS]
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("vaultrelay_")
        assert metric.name.endswith("_total") is (metric.type == "counter")
        assert metric.help.endswith(".")


def test_it_ends_with_a_line_end_and_has_no_blank_line() -> None:
    text = exposition(METRICS, metrics())
    assert text.endswith(b"\n")
    assert b"\n\n" not in text


def test_what_is_counted_by_our_own_words_is_there_from_the_start() -> None:
    found = scrape()
    for slug in ("joined", *REFUSED):
        labels = frozenset({("outcome", slug)})
        assert found["vaultrelay_handshakes_total", labels] == 0
    for code in CloseCode:
        labels = frozenset({("code", str(code.number)), ("slug", code.slug)})
        assert found["vaultrelay_closes_total", labels] == 0
    for reason in ("gone", "busy", "too_big", "rate", "not_allowed", "draining"):
        assert found["vaultrelay_undelivered_total", frozenset({("reason", reason)})] == 0


def test_counts_stand_at_their_labels() -> None:
    counters = Counters(joins=7)
    counters.refused.update(proof=2, a_new_word=1)
    counters.closed["slow"] = 3
    counters.left["lost"] = 4
    counters.undelivered["busy"] = 5
    counters.ignored["forwarded_for"] = 6
    for name, labels, count in (
        ("joins_total", {}, 7),
        ("handshakes_total", {"outcome": "joined"}, 7),
        ("handshakes_total", {"outcome": "proof"}, 2),
        ("handshakes_total", {"outcome": "a_new_word"}, 1),
        ("closes_total", {"code": "4004", "slug": "slow"}, 3),
        ("leaves_total", {"reason": "lost"}, 4),
        ("undelivered_total", {"reason": "busy"}, 5),
        ("ignored_total", {"what": "forwarded_for"}, 6),
    ):
        assert value(name, labels, counters=counters) == count


def test_each_figure_stands_at_its_name() -> None:
    for name, labels, expected in (
        ("connections", {"stage": "waiting"}, 1),
        ("connections", {"stage": "unjoined"}, 2),
        ("connections", {"stage": "joined"}, 3),
        ("connections_limit", {}, 1000),
        ("channels", {}, 4),
        ("buffered_bytes", {}, 5),
        ("buffered_limit_bytes", {}, 6),
        ("waiting_devices", {"resource": "memory"}, 0),
        ("waits_total", {"resource": "core"}, 0),
        ("loop_lag_seconds", {}, 0.007),
        ("process_resident_memory_bytes", {}, 40_000_000),
        ("process_open_fds", {}, 12),
        ("process_max_fds", {}, 1024),
        ("process_cpu_seconds_total", {}, 1.5),
        ("start_time_seconds", {}, NOW - 100),
        ("uptime_seconds", {}, 100),
        ("draining", {}, 0),
        ("build_info", {"version": "1.0.0", "python": "3.11.7"}, 1),
        (
            "certificate_expiry_timestamp_seconds",
            {"index": "0", "name": "relay.example.org"},
            NOW + 30.5 * DAY,
        ),
    ):
        assert value(name, labels) == expected, name
    waits = {"memory": Waits(1, 2), "core": Waits(3, 4)}
    for resource, (now, total) in waits.items():
        assert value("waiting_devices", {"resource": resource}, waits=waits) == now
        assert value("waits_total", {"resource": resource}, waits=waits) == total
    node = {"version": "1.0.0", "python": "3.11.7", "node": "relay-2"}
    assert value("build_info", node, node="relay-2") == 1
    assert value("draining", state="draining") == 1
    assert value("messages_total", messages=10**15 + 1) == 10**15 + 1
    assert value("message_bytes_total", data_bytes=12) == 12


def test_findings_are_warnings_by_their_slug() -> None:
    assert value("config_warnings", {"warning": "certificate"}) == 0
    # Of two certificates, say; a metric twice would be no Prometheus text.
    warnings = [
        OperatorWarning("certificate", "This one ends."),
        OperatorWarning("certificate", "That one, too."),
    ]
    assert value("config_warnings", {"warning": "certificate"}, warnings=warnings) == 1
    assert value("config_warnings", {"warning": "no_name"}, warnings=warnings) == 0


def test_what_the_system_does_not_tell_is_left_out() -> None:
    unknown = {"memory_bytes": None, "open_files": None, "open_files_limit": None}
    for name in ("resident_memory_bytes", "open_fds", "max_fds"):
        assert value(f"process_{name}", **unknown) is None


def test_names_of_certificates_cannot_break_the_format() -> None:
    name = 'a"b\\c\nd'
    labels = {"index": "0", "name": name}
    certificates = [Expiry(name, 1.0)]
    assert value("certificate_expiry_timestamp_seconds", labels, certificates=certificates) == 1
