from collections.abc import Callable

import pytest

from tests.broker.fakes import Device, RecordingOutbox, Relay, resting
from vaultrelay.broker.outbox import Room
from vaultrelay.broker.reading import Reading
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import HEADER_BYTES

HUNDRED = bytes(100 - HEADER_BYTES)
"""The payload of a message of a hundred bytes."""


@pytest.fixture
def relay() -> Relay:
    return Relay()


def test_a_device_is_read_while_nothing_speaks_against_it() -> None:
    outbox = RecordingOutbox()
    reading = Reading(outbox)
    reading.stop_for("one")
    reading.stop_for("one")
    reading.stop_for("two")
    reading.go_on_after("one")
    assert outbox.switches == ["pause"]
    reading.go_on_after("two")
    assert outbox.switches == ["pause", "resume"]


def test_a_reason_that_never_was_changes_nothing() -> None:
    outbox = RecordingOutbox()
    reading = Reading(outbox)
    reading.go_on_after("one")
    reading.stop_for("two")
    reading.go_on_after("one")
    assert outbox.switches == ["pause"]


# Rates: whoever is over them is not read for a while.


def test_a_device_over_its_message_rate_is_not_read_until_it_is_out_of_debt() -> None:
    relay = Relay(messages_per_second=10)
    sender, peer = relay.meet(2)
    sent = [sender.send() for _ in range(10)]
    assert not sender.paused()
    sent += [sender.send() for _ in range(5)]
    assert sender.outbox.switches == ["pause"]
    assert peer.read() == sent
    relay.clock.advance(0.49)
    assert sender.paused()
    relay.clock.advance(0.02)
    assert sender.outbox.switches == ["pause", "resume"]


def test_a_device_over_its_byte_rate_is_not_read_until_it_is_out_of_debt() -> None:
    relay = Relay(bytes_per_second=1000)
    sender, peer = relay.meet(2)
    sender.send(payload=bytes(984))
    assert not sender.paused()
    sent = sender.send(payload=bytes(484))
    assert sender.paused()
    assert peer.read()[-1] == sent
    relay.clock.advance(0.49)
    assert sender.paused()
    relay.clock.advance(0.02)
    assert not sender.paused()


@pytest.mark.parametrize(("messages", "octets"), [(6, 0), (0, 6 * 100)])
def test_rates_count_each_receiver(messages: int, octets: int) -> None:
    relay = Relay(messages_per_second=messages, bytes_per_second=octets)
    sender, one, *_ = relay.meet(4)
    sender.send(payload=HUNDRED)
    sender.send(payload=HUNDRED)
    assert not sender.paused()
    sender.send(to=one.number, payload=HUNDRED)
    assert sender.paused()


@pytest.mark.parametrize(("messages", "octets"), [(6, 0), (0, 6 * 100)])
def test_a_message_that_nobody_gets_counts_once(messages: int, octets: int) -> None:
    relay = Relay(messages_per_second=messages, bytes_per_second=octets)
    [sender] = relay.meet(1)
    for _ in range(3):
        sender.send(payload=HUNDRED)
        sender.send(to=99, payload=HUNDRED)
    assert not sender.paused()
    sender.send(payload=HUNDRED)
    assert sender.paused()


def test_the_longer_of_two_debts_counts() -> None:
    relay = Relay(messages_per_second=1, bytes_per_second=100)
    sender, _ = relay.meet(2)
    sender.send(payload=bytes(284))
    sender.send(payload=HUNDRED)
    relay.clock.advance(2.9)
    assert sender.paused()
    relay.clock.advance(0.2)
    assert not sender.paused()


def test_what_was_read_already_is_passed_on_and_prolongs_the_rest() -> None:
    relay = Relay(messages_per_second=10)
    sender, peer = relay.meet(2)
    sent = [sender.send() for _ in range(15)]
    relay.clock.advance(0.25)
    sent += [sender.send() for _ in range(5)]
    assert peer.read() == sent
    relay.clock.advance(0.7)
    assert sender.outbox.switches == ["pause"]
    relay.clock.advance(0.1)
    assert sender.outbox.switches == ["pause", "resume"]


@pytest.mark.parametrize(("messages", "octets"), [(10, 0), (0, 10 * 100)])
def test_a_long_silence_saves_up_no_more_than_one_second(messages: int, octets: int) -> None:
    relay = Relay(messages_per_second=messages, bytes_per_second=octets)
    sender, _ = relay.meet(2)
    for _ in range(5):
        sender.send(payload=HUNDRED)
    relay.wait(60)
    for _ in range(10):
        sender.send(payload=HUNDRED)
    assert not sender.paused()
    sender.send(payload=HUNDRED)
    assert sender.paused()


def test_a_device_that_pays_as_it_goes_never_rests() -> None:
    relay = Relay(messages_per_second=10)
    sender, _ = relay.meet(2)
    for _ in range(50):
        sender.send()
        relay.clock.advance(0.125)
    assert sender.outbox.switches == []


def test_a_rate_of_zero_is_none() -> None:
    relay = Relay(messages_per_second=0, bytes_per_second=0)
    sender, _ = relay.meet(2)
    for _ in range(5000):
        sender.send()
    for _ in range(20):
        sender.send(payload=bytes(1_000_000))
    assert sender.outbox.switches == []


def test_a_resting_sender_holds_up_nobody_else() -> None:
    relay = Relay(messages_per_second=1)
    sender, other, peer = relay.meet(3)
    sender.send()
    assert [device.paused() for device in (sender, other, peer)] == [True, False, False]


def test_a_device_that_left_while_resting_is_left_alone() -> None:
    relay, device = resting()
    device.leave()
    relay.wait(1001)
    assert device.outbox.switches == ["pause"]


# Flow control: receivers that are slower than their senders.


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
