"""The Python client in a browser, on a phone, and resending: it passes the cases of its kind, over
loopback."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.clients.kinds import BROWSER, NATIVE, PHONE, RESENDING, Kind
from vaultrelay.conformance.case import Case, Level
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.runner import Result, Runner, Verdict

REACTOR: Any = reactor
SLOW = "exchange-100-mb"
PATIENCE = 10.0
"""Seconds for each step, however busy the machine is."""


async def play(kind: Kind, cases: list[Case]) -> dict[str, Result]:
    """Return the results of cases by their names.

    A failed one is played once more: of 100,000 one or two come too late on a busy machine.
    """
    found: dict[str, Result] = {}
    driver = kind.driver(REACTOR)
    played = cases
    for _ in range(2):
        results: list[Result] = []
        await Runner(REACTOR, lambda: driver, PATIENCE).run(played, results.append)
        found |= {result.case.name: result for result in results}
        played = [each.case for each in results if each.verdict is Verdict.FAILED]
    return found


@pytest.mark.parametrize(
    ("kind", "level"),
    [(BROWSER, Level.BROWSER), (PHONE, Level.PHONE), (RESENDING, Level.MUST)],
    ids=["browser", "phone", "resending"],
)
@pytest_twisted.ensureDeferred
async def test_a_client_passes(kind: Kind, level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    kind.install(monkeypatch)
    found = await play(kind, [case for case in catalogue() if case.name != SLOW])
    failed = [name for name, result in found.items() if result.verdict is Verdict.FAILED]
    assert failed == []
    verdicts = {result.verdict for result in found.values() if result.case.level is level}
    assert verdicts == {Verdict.PASSED} or level is Level.MUST


@pytest_twisted.ensureDeferred
async def test_a_client_reads_while_its_send_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    NATIVE.install(monkeypatch)
    found = await play(NATIVE, [case for case in catalogue() if case.name == SLOW])
    assert found[SLOW].verdict is Verdict.PASSED


@pytest_twisted.ensureDeferred
async def test_each_case_is_played_to_some_kind() -> None:
    kinds = [NATIVE, BROWSER, PHONE, RESENDING]
    drivers = [await kind.driver(REACTOR).start() for kind in kinds]
    for case in catalogue():
        if case.level is not Level.MAILBOX:
            assert not all(case.obstacle(d["platform"], d["supports"]) for d in drivers), case
