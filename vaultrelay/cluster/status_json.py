"""NodeStatus: the status of one of several relays, as /status.json, and their sum."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaultrelay.cluster.url import NODE_NAME
from vaultrelay.policy.limits.admin import WARNING_CHARS
from vaultrelay.policy.printable import printable
from vaultrelay.wire.json_object import BadControl, Fields, read_object

VERSION = re.compile(r"[A-Za-z0-9.+!-]{1,32}")
_CODE = re.compile("native|mixed|pure|")
_STATES = ("ok", "draining")
_STATE = re.compile("|".join(_STATES))
_MAX_COUNT = 1 << 63
"""Limit of a count: larger values are invalid."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The status of a relay, or of several. Sizes are bytes; None is unknown to the system.

    `urgent` and `remarks` count its warnings, and `worst` is the first of them. `lag_seconds` is
    the longest delay of a timer in the last minute. `code` is that of vaultrelay.native; a relay of
    1.0 does not report it.
    """

    node: str
    version: str
    state: str
    uptime_seconds: int
    devices: int
    devices_limit: int
    channels: int
    joins: int
    messages: int
    data_bytes: int
    undelivered: int
    messages_per_second: float
    data_bytes_per_second: float
    buffered_bytes: int
    lag_seconds: float
    memory_bytes: int | None
    open_files: int | None
    open_files_limit: int | None
    urgent: int
    remarks: int
    worst: str
    code: str = ""

    def encode(self) -> bytes:
        """Return the body of /status.json."""
        return json.dumps(asdict(self), separators=(",", ":")).encode("ascii")

    @classmethod
    def read(cls, text: bytes) -> "NodeStatus":
        """Parse the answer of another relay. Raises BadControl, a ValueError, if it is invalid."""
        fields = read_object(text)
        figures: dict[str, Any] = {
            **{name: _count(fields, name) for name in _COUNTS},
            **{name: _rate(fields, name) for name in _RATES},
            **{name: _known(fields, name) for name in _NULLABLE},
        }
        return cls(
            node=_word(fields, "node", NODE_NAME),
            version=_word(fields, "version", VERSION),
            state=_word(fields, "state", _STATE),
            worst=printable(fields.text("worst", WARNING_CHARS)),
            code=_word(fields, "code", _CODE, default=""),
            **figures,
        )


_COUNTS = (
    "uptime_seconds",
    "devices",
    "devices_limit",
    "channels",
    "joins",
    "messages",
    "data_bytes",
    "undelivered",
    "buffered_bytes",
    "urgent",
    "remarks",
)
_RATES = ("messages_per_second", "data_bytes_per_second", "lag_seconds")
_NULLABLE = ("memory_bytes", "open_files", "open_files_limit")


def total(nodes: Sequence[NodeStatus]) -> NodeStatus:
    """Return the sum of at least one status, with the worst delay and the shortest uptime."""
    summed: dict[str, Any] = {name: _sum(nodes, name) for name in (*_COUNTS, *_RATES, *_NULLABLE)}
    return NodeStatus(
        **summed
        | {
            "node": "",
            "version": " ".join(sorted({node.version for node in nodes})),
            "state": max((node.state for node in nodes), key=_STATES.index),
            "uptime_seconds": min(node.uptime_seconds for node in nodes),
            "lag_seconds": max(node.lag_seconds for node in nodes),
            "code": _code({node.code for node in nodes}),
            "worst": max(nodes, key=lambda node: (node.urgent > 0, node.remarks > 0)).worst,
        }
    )


def _code(found: set[str]) -> str:
    """Return what runs on several relays; those that do not report it do not count."""
    known = found - {""} or {""}
    return known.pop() if len(known) == 1 else "mixed"


def _sum(nodes: Sequence[NodeStatus], name: str) -> Any:
    """Return the sum of the known values; None if all are unknown."""
    known = [value for node in nodes if (value := getattr(node, name)) is not None]
    return sum(known) if known else None


def _word(
    fields: Fields, name: str, pattern: re.Pattern[str], *, default: str | None = None
) -> str:
    word = fields.text(name, WARNING_CHARS, default)
    if not pattern.fullmatch(word):
        raise BadControl(f"{name}_type", f"{name} is not one")
    return word


def _count(fields: Fields, name: str) -> int:
    value = fields.integer(name)
    if not 0 <= value < _MAX_COUNT:
        raise BadControl(f"{name}_type", f"{name} is not a count")
    return value


def _known(fields: Fields, name: str) -> int | None:
    return None if fields.optional_integer(name) is None else _count(fields, name)


def _rate(fields: Fields, name: str) -> float:
    value = fields.number(name)
    if not (math.isfinite(value) and 0 <= value < _MAX_COUNT):
        raise BadControl(f"{name}_type", f"{name} is not a rate")
    return value
