"""Wrong clients with one fault in their mailbox each. It concerns cases of the mailbox only."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.clients import wrong_gaps, wrong_mailbox, wrong_puts
from tests.clients.in_process import InProcess
from vaultrelay.conformance.case import Level
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.runner import Result, Runner, Verdict

FAULTS = {**wrong_mailbox.FAULTS, **wrong_gaps.FAULTS, **wrong_puts.FAULTS}
EXPECTED: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("expected_mailbox.toml").read_text("utf-8")
)
CASES = [case for case in catalogue() if case.level is Level.MAILBOX]
PATIENCE = 10.0
"""Seconds for each step of a case that is to pass, however busy the machine is."""
SHORT_PATIENCE = 0.3
"""For those that are to fail, some of which wait for what does not come."""


def test_every_fault_has_its_cases() -> None:
    assert set(FAULTS) == set(EXPECTED)
    assert all(EXPECTED.values())


def test_every_case_finds_a_fault() -> None:
    found = {name for names in EXPECTED.values() for name in names}
    assert [case.name for case in CASES if case.name not in found] == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest_twisted.ensureDeferred
async def test_a_wrong_client_fails(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[fault](monkeypatch)
    expected = EXPECTED[fault]
    results: list[Result] = []
    untyped: Any = reactor
    for is_to_fail, patience in ((False, PATIENCE), (True, SHORT_PATIENCE)):
        played = [case for case in CASES if (case.name in expected) == is_to_fail]
        await Runner(untyped, lambda: InProcess(untyped), patience).run(played, results.append)
    failed = {each.case.name: each for each in results if each.verdict is Verdict.FAILED}
    assert [case.name for case in CASES if case.name in failed] == expected
    assert all(each.expected and each.came and each.step for each in failed.values())
