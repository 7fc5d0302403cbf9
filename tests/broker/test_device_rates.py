"""DeviceRates: a device that is over them is not read for a while."""

import pytest

from tests.broker.fakes import Relay, resting
from vaultrelay.policy.limits.floods import FRAMES_BURST, FRAMES_PER_SECOND, RETRY_RATE_SECONDS
from vaultrelay.wire.data import HEADER_BYTES


@pytest.fixture
def relay() -> Relay:
    return Relay()


HUNDRED = bytes(100 - HEADER_BYTES)
"""The payload of a message of a hundred bytes."""


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


# Frames that are no whole messages, and control messages.


def test_a_device_that_sends_too_many_frames_rests_until_it_has_paid(relay: Relay) -> None:
    device = relay.join()
    for _ in range(FRAMES_BURST):
        device.session.frame_received()
    assert not device.paused()
    for _ in range(FRAMES_PER_SECOND // 2):
        device.session.frame_received()
    assert device.outbox.switches == ["pause"]
    relay.clock.advance(0.49)
    assert device.paused()
    relay.clock.advance(0.02)
    assert device.outbox.switches == ["pause", "resume"]


def test_frames_at_their_rate_are_never_too_many(relay: Relay) -> None:
    device = relay.join()
    for _ in range(5):
        for _ in range(FRAMES_PER_SECOND):
            device.session.frame_received()
        relay.wait(1)
    assert device.outbox.switches == []


def test_no_more_frames_than_the_burst_are_saved_up(relay: Relay) -> None:
    device = relay.join()
    relay.wait(60)
    for _ in range(FRAMES_BURST + 1):
        device.session.frame_received()
    assert device.paused()


def test_too_many_frames_before_the_hello_close(relay: Relay) -> None:
    device = relay.connect()
    for _ in range(FRAMES_BURST):
        device.session.frame_received()
    assert device.closed() == ""
    device.session.frame_received()
    assert device.closed() == f"4005 rate;retry={RETRY_RATE_SECONDS}"


def test_a_rest_is_one_timer_however_much_more_comes(relay: Relay) -> None:
    device = relay.join()
    for _ in range(FRAMES_BURST + 100):
        device.session.frame_received()
    relay.clock.advance(0.05)
    for _ in range(10):
        device.session.frame_received()
    assert relay.clock.pending == 1
    device.leave()
    assert relay.clock.pending == 0
    assert device.outbox.switches == ["pause"]
