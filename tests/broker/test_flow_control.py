"""Receivers that do not keep up: who waits for them, for how long, and what they are told."""

import gc
import weakref

import pytest

from tests.broker.fakes import Device, Relay, nack, resting
from vaultrelay.broker.outbox import Room
from vaultrelay.policy.limits.memory import (
    BUSY_SECONDS,
    PROGRESS_BYTES,
    SLOW_SECONDS,
    UNFINISHED_SECONDS,
)
from vaultrelay.policy.limits.timeouts import PING_SECONDS, STANDSTILL_SECONDS
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.in_session import Busy, Keepalive, Left, Ready
from vaultrelay.wire.data import Reason


@pytest.fixture
def relay() -> Relay:
    return Relay()


def takes(relay: Relay, device: Device, size: int, seconds: int) -> None:
    """Let the device take so much of what is queued for it in each of so many seconds."""
    for _ in range(seconds):
        device.outbox.bytes_taken += size
        relay.wait(1)


# Busy and ready.


def test_a_receiver_without_progress_holds_its_senders_up_no_longer(relay: Relay) -> None:
    *senders, other, slow = relay.meet(4)
    slow.stall()
    for sender in senders:
        sender.send(to=slow.number)
        sender.read()
    other.read()
    relay.wait(BUSY_SECONDS - 1)
    assert [sender.paused() for sender in senders] == [True, True]
    relay.wait(1)
    assert [sender.read() for sender in senders] == [[Busy(slow.number)]] * 2
    assert [sender.paused() for sender in senders] == [False, False]
    assert other.read() == [], "it did not wait"
    assert slow.paused(), "a device is not answered into a void"


