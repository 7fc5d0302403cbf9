"""Wrong clients with one fault each: they fail the cases that it concerns, and no others.

Those of the mailbox are played in test_wrong_mailbox: clients without one have none of its code.
"""

import gc

import pytest
import pytest_twisted
from twisted.logger import LogEvent

from tests.clients.playing import REACTOR, failures
from tests.clients.wrong_clients import CASES, EXPECTED, FAULTS

SLOW = "exchange-100-mb"
"""Takes a second, and concerns one fault only."""
ABANDONS = "an attempt cannot be stopped"
"""Its attempts go on without their client: their errors are logged once they are collected."""


@pytest.mark.parametrize("fault", FAULTS)
@pytest_twisted.ensureDeferred
async def test_a_wrong_client_fails(
    fault: str, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    kind, install = FAULTS[fault]
    kind.install(monkeypatch)
    install(monkeypatch)
    expected = EXPECTED[fault]
    cases = [case for case in CASES if case.name != SLOW or SLOW in expected]
    failed = await failures(lambda: kind.driver(REACTOR), cases, expected)
    assert [case.name for case in cases if case.name in failed] == expected
    assert all(each.expected and each.came and each.step for each in failed.values())
    if fault == ABANDONS:
        gc.collect()
        logged_errors.clear()
