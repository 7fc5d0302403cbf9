"""What the code declares and the reference pages list: the one place that imports the relay.

Each function returns plain rows, so that a declaration may move or grow without a change of a page.
"""

import inspect
from contextlib import redirect_stdout, suppress
from dataclasses import fields
from importlib import import_module
from io import StringIO
from typing import NamedTuple

from vaultrelay.cluster.status import NodeStatus
from vaultrelay.commands import COMMANDS
from vaultrelay.config.table import OPTIONS
from vaultrelay.policy import finding
from vaultrelay.policy.refused import REFUSED
from vaultrelay.web.metrics import METRICS
from vaultrelay.wire import refusal
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import Reason

_SAMPLES = {
    "detail": "The sentence names the rule that was broken.",
    "missing": "Upgrade",
    "is_second": False,
    "was_given": False,
    "limit": 8192,
    "supported": (3,),
    "retry_seconds": 60,
}
"""Arguments for the functions that make refusals: the numbers and words are examples."""


class OptionRow(NamedTuple):
    """One option of the relay."""

    name: str
    value: str
    variable: str
    default: str
    repeatable: bool
    help: str


class MetricRow(NamedTuple):
    """One family of metrics."""

    name: str
    type: str
    help: str


class RefusalRow(NamedTuple):
    """One HTTP answer before the WebSocket."""

    status: int
    error: str
    outcome: str
    when: str
    headers: tuple[tuple[str, str], ...]


class CloseRow(NamedTuple):
    """One close code."""

    number: int
    slug: str
    sentence: str
    retries: str


def options() -> list[OptionRow]:
    """The options of the relay, in the order of --help."""
    return [
        OptionRow(each.name, each.value, each.variable, each.default, each.repeatable, each.help)
        for each in OPTIONS
    ]


def commands() -> list[tuple[str, str]]:
    """Each command with what its --help prints."""
    return [(name, _help_of(name)) for name in COMMANDS]


def metrics() -> list[MetricRow]:
    """The metrics, in the order of /metrics."""
    return [MetricRow(each.name, each.type, each.help) for each in METRICS]


def outcomes() -> list[tuple[str, str]]:
    """Label `outcome` of the metric of handshakes: slug and meaning."""
    return list(REFUSED.items())


def warnings() -> list[tuple[str, str]]:
    """Label `warning` of the metric of warnings: slug and meaning."""
    return list(finding.WHAT.items())


def nack_reasons() -> list[tuple[int, str]]:
    """Why a message came back: number and slug."""
    return [(reason.value, reason.name.lower()) for reason in Reason]


def status_fields() -> list[str]:
    """The fields of /status.json."""
    return [field.name for field in fields(NodeStatus)]


def refusals() -> list[RefusalRow]:
    """The HTTP refusals, by status and slug."""
    rows = []
    for make in vars(refusal).values():
        if inspect.isfunction(make) and inspect.signature(make).return_annotation in (
            refusal.Refusal,
            "Refusal",
        ):
            made = make(*_arguments(make))
            when = inspect.getdoc(make) or ""
            rows.append(RefusalRow(made.status, made.error, made.counted, when, made.headers))
    return sorted(rows, key=lambda row: (row.status, row.error, row.outcome))


def close_codes() -> list[CloseRow]:
    """The relay's own close codes."""
    retries = {None: "yes", 0: "no"}
    return [
        CloseRow(code.number, code.slug, code.sentence, retries.get(code.retries, "once"))
        for code in CloseCode
    ]


def _arguments(make: object) -> list[object]:
    assert callable(make)  # noqa: S101  for mypy
    return [
        _SAMPLES[each.name]
        for each in inspect.signature(make).parameters.values()
        if each.kind is each.POSITIONAL_OR_KEYWORD
    ]


def _help_of(name: str) -> str:
    printed = StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        import_module(f"vaultrelay.commands.{name}").main(["--help"])
    return printed.getvalue().strip("\n")
