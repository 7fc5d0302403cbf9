"""All wrong clients: their kind, their fault, and the cases that each of them fails."""

import tomllib
from pathlib import Path

from tests.clients import (
    wrong_contents,
    wrong_decisions,
    wrong_events,
    wrong_frames,
    wrong_gaps,
    wrong_kinds,
    wrong_mailbox,
    wrong_messages,
    wrong_puts,
    wrong_reaching,
    wrong_returning,
    wrong_rules,
)
from tests.clients.faults import Fault
from tests.clients.kinds import BROWSER, NATIVE, PHONE, RESENDING, Kind
from vaultrelay.conformance.case import Case, Level
from vaultrelay.conformance.catalogue import catalogue

_OF_NATIVE = {
    **wrong_decisions.FAULTS,
    **wrong_messages.FAULTS,
    **wrong_contents.FAULTS,
    **wrong_events.FAULTS,
    **wrong_reaching.FAULTS,
    **wrong_returning.FAULTS,
    **wrong_rules.FAULTS,
    **wrong_frames.FAULTS,
}
FAULTS: dict[str, tuple[Kind, Fault]] = {
    name: (kind, fault)
    for kind, faults in (
        (NATIVE, _OF_NATIVE),
        (BROWSER, wrong_kinds.OF_BROWSERS),
        (PHONE, wrong_kinds.OF_PHONES),
        (RESENDING, wrong_kinds.OF_RESENDING),
    )
    for name, fault in faults.items()
}
MAILBOX_FAULTS: dict[str, Fault] = {
    **wrong_mailbox.FAULTS,
    **wrong_gaps.FAULTS,
    **wrong_puts.FAULTS,
}
"""They concern cases of the mailbox only."""

CASES: list[Case] = [case for case in catalogue() if case.level is not Level.MAILBOX]
MAILBOX_CASES: list[Case] = [case for case in catalogue() if case.level is Level.MAILBOX]


def _expected(file: str) -> dict[str, list[str]]:
    return tomllib.loads(Path(__file__).with_name(file).read_text("utf-8"))


EXPECTED = _expected("expected.toml")
"""The names of the cases that each fault fails."""
MAILBOX_EXPECTED = _expected("expected_mailbox.toml")
