"""A few cases against the Python client, in one process; all of them: make test-clients."""

from collections.abc import Collection
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.clients.in_process import InProcess
from tests.clients.wrong_decisions import FAULTS
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.report import has_passed, junit, result_lines, summary
from vaultrelay.conformance.runner import Result, Runner, Verdict

REACTOR: Any = reactor
NAMES = {"join", "unknown-kind", "replaced", "silence", "upgrade-subprotocols", "close-4042"}


class Unnamed(InProcess):
    """An adapter whose events have no names."""

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        answer = await super().ask(command)
        return {"events": [{**each, "event": []} for each in answer.get("events", ())]}


class Overflowing(InProcess):
    """An adapter that sends, and reports an id that no header can have."""

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        answer = await super().ask(command)
        return {**answer, "id": 1 << 32} if command["do"] == "send" else answer


async def results(
    driver: type[InProcess] = InProcess, names: Collection[str] = NAMES
) -> dict[str, Result]:
    found: list[Result] = []
    cases = [case for case in catalogue() if case.name in names]
    await Runner(REACTOR, lambda: driver(REACTOR), 5.0).run(cases, found.append)
    return {result.case.name: result for result in found}


@pytest_twisted.ensureDeferred
async def test_the_client_passes() -> None:
    found = await results()
    verdicts = {name: result.verdict for name, result in found.items()}
    assert verdicts.pop("upgrade-subprotocols") is Verdict.NOT_APPLICABLE
    assert set(verdicts.values()) == {Verdict.PASSED}
    everything = list(found.values())
    assert has_passed(everything, is_strict=True)
    assert summary("client/1", everything) == "client/1: 5 passed, 1 not applicable."
    assert b"<skipped" in junit("client/1", everything)


@pytest_twisted.ensureDeferred
async def test_a_failure_names_what_came_and_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["an unknown code is final"](monkeypatch)
    found = await results()
    failed = [name for name, result in found.items() if result.verdict is Verdict.FAILED]
    assert failed == ["close-4042"]
    result = found["close-4042"]
    first, about, expected, came, section, _, *passed = map(str.strip, result_lines(result))
    sent = [line.split("  ", 1)[1] for line in passed]
    assert sent[0] == "step 1    join {}"
    assert "relay 1   close 4042 weather" in sent
    assert sent[-1].startswith('answer    {"events": [{"client": "close-4042/a", "event": "ended"')
    assert first == "FAIL  close-4042 (must)"
    assert about == "Decides: a close with 4042 weather."
    assert expected.endswith('with "retry" from 1 to 2')
    assert '"retry": null' in came
    assert section.startswith('see "Close codes" in docs/protocol.rst')
    assert not has_passed([result], is_strict=False)
    assert b'failures="1"' in junit("client/1", [result])


@pytest_twisted.ensureDeferred
async def test_an_event_without_a_name_is_a_fault_of_the_adapter() -> None:
    (result,) = (await results(Unnamed, ["join"])).values()
    assert result.expected == "an adapter that works"
    assert result.came.startswith("the answer to events has no list of events: ")


@pytest_twisted.ensureDeferred
async def test_an_id_that_no_message_can_have_is_a_failure() -> None:
    (result,) = (await results(Overflowing, ["nack-with-flags"])).values()
    assert result.expected == "the id of the message in the answer to send"
    assert result.came == '{"id": 4294967296}'
