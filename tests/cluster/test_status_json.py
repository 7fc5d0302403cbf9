"""Node statuses: read strictly, and added up."""

import json
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cluster.statuses import status
from vaultrelay.cluster.status_json import NodeStatus, total
from vaultrelay.policy.limits.admin import NODE_STATUS_BYTES, WARNING_CHARS


def read(**changes: Any) -> NodeStatus:
    return NodeStatus.read(json.dumps(asdict(status()) | changes).encode())


def test_what_one_relay_writes_another_reads() -> None:
    for each in (status(), status(node="", memory_bytes=None, open_files=None, lag_seconds=0)):
        assert NodeStatus.read(each.encode()) == each


def test_a_later_relay_may_say_more() -> None:
    assert read(mood="good") == status()


@pytest.mark.parametrize("name", [field.name for field in fields(NodeStatus)])
@pytest.mark.parametrize("value", [[], {}, True, -1, 1 << 63, 10**400], ids=str)
def test_what_no_relay_says_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        read(**{name: value})


@pytest.mark.parametrize("value", [b"1e999", b"NaN", b"-Infinity", b"-0.1"])
def test_what_is_no_finite_rate_is_refused(value: bytes) -> None:
    text = status(lag_seconds=0.25).encode().replace(b"0.25", value)
    with pytest.raises(ValueError, match=r"lag_seconds|not JSON"):
        NodeStatus.read(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("node", "<b>"),
        ("node", "x" * 33),
        ("version", ""),
        ("version", "1 0"),
        ("state", "odd"),
        ("worst", "x" * (WARNING_CHARS + 1)),
        ("devices", "3"),
        ("devices", None),
        ("messages_per_second", None),
    ],
)
def test_words_are_of_their_kind(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        read(**{name: value})


def test_a_sentence_of_another_relay_does_nothing_to_a_terminal() -> None:
    assert read(worst="red: \x1b[31m\n\u202eend").worst == r"red: \x1b[31m\n\u202eend"


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_rubbish_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        NodeStatus.read(text)


def test_the_largest_fits_into_what_is_read() -> None:
    figures = {name: (1 << 63) - 1 for name, value in asdict(status()).items() if value == 0}
    large = status(node="x" * 32, worst="\U0001f600" * (WARNING_CHARS // 2), **figures)
    assert len(large.encode()) < NODE_STATUS_BYTES


def test_a_sum_of_one_is_that_one_without_its_name() -> None:
    assert total([status()]) == status(node="")


def test_a_sum() -> None:
    second = status(
        node="relay-2",
        version="1.1.0",
        state="draining",
        uptime_seconds=60,
        devices=10,
        messages_per_second=2.0,
        lag_seconds=0.5,
        memory_bytes=None,
        urgent=1,
        remarks=2,
        worst="It is bad.",
    )
    remarked = status(remarks=1, worst="It is so so.")
    found = total([status(), remarked, second])
    assert (found.node, found.version, found.state) == ("", "1.0.0 1.1.0", "draining")
    assert (found.devices, found.devices_limit, found.channels) == (16, 3000, 6)
    assert (found.messages, found.data_bytes, found.undelivered) == (300, 15000, 3)
    assert (found.messages_per_second, found.data_bytes_per_second) == (5.0, 225.0)
    assert (found.uptime_seconds, found.lag_seconds) == (60, 0.5)
    assert (found.memory_bytes, found.open_files) == (80_000_000, 60)
    assert (found.urgent, found.remarks, found.worst) == (1, 3, "It is bad.")
    assert total([status(memory_bytes=None)] * 2).memory_bytes is None
