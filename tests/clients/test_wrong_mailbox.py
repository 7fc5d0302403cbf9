"""Wrong clients with one fault in their mailbox each."""

import pytest
import pytest_twisted

from tests.clients.in_process import InProcess
from tests.clients.playing import REACTOR, failures
from tests.clients.wrong_clients import MAILBOX_CASES, MAILBOX_EXPECTED, MAILBOX_FAULTS


@pytest.mark.parametrize("fault", MAILBOX_FAULTS)
@pytest_twisted.ensureDeferred
async def test_a_wrong_client_fails(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MAILBOX_FAULTS[fault](monkeypatch)
    expected = MAILBOX_EXPECTED[fault]
    failed = await failures(lambda: InProcess(REACTOR), MAILBOX_CASES, expected)
    assert [case.name for case in MAILBOX_CASES if case.name in failed] == expected
    assert all(each.expected and each.came and each.step for each in failed.values())
