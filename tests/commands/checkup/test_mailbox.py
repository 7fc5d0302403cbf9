"""The step that uses the mailbox, with relays in memory that have one, and one that has none."""

from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred

from tests.client.mail_world import LIMITS, MailWorld
from tests.client.world import World
from vaultrelay.client import Closed
from vaultrelay.commands.checkup import devices as devices_module
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.mailbox import check_mailbox
from vaultrelay.commands.checkup.messages import STOPPING
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.mailbox import device_stream
from vaultrelay.store.store import StoreLimits
from vaultrelay.wire import mailbox as wire
from vaultrelay.wire.control.mailbox import MailboxState


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the step against a relay."""

    def checked(world: World, settle: Any) -> StepResult:
        monkeypatch.setattr(devices_module, "endpoint_of", lambda *_: world.network)
        devices = Devices(world.clock, "ws://relay.test")
        done: list[Any] = []
        ensureDeferred(check_mailbox(world.clock, devices)).addBoth(done.append)
        for _ in range(20):
            settle()
        leaving = ensureDeferred(devices.leave())
        settle()
        assert leaving.called
        if not isinstance(done[0], StepResult):
            done[0].raiseException()
        found: StepResult = done[0]
        return found

    return checked


def test_an_item_is_stored_delivered_and_erased(check: Any) -> None:
    world = MailWorld()
    found = check(world, world.settle)
    assert found.detail.startswith("an item was stored in ")
    assert found.detail.endswith(" ms, delivered and erased; the relay keeps items 7 d 0 h")
    assert found.facts == {"mailbox": LIMITS._asdict()}
    assert found.warnings == ()
    assert world.streams.counters.puts == {"stored": 1}
    assert world.stored() == []


def test_a_relay_without_a_mailbox_is_no_failure(check: Any) -> None:
    world = World()
    found = check(world, world.network.flush)
    assert found.detail.startswith("the relay has no mailbox")
    assert (found.facts, found.warnings) == ({"mailbox": None}, ())


def test_a_refusal_is_a_warning_with_its_reason(check: Any) -> None:
    world = MailWorld()
    world.clerk.configure(StoreLimits(channel_items=0))
    world.settle()
    found = check(world, world.settle)
    assert found.detail == "the relay has a mailbox, and stored nothing"
    [warning] = found.warnings
    assert warning.slug == "mailbox_refuses"
    assert "the reason is full." in warning.text


def test_a_store_that_cannot_be_used_is_a_failure(check: Any) -> None:
    world = MailWorld()
    world.streams.store_left()
    with pytest.raises(CheckFailed, match="is its disk full or damaged"):
        check(world, world.settle)


def test_a_store_that_leaves_is_a_failure(check: Any) -> None:
    world = MailWorld()

    def leave() -> None:
        world.network.flush()
        for session in world.relay.broker.sessions:
            session.outbox.send_control(MailboxState("away").encode())
        world.network.flush()

    with pytest.raises(CheckFailed, match="is its disk full or damaged"):
        check(world, leave)


def test_an_item_that_comes_changed_is_found_and_erased(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = wire.pack_item

    def changed(item_id: bytes, cursor: bytes, payload: bytes) -> bytes:
        return pack(item_id, cursor, payload[::-1])

    monkeypatch.setattr(device_stream, "pack_item", changed)
    monkeypatch.setattr(wire, "pack_item", changed)
    world = MailWorld()
    with pytest.raises(CheckFailed, match="was changed on its way"):
        check(world, world.settle)
    assert world.stored() == []


def test_a_connection_that_ends_is_told_as_such(check: Any) -> None:
    world = MailWorld()

    def lose() -> None:
        world.network.flush()
        for pump in world.network.pumps:
            pump.clientIO.abortConnection()
        world.network.flush()

    with pytest.raises(Closed, match="closed with 1006"):
        check(world, lose)


def test_a_relay_that_stops_is_no_fault_of_its_mailbox(check: Any) -> None:
    world = MailWorld()

    def drain() -> None:
        world.network.flush()
        world.relay.broker.drain(20)
        world.network.flush()

    with pytest.raises(CheckFailed) as failed:
        check(world, drain)
    assert str(failed.value) == STOPPING
