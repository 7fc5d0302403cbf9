"""Flow control between sessions: the senders to a receiver that is slower than they are."""

from collections.abc import Callable

import pytest

from tests.broker.fakes import Device, Relay
from vaultrelay.broker.outbox import Room
from vaultrelay.wire.close_codes import CloseCode


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.mark.parametrize("room", [Room.HIGH, Room.FULL])
def test_a_sender_is_not_read_until_its_receiver_has_room(relay: Relay, room: Room) -> None:
    sender, peer = relay.meet(2)
    peer.stall(room)
    sender.send()
    sender.send()
    assert sender.outbox.switches == ["pause"]
    peer.drain()
    assert sender.outbox.switches == ["pause", "resume"]


def test_only_who_sends_to_a_slow_receiver_is_not_read(relay: Relay) -> None:
    sender, other, slow, quick = relay.meet(4)
    slow.stall()
    sender.send(to=slow.number)
    other.send(to=quick.number)
    assert [device.paused() for device in (sender, other, quick)] == [True, False, False]


def test_a_device_whose_own_queue_is_high_is_not_read_either(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    assert not slow.paused()
    sender.send()
    assert slow.paused()
    slow.drain()
    assert not slow.paused()


def test_a_device_that_fills_its_own_queue_with_nacks_is_not_read(relay: Relay) -> None:
    device, _ = relay.meet(2)
    device.stall()
    device.send(to=99)
    assert device.paused()
    device.drain()
    assert not device.paused()


def test_every_sender_to_a_slow_receiver_waits_for_it(relay: Relay) -> None:
    *senders, slow = relay.meet(4)
    slow.stall()
    for sender in senders:
        sender.send(to=slow.number)
    assert [sender.outbox.switches for sender in senders] == [["pause"]] * 3
    slow.drain()
    assert [sender.outbox.switches for sender in senders] == [["pause", "resume"]] * 3


def test_a_sender_waits_for_the_last_of_its_slow_receivers(relay: Relay) -> None:
    sender, *slow, _ = relay.meet(5)
    for peer in slow:
        peer.stall()
    sender.send()
    for peer in slow:
        assert sender.paused()
        peer.drain()
    assert sender.outbox.switches == ["pause", "resume"]


def test_devices_that_are_slow_to_each_other_wait_for_themselves_too(relay: Relay) -> None:
    one, two = relay.meet(2)
    one.stall()
    two.stall()
    one.send()
    two.send()
    one.drain()
    assert one.paused()
    assert two.paused()
    two.drain()
    assert not one.paused()
    assert not two.paused()


END = {
    "leaves": lambda relay, device: device.leave(),
    "is lost": lambda relay, device: device.leave(clean=False),
    "is closed": lambda relay, device: device.session.close(CloseCode.MEMORY),
    "is replaced": lambda relay, device: relay.join(tag=int.from_bytes(device.tag, "big")),
}


@pytest.mark.parametrize("end", END.values(), ids=END.keys())
@pytest.mark.parametrize("room", [Room.HIGH, Room.FULL])
def test_senders_are_read_again_when_their_slow_receiver(
    relay: Relay, room: Room, end: Callable[[Relay, Device], object]
) -> None:
    *senders, slow = relay.meet(3)
    slow.stall(room)
    for sender in senders:
        sender.send()
    end(relay, slow)
    assert [sender.paused() for sender in senders] == [False, False]


@pytest.mark.parametrize("end", END.values(), ids=END.keys())
def test_a_slow_receiver_no_longer_knows_a_sender_that(
    relay: Relay, end: Callable[[Relay, Device], object]
) -> None:
    sender, other, slow = relay.meet(3)
    slow.stall()
    sender.send(to=slow.number)
    other.send(to=slow.number)
    end(relay, sender)
    slow.drain()
    assert sender.outbox.switches == ["pause"]
    assert other.outbox.switches == ["pause", "resume"]
    assert slow.outbox.switches == ["pause", "resume"]


def test_a_queue_that_was_never_high_holds_up_nobody(relay: Relay) -> None:
    sender, peer = relay.meet(2)
    sender.send()
    peer.drain()
    assert sender.outbox.switches == peer.outbox.switches == []


def test_a_sender_both_over_its_rate_and_held_up_waits_for_both() -> None:
    relay = Relay(messages_per_second=1)
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    sender.send()
    relay.clock.advance(1.1)
    assert sender.paused()
    slow.drain()
    assert sender.outbox.switches == ["pause", "resume"]
    slow.stall()
    sender.send()
    slow.drain()
    assert sender.paused()
    relay.clock.advance(1)
    assert sender.outbox.switches == ["pause", "resume"] * 2
