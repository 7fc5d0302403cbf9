"""Wrong clients with one fault each: they fail the cases that it concerns, and no others.

Those of the mailbox are played in test_wrong_mailbox: clients without one have none of its code.
"""

import pytest

from tests.clients.playing import failures
from tests.clients.wrong_clients import CASES, EXPECTED, FAULTS

SLOW = "exchange-100-mb"
"""Takes a second, and concerns one fault only."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_client_fails(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, install = FAULTS[fault]
    kind.install(monkeypatch)
    install(monkeypatch)
    expected = EXPECTED[fault]
    cases = [case for case in CASES if case.name != SLOW or SLOW in expected]
    failed = failures(kind.driver, cases)
    assert list(failed) == expected
    assert all(each.expected and each.came and each.step for each in failed.values())
