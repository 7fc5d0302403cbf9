"""Wrong clients with one fault each: they fail the cases that it concerns, and no others."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.clients import wrong_decisions, wrong_messages, wrong_rules
from tests.clients.in_process import InProcess
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.runner import Result, Runner, Verdict

FAULTS = {**wrong_decisions.FAULTS, **wrong_messages.FAULTS, **wrong_rules.FAULTS}
EXPECTED: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("expected.toml").read_text("utf-8")
)
SLOW = "exchange-100-mb"
"""Takes a second, and concerns one fault only."""
PATIENCE = 1.5


def test_every_fault_has_its_cases() -> None:
    assert set(FAULTS) == set(EXPECTED)
    assert all(EXPECTED.values())


@pytest.mark.parametrize("fault", FAULTS)
@pytest_twisted.ensureDeferred
async def test_a_wrong_client_fails(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[fault](monkeypatch)
    results: list[Result] = []
    cases = [case for case in catalogue() if case.name != SLOW or SLOW in EXPECTED[fault]]
    untyped: Any = reactor
    await Runner(untyped, lambda: InProcess(untyped), PATIENCE).run(cases, results.append)
    failed = [each for each in results if each.verdict is Verdict.FAILED]
    assert [each.case.name for each in failed] == EXPECTED[fault]
    assert all(each.expected and each.came and each.step for each in failed)
