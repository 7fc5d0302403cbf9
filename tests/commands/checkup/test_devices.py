"""The steps that devices take, with peers that do not do as they should."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from vaultrelay.client import Joined
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.result import CheckFailed
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.wire.control.joining import Peer as Named


class Peer:
    """A device that receives what the test says, in place of a real one."""

    def __init__(self, session: int = 1, *events: Any) -> None:
        self.session = session
        self.peers: dict[int, bytes] = {}
        self.events = list(events)
        self.gone: Deferred[None] = Deferred()

    async def receive(self) -> Any:
        return self.events.pop(0)

    def close(self) -> Deferred[None]:
        return self.gone

    def abort(self) -> None:
        self.gone.callback(None)


def devices(*peers: Any) -> tuple[Devices, Clock]:
    clock = Clock()
    found = Devices(clock, "ws://relay.test")
    found.joined.extend(peers)
    return found, clock


def failure_of(work: Any) -> str:
    found: list[Any] = []
    ensureDeferred(work).addErrback(found.append)
    assert isinstance(found[0].value, CheckFailed)
    return str(found[0].value)


def test_devices_that_do_not_see_each_other_have_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    pair, _ = devices(Peer(1, Joined(Named(9, b"device-x"))), Peer(2))

    async def join() -> None:
        pass

    monkeypatch.setattr(pair, "_connect", join)
    assert failure_of(pair.join()) == "The two devices do not see each other."


def test_devices_that_get_no_answer_to_their_close_are_cut_off() -> None:
    pair, clock = devices(Peer(1), Peer(2))
    left: list[Any] = []
    ensureDeferred(pair.leave()).addCallback(left.append)
    clock.advance(CLOSE_SECONDS - 1)
    assert left == []
    clock.advance(1)
    assert left == [None]
    assert clock.getDelayedCalls() == []
