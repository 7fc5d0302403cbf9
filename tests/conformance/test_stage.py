"""Stage.until accepts what arrived in time, however late the kit reads it, and gives up early
only if waiting is hopeless."""

from typing import Any

import pytest

from tests.clients.network import Network
from vaultrelay.conformance.adapter import Adapter
from vaultrelay.conformance.failure import Failure
from vaultrelay.conformance.stage import Client, Stage
from vaultrelay.conformance.transcript import Transcript

PATIENCE = 1.0
STANDSTILL = 100.0
"""Seconds for which the kit is not scheduled."""


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


def test_the_end_of_an_earlier_connection_says_nothing_of_the_next_one() -> None:
    client = Client("case/a", bytes(32), bytes(8))
    assert not client.has_ended
    client.events.append({"event": "ended"})
    assert client.has_ended
    client.may_end = True
    assert not client.has_ended
