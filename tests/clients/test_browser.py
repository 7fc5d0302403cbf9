"""A client as in a browser: it offers subprotocols, sets no header, and sees no answer."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from tests.clients.in_process import InProcess
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.conformance.case import Level
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.runner import Result, Runner, Verdict

REACTOR: Any = reactor
SUPPORTS = ["clock", "dial", "reconnect"]
PATIENCE = 3.0


@pytest.fixture
def with_subprotocols(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name version and channel as a browser does."""
    right = DeviceSocketFactory.__init__

    def make(self: Any, *arguments: Any) -> None:
        right(self, *arguments)
        channel = self.headers.pop("X-VaultMesh-Channel")
        del self.headers["X-VaultMesh-Protocol"]
        self.setSessionParameters(
            url=arguments[1],
            headers=self.headers,
            protocols=["vaultmesh.3", f"vaultmesh.channel.{channel}"],
        )

    monkeypatch.setattr(DeviceSocketFactory, "__init__", make)


async def play() -> dict[str, Result]:
    found: list[Result] = []
    driver = InProcess(REACTOR, platform="browser", supports=SUPPORTS)
    cases = [case for case in catalogue() if case.name != "exchange-100-mb"]
    await Runner(REACTOR, lambda: driver, PATIENCE).run(cases, found.append)
    return {result.case.name: result for result in found}


@pytest.mark.usefixtures("with_subprotocols")
@pytest_twisted.ensureDeferred
async def test_a_client_of_a_browser_passes() -> None:
    found = await play()
    failed = {name for name, result in found.items() if result.verdict is Verdict.FAILED}
    assert failed == set()
    played = [result for result in found.values() if result.verdict is Verdict.PASSED]
    assert [each.case.name for each in played if each.case.level is Level.BROWSER]
    assert found["refusal-401"].verdict is Verdict.NOT_APPLICABLE


@pytest_twisted.ensureDeferred
async def test_a_client_with_headers_is_none_of_a_browser() -> None:
    found = await play()
    failed = [name for name, result in found.items() if result.verdict is Verdict.FAILED]
    assert failed == ["upgrade-subprotocols"]
