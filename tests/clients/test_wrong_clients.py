"""Wrong clients with one fault each: they fail the cases that it concerns, and no others.

Those of the mailbox are played in test_wrong_mailbox: clients without one have none of its code.
"""

import gc
import tomllib
from pathlib import Path

import pytest
import pytest_twisted
from twisted.logger import LogEvent

from tests.clients import (
    wrong_contents,
    wrong_decisions,
    wrong_events,
    wrong_kinds,
    wrong_messages,
    wrong_reaching,
    wrong_returning,
    wrong_rules,
)
from tests.clients.faults import Fault
from tests.clients.kinds import BROWSER, NATIVE, PHONE, RESENDING, Kind
from tests.clients.playing import REACTOR, failures
from vaultrelay.conformance.case import Level
from vaultrelay.conformance.catalogue import catalogue

OF_NATIVE = {
    **wrong_decisions.FAULTS,
    **wrong_messages.FAULTS,
    **wrong_contents.FAULTS,
    **wrong_events.FAULTS,
    **wrong_reaching.FAULTS,
    **wrong_returning.FAULTS,
    **wrong_rules.FAULTS,
}
FAULTS: dict[str, tuple[Kind, Fault]] = {
    name: (kind, fault)
    for kind, faults in (
        (NATIVE, OF_NATIVE),
        (BROWSER, wrong_kinds.OF_BROWSERS),
        (PHONE, wrong_kinds.OF_PHONES),
        (RESENDING, wrong_kinds.OF_RESENDING),
    )
    for name, fault in faults.items()
}
EXPECTED: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("expected.toml").read_text("utf-8")
)
SLOW = "exchange-100-mb"
"""Takes a second, and concerns one fault only."""
ABANDONS = "an attempt cannot be stopped"
"""Its attempts go on without their client: their errors are logged once they are collected."""


def test_every_fault_has_its_cases() -> None:
    assert set(FAULTS) == set(EXPECTED)
    assert all(EXPECTED.values())


def test_every_case_finds_a_fault() -> None:
    found = {name for names in EXPECTED.values() for name in names}
    others = [case for case in catalogue() if case.level is not Level.MAILBOX]
    assert [case.name for case in others if case.name not in found] == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest_twisted.ensureDeferred
async def test_a_wrong_client_fails(
    fault: str, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    kind, install = FAULTS[fault]
    kind.install(monkeypatch)
    install(monkeypatch)
    expected = EXPECTED[fault]
    cases = [
        case
        for case in catalogue()
        if case.level is not Level.MAILBOX and (case.name != SLOW or SLOW in expected)
    ]
    failed = await failures(lambda: kind.driver(REACTOR), cases, expected)
    assert [case.name for case in cases if case.name in failed] == expected
    assert all(each.expected and each.came and each.step for each in failed.values())
    if fault == ABANDONS:
        gc.collect()
        logged_errors.clear()
