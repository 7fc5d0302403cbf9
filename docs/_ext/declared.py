"""What the code declares and the reference pages list: the one place that imports the relay.

Each function returns plain rows, so that a declaration may move or grow without a change of a page.
"""

import inspect
from argparse import SUPPRESS
from dataclasses import fields
from importlib import import_module
from typing import NamedTuple

from vaultrelay.broker.counters import Counters
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.commands import COMMANDS
from vaultrelay.commands.parser import CommandParser, heading, paragraphs
from vaultrelay.config.settings import OPTIONS
from vaultrelay.observe.meter import _BUILDS
from vaultrelay.observe.relay_snapshot import Expiry, MailboxSnapshot, RelaySnapshot, Waits
from vaultrelay.policy import operator_warning
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.mailbox_metrics import MAILBOX_METRICS
from vaultrelay.web.metrics import METRICS
from vaultrelay.web.metrics_format import Metric
from vaultrelay.wire import refusal
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import Reason

_SAMPLES = {
    "detail": "The sentence names the rule that was broken.",
    "missing": "Upgrade",
    "is_held": False,
    "is_second": False,
    "is_wrong": False,
    "limit": 8192,
    "supported": (3,),
    "retry_seconds": 60,
}
"""Arguments for the functions that make refusals: the numbers and words are examples."""

_AT_START = RelaySnapshot(
    status=NodeStatus(
        node="w1",
        version="",
        state="ok",
        uptime_seconds=0,
        devices=0,
        devices_limit=0,
        channels=0,
        joins=0,
        messages=0,
        data_bytes=0,
        undelivered=0,
        messages_per_second=0,
        data_bytes_per_second=0,
        buffered_bytes=0,
        lag_seconds=0,
        memory_bytes=0,
        open_files=0,
        open_files_limit=0,
        urgent=0,
        remarks=0,
        worst="",
    ),
    now=0,
    started=0,
    pending=0,
    unjoined=0,
    counters=Counters(),
    buffer_limit=0,
    waits={"memory": Waits(), "core": Waits()},
    cpu_seconds=0,
    certificates=[Expiry("relay.example.org", 0)],
    warnings=[],
    builds=_BUILDS,
    mailbox=MailboxSnapshot(
        state="open",
        limit_bytes=0,
        items=0,
        bytes=0,
        file_bytes=0,
        expired=0,
        puts={},
        gaps={},
        delivered_live=0,
        delivered_replay=0,
        commits=0,
        commit_seconds=0,
        waiting_bytes=0,
    ),
)
"""A relay with a name, a certificate and a mailbox, to which nothing has happened."""


class OptionRow(NamedTuple):
    """One option of the relay."""

    name: str
    value: str
    variable: str
    default: str
    repeatable: bool
    help: str


class CommandRow(NamedTuple):
    """One command or subcommand; an indented paragraph keeps its lines."""

    name: str
    synopsis: str
    details: list[str]
    arguments: list[tuple[str, str]]
    notes: list[str]


class MetricRow(NamedTuple):
    """One family of metrics."""

    name: str
    type: str
    help: str
    labels: dict[str, list[str]]


class RefusalRow(NamedTuple):
    """One HTTP answer before the WebSocket."""

    status: int
    error: str
    outcome: str
    when: str


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


def commands() -> list[CommandRow]:
    """Each command, followed by its subcommands."""
    rows = []
    for name in COMMANDS:
        parser: CommandParser = import_module(f"vaultrelay.commands.{name}").PARSER
        for each in (parser, *parser.subcommands.values()):
            arguments = [
                (heading(argument), str(argument.help))
                for argument in each.arguments
                if argument.help not in (None, SUPPRESS)
            ]
            details, notes = paragraphs(each.details), paragraphs(each.notes)
            rows.append(CommandRow(each.prog, each.synopsis, details, arguments, notes))
    return rows


def metrics() -> list[MetricRow]:
    """The metrics, in the order of /metrics; those of the mailbox are last."""
    every = (*METRICS, *MAILBOX_METRICS)
    return [MetricRow(each.name, each.type, each.help, _labels(each)) for each in every]


def _labels(metric: Metric) -> dict[str, list[str]]:
    """The labels of a metric, each with the values that are there from the start."""
    found: dict[str, list[str]] = {}
    for labels, _ in metric.read(_AT_START):
        for name, value in labels:
            found.setdefault(name, []).append(value)
    return found


def outcomes() -> list[tuple[str, str]]:
    """Label `outcome` of the metric of handshakes: slug and meaning."""
    return list(REFUSED.items())


def warnings() -> list[tuple[str, str]]:
    """Label `warning` of the metric of warnings: slug and meaning."""
    return list(operator_warning.SUMMARIES.items())


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
            rows.append(RefusalRow(made.status, made.error, made.counted, when))
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
