"""Wrong clients with one fault in their mailbox each."""

import pytest

from tests.clients.in_process import InProcess
from tests.clients.playing import failures
from tests.clients.wrong_clients import MAILBOX_CASES, MAILBOX_EXPECTED, MAILBOX_FAULTS


@pytest.mark.parametrize("fault", MAILBOX_FAULTS)
def test_a_wrong_client_fails(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MAILBOX_FAULTS[fault](monkeypatch)
    failed = failures(InProcess, MAILBOX_CASES)
    assert list(failed) == MAILBOX_EXPECTED[fault]
    assert all(each.expected and each.came and each.step for each in failed.values())
