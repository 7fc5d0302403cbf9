"""Cases of the mailbox against the Python client, in one process (all: make test-clients)."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from examples.python_mail import Mail
from tests.clients.in_process import InProcess
from tests.clients.wrong_mailbox import FAULTS
from vaultrelay.conformance.case import Level
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.mail_steps import place
from vaultrelay.conformance.report import result_lines
from vaultrelay.conformance.runner import Result, Runner, Verdict

REACTOR: Any = reactor
CASES = [case for case in catalogue() if case.level is Level.MAILBOX]
PLAYED = ("mailbox-rule-", "mailbox-nack-", "mailbox-erase", "mailbox-stream-a-put-")


async def play(*prefixes: str, **about: Any) -> dict[str, Result]:
    found: list[Result] = []
    cases = [case for case in CASES if case.name.startswith(prefixes)]
    await Runner(REACTOR, lambda: InProcess(REACTOR, **about), 5.0).run(cases, found.append)
    return {result.case.name: result for result in found}


@pytest.mark.parametrize("rule", range(1, 10))
def test_each_rule_of_the_page_has_a_case(rule: int) -> None:
    assert [case for case in CASES if case.about.startswith(f"Rule {rule}: ")]


@pytest_twisted.ensureDeferred
async def test_the_client_passes() -> None:
    found = await play(*PLAYED)
    assert {result.verdict for result in found.values()} == {Verdict.PASSED}


@pytest_twisted.ensureDeferred
async def test_a_client_without_a_mailbox_has_no_case() -> None:
    found = await play("mailbox-", supports=["clock", "dial", "reconnect", "token"])
    assert {result.verdict for result in found.values()} == {Verdict.NOT_APPLICABLE}


@pytest_twisted.ensureDeferred
async def test_a_failure_names_the_page_of_the_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["a live with null moves nothing"](monkeypatch)
    found = await play("mailbox-live-without-cursor")
    lines = [*map(str.strip, result_lines(found["mailbox-live-without-cursor"]))]
    assert lines[0] == "FAIL  mailbox-live-without-cursor (mailbox)"
    assert lines[2] == "expected: a hello with the mailbox and no cursor"
    assert lines[3] == f"came:     one with the cursor {place('A').hex()}"
    assert lines[4].startswith('see "Reading" in docs/protocol-mailbox.rst')


@pytest.mark.parametrize(
    "answer", [{}, {"item_id": 7}, {"item_id": "0g"}, {"item_id": "01"}, {"item_id": "00" * 16}]
)
@pytest_twisted.ensureDeferred
async def test_an_adapter_has_to_name_the_item(
    answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mail, "do_put", lambda *_, **fields: answer)
    (result,) = (await play("mailbox-put-ttl")).values()
    assert result.expected.startswith("an item_id of 16 bytes")
