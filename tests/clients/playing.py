"""Plays cases of the kit to a client of the test."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor

from vaultrelay.conformance.case import Case
from vaultrelay.conformance.runner import Result, Runner, Verdict

REACTOR: Any = reactor
PATIENCE = 10.0
"""Seconds for each step of a case that is to pass, however busy the machine is."""
SHORT_PATIENCE = 0.3
"""For those that are to fail, most of which wait for what does not come."""


async def failures(
    driver: Callable[[], Any], cases: list[Case], expected: list[str]
) -> dict[str, Result]:
    """Return the results of the cases that fail, by their names, where `expected` are to fail.

    Another one that fails is played once more: in 100,000 cases one or two come too late on a busy
    machine. The fault of a client fails again.
    """
    to_pass = [case for case in cases if case.name not in expected]
    to_fail = [case for case in cases if case.name in expected]
    failed = await _play(driver, to_pass, PATIENCE)
    if failed:
        failed = await _play(driver, [failed[name].case for name in failed], PATIENCE)
    return failed | await _play(driver, to_fail, SHORT_PATIENCE)


async def _play(driver: Callable[[], Any], cases: list[Case], patience: float) -> dict[str, Result]:
    results: list[Result] = []
    await Runner(REACTOR, driver, patience).run(cases, results.append)
    return {each.case.name: each for each in results if each.verdict is Verdict.FAILED}
