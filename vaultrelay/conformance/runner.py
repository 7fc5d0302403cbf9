"""Runner: plays cases one after the other, and starts the adapter anew after a fault of its own."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from twisted.internet.defer import CancelledError, ensureDeferred

from vaultrelay.conformance.adapter import Adapter, AdapterFault, Driver
from vaultrelay.conformance.case import Case
from vaultrelay.conformance.failure import Failure, Settled, shown
from vaultrelay.conformance.limits import CASE_SECONDS
from vaultrelay.conformance.script import play
from vaultrelay.conformance.stage import Stage
from vaultrelay.conformance.transcript import Transcript


class Verdict(StrEnum):
    """The result of a case."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Result:
    """What came of a case; `step` is the number of the step that failed, from 1.

    `transcript` has what passed before a failure, a line each.
    """

    case: Case
    verdict: Verdict
    seconds: float = 0.0
    expected: str = ""
    came: str = ""
    step: int = 0
    transcript: tuple[str, ...] = ()


class Runner:
    """Plays cases to the client behind an adapter. `new_driver` starts the adapter."""

    def __init__(self, reactor: Any, new_driver: Callable[[], Driver], patience: float) -> None:
        self._reactor = reactor
        self._new_driver = new_driver
        self._patience = patience
        self._adapter: Adapter | None = None
        self.client = ""

    async def run(self, cases: Iterable[Case], report: Callable[[Result], None]) -> None:
        """Play the cases. Raises AdapterFault if the adapter does not start, and CancelledError if
        the run is cancelled, after the adapter has ended."""
        try:
            for case in cases:
                adapter = self._adapter or await self._start()
                reason = case.obstacle(adapter.platform, adapter.supports)
                if reason:
                    report(Result(case, Verdict.NOT_APPLICABLE, came=reason))
                else:
                    report(await self._play(adapter, case))
        finally:
            await self._stop()

    async def _start(self) -> Adapter:
        driver = self._new_driver()
        try:
            self._adapter = adapter = await Adapter.start(driver)
        except (AdapterFault, CancelledError):
            await driver.stop()
            raise
        self.client = adapter.client
        if "clock" in adapter.supports:
            # From now on their time stands still.
            await adapter.ask("clock", advance=0)
        return adapter

    async def _stop(self) -> None:
        adapter, self._adapter = self._adapter, None
        if adapter is not None:
            await adapter.stop()

    async def _play(self, adapter: Adapter, case: Case) -> Result:
        """Play one case within CASE_SECONDS."""
        transcript = Transcript(self._reactor.seconds)
        adapter.new_case(transcript)
        started = self._reactor.seconds()
        stage = Stage(self._reactor, adapter, self._patience, case.name, transcript)
        place = [0]
        playing = ensureDeferred(_steps(stage, case, place, transcript))
        deadline = self._reactor.callLater(CASE_SECONDS, playing.cancel)
        expected = came = ""
        try:
            await playing
        except Failure as failure:
            expected, came = failure.expected, failure.came
        except CancelledError:
            if deadline.active():
                # The whole run was cancelled, and not the case.
                await stage.relay.stop()
                raise
            expected, came = f"an end within {CASE_SECONDS:g} seconds", "none"
        except AdapterFault as fault:
            expected, came = "an adapter that works", shown(str(fault))
        finally:
            if deadline.active():
                deadline.cancel()
        transcript.end()
        try:
            await stage.clean_up()
        except AdapterFault as fault:
            expected, came = expected or "an adapter that works", came or shown(str(fault))
            await self._stop()
        verdict = Verdict.FAILED if expected else Verdict.PASSED
        seconds = self._reactor.seconds() - started
        if not expected:
            return Result(case, verdict, seconds)
        return Result(case, verdict, seconds, expected, came, place[0], transcript.lines)


async def _steps(stage: Stage, case: Case, place: list[int], transcript: Transcript) -> None:
    with suppress(Settled):
        for place[0], step in enumerate(case.steps, 1):
            transcript.step(place[0], step)
            await play(stage, step)
