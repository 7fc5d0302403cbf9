"""The checkup: tests a relay step by step, as two devices of a temporary channel."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from vaultrelay.client.device import CONNECT_SECONDS, RelayUrl
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.explain import explain
from vaultrelay.commands.checkup.idle import hold
from vaultrelay.commands.checkup.pages import Pages
from vaultrelay.commands.checkup.probe import dial, resolve
from vaultrelay.commands.checkup.result import CheckFailed, Found
from vaultrelay.commands.checkup.tls import look_at_tls
from vaultrelay.commands.checkup.traffic import LARGEST_SECONDS, Traffic
from vaultrelay.commands.checkup.url import in_clear, look_at_url

STEP_SECONDS = CONNECT_SECONDS - 1
"""After which a step has failed: no user waits longer for a relay. The client itself gives up only
then: the end of its wait looks like an interruption."""

Result = dict[str, Any]
"""The report of a step: step, verdict, passed, seconds, detail, and the facts of the step."""
Step = Callable[[], Coroutine[Any, Any, Found | None]]
"""Returns a finding or None; an exception is its failure."""


class Checkup:
    """The steps, and their results. `idle_seconds` is for how long a device then stays silent."""

    def __init__(
        self,
        reactor: Any,
        url: str,
        report: Callable[[Result], None],
        *,
        idle_seconds: int = 0,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._reactor = reactor
        self._url = url
        self._where = RelayUrl.read(url)
        self._report = report
        self._idle_seconds = idle_seconds
        self._progress = progress
        self._devices = Devices(reactor, url)
        self.results: list[Result] = []

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
        for step, take in self._steps():
            result = await self._take(step, take)
            if result is None:
                continue
            self.results.append(result)
            self._report(result)
            if not result["passed"]:
                break
        await self._devices.leave()

    def _steps(self) -> list[tuple[str, Step]]:
        pages, devices = Pages(self._reactor, self._where), self._devices
        traffic = Traffic(self._reactor, devices)
        silence = partial(hold, self._reactor, devices, self._idle_seconds, self._progress)
        return [
            ("url", self._read_url),
            ("name", self._name),
            ("tcp", self._tcp),
            *([("tls", self._tls)] if self._where.scheme == "wss" else []),
            ("http", pages.http),
            ("address", pages.address),
            ("upgrade", devices.upgrade),
            ("join", devices.join),
            ("echo", traffic.echo),
            ("largest", traffic.largest),
            ("throughput", traffic.throughput),
            *([("idle", silence)] if self._idle_seconds else []),
        ]

    async def _take(self, step: str, take: Step) -> Result | None:
        started = self._reactor.seconds()
        # Neither the silence itself nor a slow line counts as a slow relay.
        limit = STEP_SECONDS + {"idle": self._idle_seconds, "largest": LARGEST_SECONDS}.get(step, 0)
        try:
            work: Deferred[Found | None] = ensureDeferred(take())
            found = await work.addTimeout(limit, self._reactor)
            verdict = "warn" if found is not None and found.warnings else "pass"
        except CheckFailed as failed:
            verdict, found = "fail", Found(str(failed))
        except Exception as error:
            has_token = self._where.authorization is not None
            verdict, found = "fail", Found(explain(error, step, limit, has_token=has_token))
        if found is None:
            return None
        return {
            "step": step,
            "verdict": verdict,
            "passed": verdict != "fail",
            "seconds": round(self._reactor.seconds() - started, 4),
            "detail": found.detail,
            "warnings": [
                {"step": step, "warning": warning.slug, "detail": warning.text}
                for warning in found.warnings
            ],
            **found.facts,
        }

    async def _read_url(self) -> Found | None:
        return look_at_url(self._url)

    async def _name(self) -> Found:
        addresses = await resolve(self._reactor, self._where)
        warning = in_clear(self._where, addresses)
        return Found(
            f"{self._where.host} is {', '.join(addresses)}",
            {"addresses": addresses},
            (warning,) if warning else (),
        )

    async def _tcp(self) -> Found:
        address = await dial(self._reactor, self._where)
        return Found(f"{address} answers on port {self._where.port}", {"address": address})

    async def _tls(self) -> Found:
        return await look_at_tls(self._reactor, self._where)
