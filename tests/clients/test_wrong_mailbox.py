"""Wrong clients with one fault in their mailbox each. It concerns cases of the mailbox only."""

import tomllib
from pathlib import Path

import pytest
import pytest_twisted

from tests.clients import wrong_gaps, wrong_mailbox, wrong_puts
from tests.clients.in_process import InProcess
from tests.clients.playing import REACTOR, failures
from vaultrelay.conformance.case import Level
from vaultrelay.conformance.catalogue import catalogue

FAULTS = {**wrong_mailbox.FAULTS, **wrong_gaps.FAULTS, **wrong_puts.FAULTS}
EXPECTED: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("expected_mailbox.toml").read_text("utf-8")
)
CASES = [case for case in catalogue() if case.level is Level.MAILBOX]


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
    failed = await failures(lambda: InProcess(REACTOR), CASES, expected)
    assert [case.name for case in CASES if case.name in failed] == expected
    assert all(each.expected and each.came and each.step for each in failed.values())
