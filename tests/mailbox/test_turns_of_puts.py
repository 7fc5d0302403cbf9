"""Devices that send many PUTs take turns."""

from tests.mailbox.relay import MailDevice, MailRelay
from vaultrelay.policy.limits.mailbox import PUTS_PER_TURN
from vaultrelay.wire.mailbox import Stored


def is_paused(device: MailDevice) -> bool:
    return not device.session.flow.gate.is_open


def crowd(devices: int) -> tuple[MailRelay, list[MailDevice]]:
    """Live devices that have each sent as many PUTs as are read in one turn."""
    relay = MailRelay()
    relay.work()
    senders = [relay.live(tag) for tag in range(1, devices + 1)]
    for first, sender in enumerate(senders, 1):
        for number in range(PUTS_PER_TURN):
            sender.put(first * 1000 + number)
    return relay, senders


def test_a_device_is_read_no_further_after_some_puts_until_the_next_turn() -> None:
    relay, [sender] = crowd(1)
    assert is_paused(sender)
    relay.clock.advance(0)
    assert not is_paused(sender)
    assert not sender.closed()


def test_fewer_puts_pause_nobody() -> None:
    relay = MailRelay()
    relay.work()
    sender = relay.live(1)
    for number in range(1, PUTS_PER_TURN):
        sender.put(number)
    assert not is_paused(sender)


def test_all_are_answered() -> None:
    relay, senders = crowd(3)
    relay.work()
    for sender in senders:
        stored = [each for each in sender.read() if isinstance(each, Stored)]
        assert len(stored) == PUTS_PER_TURN


def test_a_device_that_leaves_while_it_waits_is_forgotten() -> None:
    relay, senders = crowd(2)
    senders[0].leave()
    relay.clock.advance(0)
    relay.clock.advance(0)
    assert not is_paused(senders[1])