def test_a_busy_receiver_that_takes_again_is_ready(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    relay.wait(BUSY_SECONDS)
    sender.read()
    slow.drain()
    assert sender.read() == [Ready(slow.number)]
    assert not slow.paused()
    slow.stall()
    sender.send()
    assert sender.paused(), "it begins anew"


def test_senders_to_a_busy_receiver_get_nacks_for_it_alone_and_do_not_wait(relay: Relay) -> None:
    sender, quick, slow = relay.meet(3)
    slow.stall()
    sender.send()
    relay.wait(BUSY_SECONDS)
    slow.stall(Room.FULL)
    sender.read()
    quick.read()
    sent = [sender.send() for _ in range(3)]
    assert sender.read() == [nack(message, slow.number, Reason.BUSY) for message in sent]
    assert quick.read() == sent
    assert not sender.paused()


def test_whoever_got_a_nack_busy_learns_when_the_receiver_is_ready(relay: Relay) -> None:
    """Told busy or not: it could not know when to send again."""
    first, late, slow = relay.meet(3)
    slow.stall(Room.FULL)
    refused = first.send(to=slow.number)
    relay.wait(BUSY_SECONDS)
    refused_late = late.send(to=slow.number)
    slow.drain()
    assert first.read() == [
        nack(refused, slow.number, Reason.BUSY),
        Busy(slow.number),
        Ready(slow.number),
    ]
    assert late.read() == [nack(refused_late, slow.number, Reason.BUSY), Ready(slow.number)]


def test_a_receiver_that_was_never_busy_is_never_called_ready(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    relay.wait(BUSY_SECONDS - 1)
    slow.drain()
    assert sender.read() == []


@pytest.mark.parametrize("seconds", [0, BUSY_SECONDS])
def test_a_receiver_that_leaves_is_not_called_ready(relay: Relay, seconds: int) -> None:
    sender, slow = relay.meet(2)
    slow.stall(Room.FULL)
    sender.send()
    relay.wait(seconds)
    sender.read()
    slow.leave()
    assert sender.read() == [Left(slow.number, "closed")]
    assert not sender.paused()


def test_a_broadcast_waits_for_the_slowest_and_reaches_the_others(relay: Relay) -> None:
    sender, quick, *slow = relay.meet(4)
    for each in slow:
        each.stall()
    message = sender.send()
    assert quick.read() == [message]
    slow[0].drain()
    assert sender.paused()
    relay.wait(BUSY_SECONDS)
    assert not sender.paused()
    assert sender.read() == [Busy(slow[1].number)]


# Progress.


def test_progress_is_so_many_bytes_in_so_many_seconds(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    takes(relay, slow, PROGRESS_BYTES // (BUSY_SECONDS - 1), 10 * SLOW_SECONDS)
    assert (slow.closed(), sender.read()) == ("", [])
    assert sender.paused()
    slow.drain()
    assert not sender.paused()


def test_less_than_progress_is_none(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    takes(relay, slow, (PROGRESS_BYTES - 1) // SLOW_SECONDS, SLOW_SECONDS)
    assert slow.closed() == "4004 slow;rule=unread"
    assert sender.read() == [Busy(slow.number), Left(slow.number, "slow")]


def test_a_busy_receiver_with_some_progress_is_not_closed(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    takes(relay, slow, PROGRESS_BYTES // (SLOW_SECONDS - 1) + 1, 5 * SLOW_SECONDS)
    assert slow.closed() == ""
    assert sender.read() == [Busy(slow.number)]


def test_time_in_which_the_relay_stood_still_is_nobodys_fault(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    relay.wait(BUSY_SECONDS - 1)
    relay.clock.advance(10 * SLOW_SECONDS)
    relay.broker.tick()
    assert STANDSTILL_SECONDS < 10 * SLOW_SECONDS
    assert (slow.closed(), sender.read()) == ("", [])
    relay.wait(1)
    assert sender.read() == [Busy(slow.number)]


def test_what_fills_a_queue_without_a_message_of_anybody_holds_up_nobody_else(
    relay: Relay,
) -> None:
    other, device = relay.meet(2)
    device.session.queue_full()
    assert (device.paused(), other.paused()) == (True, False)
    device.session.queue_drained()
    assert not device.paused()


def test_a_queue_that_fills_only_when_it_is_written_holds_its_sender_up(relay: Relay) -> None:
    sender, other, device = relay.meet(3)
    sender.send()
    device.session.queue_full()
    device.session.hold_sender(sender.session)
    assert [each.paused() for each in (sender, other, device)] == [True, False, True]
    device.session.queue_drained()
    assert [each.paused() for each in (sender, other, device)] == [False, False, False]


def test_a_sender_that_is_gone_when_the_queue_fills_is_not_waited_for(relay: Relay) -> None:
    sender, device = relay.meet(2)
    sender.send()
    sender.leave()
    device.session.hold_sender(sender.session)
    device.leave()
    device.session.queue_full()
    device.session.hold_sender(sender.session)
    assert sender.outbox.switches == []


def test_a_device_that_joins_does_not_wait_for_a_queue_that_the_news_of_it_fills(
    relay: Relay,
) -> None:
    device, late = relay.join(1), relay.connect(2)
    device.session.hold_sender(late.session)
    late.join()
    assert (late.paused(), device.paused()) == (False, True)


# Messages that begin and do not get on.


def test_a_message_that_drips_is_closed(relay: Relay) -> None:
    _, device = relay.meet(2)
    for size in range(UNFINISHED_SECONDS):
        device.outbox.partial_bytes = size * 100
        relay.wait(1)
    assert device.closed() == ""
    relay.wait(1)
    assert device.closed() == "4004 slow;rule=partial_message"


def test_a_large_message_that_gets_on_is_waited_for(relay: Relay) -> None:
    _, device = relay.meet(2)
    for size in range(10 * UNFINISHED_SECONDS):
        device.outbox.partial_bytes = size * (PROGRESS_BYTES // (UNFINISHED_SECONDS - 1) + 1)
        relay.wait(1)
    assert device.closed() == ""


def test_each_message_has_a_time_of_its_own(relay: Relay) -> None:
    """On a slow link a device is in the middle of some message whenever one looks."""
    _, device = relay.meet(2)
    device.outbox.partial_bytes = 1000
    for _ in range(UNFINISHED_SECONDS):
        relay.wait(UNFINISHED_SECONDS - 1)
        device.send()
    for _ in range(UNFINISHED_SECONDS):
        relay.wait(UNFINISHED_SECONDS - 1)
        device.say(Keepalive(50))
    assert device.closed() == ""


def test_a_message_whose_rest_the_relay_does_not_read_does_not_drip() -> None:
    relay, device = resting()
    device.outbox.partial_bytes = 1
    relay.wait(999)
    assert device.paused()
    assert device.closed() == ""
    relay.wait(UNFINISHED_SECONDS + 2)
    assert device.closed() == "4004 slow;rule=partial_message"


def test_a_message_does_not_drip_while_the_queue_of_its_device_is_high(relay: Relay) -> None:
    """The relay does not read its rest; what it waited before does not count either."""
    sender, slow = relay.meet(2)
    slow.outbox.partial_bytes = 1
    relay.wait(UNFINISHED_SECONDS - 1)
    slow.stall()
    sender.send()
    takes(relay, slow, PROGRESS_BYTES, UNFINISHED_SECONDS)
    slow.drain()
    relay.wait(UNFINISHED_SECONDS)
    assert slow.closed() == ""
    relay.wait(1)
    assert slow.closed() == "4004 slow;rule=partial_message"


def test_a_device_is_not_pinged_while_its_queue_is_high() -> None:
    relay = Relay()
    sender, slow = relay.meet(2)
    slow.stall()
    sender.send()
    takes(relay, slow, PROGRESS_BYTES, 2 * PING_SECONDS)
    assert (slow.pings(), slow.closed()) == (0, "")


def test_time_in_which_the_relay_stood_still_is_no_dripping(relay: Relay) -> None:
    _, device = relay.meet(2)
    device.outbox.partial_bytes = 1
    relay.wait(UNFINISHED_SECONDS - 1)
    relay.clock.advance(10 * UNFINISHED_SECONDS)
    relay.broker.tick()
    relay.wait(1)
    assert device.closed() == ""
    relay.wait(1)
    assert device.closed() == "4004 slow;rule=partial_message"


# What is over is forgotten.


def test_a_session_that_is_over_has_no_high_queue(relay: Relay) -> None:
    sender, device = relay.meet(2)
    device.session.close(CloseCode.RESTART)
    device.session.queue_full()
    device.session.hold_sender(sender.session)
    assert not device.session.flow.is_queue_high
    assert not sender.paused()


@pytest.mark.parametrize("seconds", [0, BUSY_SECONDS])
def test_a_slow_receiver_keeps_no_sender_alive(relay: Relay, seconds: int) -> None:
    sender, _, slow = relay.meet(3)
    slow.stall(Room.FULL)
    sender.send(to=slow.number)
    relay.wait(seconds)
    sender.leave()
    gone = weakref.ref(sender.outbox)
    del sender
    gc.collect()
    assert gone() is None
    slow.drain()


def test_a_sender_keeps_no_slow_receiver_alive(relay: Relay) -> None:
    sender, slow = relay.meet(2)
    slow.stall(Room.FULL)
    sender.send()
    slow.session.close(CloseCode.SLOW)
    gone = weakref.ref(slow.outbox)
    del slow
    gc.collect()
    assert gone() is None
    assert not sender.paused()
