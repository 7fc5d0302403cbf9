"""The checkup: tests a relay step by step, as two devices of a temporary channel."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from vaultrelay.client.relay_endpoint import CONNECT_SECONDS
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.explain import explain
from vaultrelay.commands.checkup.idle import check_idle
from vaultrelay.commands.checkup.mailbox import check_mailbox
from vaultrelay.commands.checkup.pages import Pages
from vaultrelay.commands.checkup.probe import probe_name, probe_tcp
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.commands.checkup.tls import check_tls
from vaultrelay.commands.checkup.traffic import LARGEST_SECONDS, Traffic
from vaultrelay.commands.checkup.url import check_url, plaintext_warning
from vaultrelay.wire.relay_url import RelayUrl

STEP_SECONDS = CONNECT_SECONDS - 1
"""After which a step has failed: no user waits longer for a relay. The client itself gives up only
then: the end of its wait looks like an interruption."""

Report = dict[str, Any]
"""The report of a step: step, verdict, passed, seconds, detail, and the facts of the step."""
Step = Callable[[], Coroutine[Any, Any, StepResult | None]]
"""Returns the result, or None if there is nothing to report; an exception is its failure."""


class Checkup:
    """The steps, and their reports. For `idle_seconds` a device then sends nothing."""

    def __init__(
        self,
        reactor: Any,
        url: str,
        report: Callable[[Report], None],
        *,
        idle_seconds: int = 0,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._reactor = reactor
        self._url_text = url
        self._url = RelayUrl.read(url)
        self._report = report
        self._idle_seconds = idle_seconds
        self._progress = progress
        self._devices = Devices(reactor, url)
        self.results: list[Report] = []

    @property
    def passed(self) -> bool:
        """Return whether no step failed."""
        return all(result["passed"] for result in self.results)

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Return the warnings of the steps."""
        return [warning for result in self.results for warning in result["warnings"]]

    async def run(self) -> None:
        """Run the steps in turn until one fails."""
        for name, step in self._steps():
            report = await self._run_step(name, step)
            if report is None:
                continue
            self.results.append(report)
            self._report(report)
            if not report["passed"]:
                break
        await self._devices.leave()

    def _steps(self) -> list[tuple[str, Step]]:
        reactor, devices = self._reactor, self._devices
        pages, traffic = Pages(reactor, self._url), Traffic(reactor, devices)
        tls = partial(check_tls, reactor, self._url)
        idle = partial(check_idle, reactor, devices, self._idle_seconds, self._progress)
        return [
            ("url", self._check_url),
            ("name", self._check_name),
            ("tcp", self._check_tcp),
            *([("tls", tls)] if self._url.scheme == "wss" else []),
            ("http", pages.http),
            ("address", pages.address),
            ("upgrade", devices.upgrade),
            ("join", devices.join),
            ("echo", traffic.echo),
            ("largest", traffic.largest),
            ("throughput", traffic.throughput),
            ("mailbox", partial(check_mailbox, reactor, devices)),
            *([("idle", idle)] if self._idle_seconds else []),
        ]

    async def _run_step(self, name: str, step: Step) -> Report | None:
        started = self._reactor.seconds()
        # Neither the silence itself nor a slow line counts as a slow relay.
        limit = STEP_SECONDS + {"idle": self._idle_seconds, "largest": LARGEST_SECONDS}.get(name, 0)
        try:
            work: Deferred[StepResult | None] = ensureDeferred(step())
            result = await work.addTimeout(limit, self._reactor)
            verdict = "warn" if result is not None and result.warnings else "pass"
        except CheckFailed as failed:
            verdict, result = "fail", StepResult(str(failed))
        except Exception as error:
            has_token = self._url.authorization is not None
            verdict, result = "fail", StepResult(explain(error, name, limit, has_token=has_token))
        if result is None:
            return None
        return {
            "step": name,
            "verdict": verdict,
            "passed": verdict != "fail",
            "seconds": round(self._reactor.seconds() - started, 4),
            "detail": result.detail,
            "warnings": [
                {"step": name, "warning": warning.slug, "detail": warning.text}
                for warning in result.warnings
            ],
            **result.facts,
        }

    async def _check_url(self) -> StepResult | None:
        return check_url(self._url_text)

    async def _check_name(self) -> StepResult:
        addresses = await probe_name(self._reactor, self._url)
        warning = plaintext_warning(self._url, addresses)
        return StepResult(
            f"{self._url.host} is {', '.join(addresses)}",
            {"addresses": addresses},
            (warning,) if warning else (),
        )

    async def _check_tcp(self) -> StepResult:
        address = await probe_tcp(self._reactor, self._url)
        return StepResult(f"{address} answers on port {self._url.port}", {"address": address})
