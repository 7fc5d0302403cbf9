"""The faults of wrong clients fit the Python client as it is, and together they need every case."""

from collections.abc import Mapping

import pytest

from tests.clients.wrong_clients import (
    CASES,
    EXPECTED,
    FAULTS,
    MAILBOX_CASES,
    MAILBOX_EXPECTED,
    MAILBOX_FAULTS,
)
from vaultrelay.conformance.case import Case

INSTALLED = {name: fault for name, (_, fault) in FAULTS.items()} | MAILBOX_FAULTS


@pytest.mark.parametrize("fault", INSTALLED)
def test_a_fault_replaces_what_there_is(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    INSTALLED[fault](monkeypatch)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [(FAULTS, EXPECTED), (MAILBOX_FAULTS, MAILBOX_EXPECTED)],
    ids=["of-connections", "of-the-mailbox"],
)
def test_every_fault_has_its_cases(
    faults: Mapping[str, object], expected: dict[str, list[str]]
) -> None:
    assert set(faults) == set(expected)
    assert all(expected.values())


@pytest.mark.parametrize(
    ("cases", "expected"),
    [(CASES, EXPECTED), (MAILBOX_CASES, MAILBOX_EXPECTED)],
    ids=["of-connections", "of-the-mailbox"],
)
def test_every_case_finds_a_fault(cases: list[Case], expected: dict[str, list[str]]) -> None:
    found = {name for names in expected.values() for name in names}
    assert [case.name for case in cases if case.name not in found] == []
