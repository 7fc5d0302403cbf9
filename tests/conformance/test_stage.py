"""What a case waits for counts if it came in time, however late the kit reads it."""

from typing import Any

import pytest

from tests.clients.network import Network
from vaultrelay.conformance.adapter import Adapter
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.stage import Stage
from vaultrelay.conformance.transcript import Transcript

PATIENCE = 1.0
STANDSTILL = 100.0
"""Seconds for which the machine does something else."""


class BusyDriver:
    """Stands still at the first request for events, and has an event at the second, or none."""

    def __init__(self, network: Network, *, has_event: bool) -> None:
        self.network = network
        self.has_event = has_event
        self.requests = 0

    async def start(self) -> dict[str, Any]:
        return {"adapter": 1}

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        self.requests += 1
        if self.requests == 1:
            self.network.rightNow += STANDSTILL
        is_due = self.requests == 2 and self.has_event
        return {"events": [{"client": "case/a", "event": "open"}] if is_due else []}

    def new_case(self) -> None:
        pass

    async def stop(self) -> None:
        pass


async def wait(network: Network, *, has_event: bool) -> None:
    adapter = await Adapter.start(BusyDriver(network, has_event=has_event))
    stage = Stage(network, adapter, PATIENCE, "case", Transcript(network.seconds))
    client = stage.client("a")
    assert await stage.until(client, lambda: client.events or None, "an event", of="event")


def test_what_came_meanwhile_is_read() -> None:
    network = Network()
    network.run(wait(network, has_event=True))


def test_nothing_came() -> None:
    network = Network()
    with pytest.raises(Failure, match="expected an event, got nothing"):
        network.run(wait(network, has_event=False))
