from collections.abc import Callable

import pytest

from tests.broker.fakes import Device, Relay, resting
from vaultrelay.policy.limits.memory import SLOW_SECONDS
from vaultrelay.policy.limits.timeouts import (
    HELLO_SECONDS,
    PING_SECONDS,
    PONG_SECONDS,
    TICK_SECONDS,
)
from vaultrelay.wire.control.in_session import Keepalive, Left


@pytest.fixture
def relay() -> Relay:
    return Relay()


# Keepalive.


def seconds_until_ping(relay: Relay, device: Device) -> int:
    before = device.pings()
    for second in range(1, 1000):
        relay.wait(1)
        if device.pings() > before:
            return second
    pytest.fail("never pinged")


def test_silence_is_pinged_within_a_tenth_of_the_interval_and_not_all_at_once() -> None:
    relay = Relay()
    devices = relay.meet(40)
    waits: list[int] = []
    for second in range(1, PING_SECONDS * 2):
        relay.wait(1)
        new = sum(device.pings() for device in devices) - len(waits)
        waits += [second] * new
        if len(waits) == len(devices):
            break
    assert [device.pings() for device in devices] == [1] * 40
    assert waits[0] >= PING_SECONDS * 0.9
    assert waits[-1] <= PING_SECONDS + TICK_SECONDS
    assert len(set(waits)) > 1


def test_every_ping_waits_anew_for_as_long(relay: Relay) -> None:
    device = relay.join()
    _, *waits = [seconds_until_ping(relay, device) for _ in range(12)]
    assert min(waits) >= PING_SECONDS * 0.9
    assert max(waits) <= PING_SECONDS + 2 * TICK_SECONDS
    assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("asked", "given"),
    [(-(10**9), 20), (0, 20), (19, 20), (20, 20), (300, 300), (600, 600), (601, 600), (10**9, 600)],
)
def test_a_device_may_ask_for_another_interval_within_limits(
    relay: Relay, asked: int, given: int
) -> None:
    device = relay.join()
    device.read()
    device.say(Keepalive(asked))
    assert device.read() == [Keepalive(given)]
    assert given * 0.9 <= seconds_until_ping(relay, device) <= given * 1.1 + 2 * TICK_SECONDS


def test_a_device_that_is_heard_is_not_pinged_while_it_hears_us(relay: Relay) -> None:
    device, peer = relay.meet(2)
    for _ in range(20):
        relay.wait(PING_SECONDS // 5)
        device.outbox.received_since_tick = True
        peer.send()
    assert device.pings() == 0


def test_a_device_that_hears_us_is_pinged_after_its_own_silence(relay: Relay) -> None:
    device, peer = relay.meet(2)
    for _ in range(6):
        relay.wait(PING_SECONDS // 5)
        peer.send()
    assert device.pings() == 1


def test_a_device_that_is_heard_is_pinged_after_our_silence(relay: Relay) -> None:
    device = relay.join()
    for _ in range(6):
        relay.wait(PING_SECONDS // 5)
        device.outbox.received_since_tick = True
    assert device.pings() == 1


def test_a_device_that_answers_nothing_is_closed_as_lost(relay: Relay) -> None:
    device, peer = relay.meet(2)
    device.vanish()
    seconds_until_ping(relay, device)
    relay.wait(PONG_SECONDS - 1)
    assert device.closed() == ""
    relay.wait(1)
    assert device.closed() == "4002 ping_timeout"
    assert peer.read() == [Left(device.number, "lost")]
    assert device.pings() == 1


def test_whoever_vanishes_without_a_word_is_found_within_75_seconds() -> None:
    relay = Relay()
    devices = relay.meet(64)
    relay.wait(7)
    for device in devices[1:]:
        device.vanish()
    relay.wait(75)
    assert {device.closed() for device in devices[1:]} == {"4002 ping_timeout"}
    assert devices[0].closed() == "", "the living one stays"


def test_any_byte_heard_is_life(relay: Relay) -> None:
    device = relay.join()
    device.vanish()
    for _ in range(3):
        seconds_until_ping(relay, device)
        relay.wait(PONG_SECONDS - 2)
        device.outbox.received_since_tick = True
    relay.wait(PONG_SECONDS)
    assert device.closed() == ""


def test_a_device_that_once_was_heard_is_lost_all_the_same(relay: Relay) -> None:
    device = relay.join()
    for _ in range(3):
        seconds_until_ping(relay, device)
    relay.wait(1)
    device.vanish()
    seconds_until_ping(relay, device)
    relay.wait(PONG_SECONDS)
    assert device.closed() == "4002 ping_timeout"


def test_a_ping_is_answered_only_by_what_is_heard_after_it(relay: Relay) -> None:
    device = relay.join()
    device.vanish()
    while not device.pings():
        device.outbox.received_since_tick = True
        relay.wait(1)
    relay.wait(PONG_SECONDS)
    assert device.closed() == "4002 ping_timeout"


def test_a_device_that_the_relay_does_not_read_is_not_counted_dead() -> None:
    relay, device = resting()
    device.vanish()
    relay.wait(999)
    assert device.paused()
    assert device.closed() == ""


@pytest.mark.parametrize("which", [0, 1], ids=["sender", "receiver"])
def test_a_ping_before_a_pause_need_not_be_answered_in_time(relay: Relay, which: int) -> None:
    sender, slow = relay.meet(2)
    device = (sender, slow)[which]
    device.vanish()
    seconds_until_ping(relay, device)
    relay.wait(PONG_SECONDS - 2)
    slow.stall()
    sender.send()
    relay.wait(SLOW_SECONDS - 1)
    slow.drain()
    relay.wait(PONG_SECONDS - 1)
    assert device.closed() == ""


def test_a_device_that_died_in_a_pause_is_found_after_it() -> None:
    relay, device = resting()
    device.vanish()
    relay.wait(1001)
    assert not device.paused()
    relay.wait(PING_SECONDS + PONG_SECONDS + 10)
    assert device.closed() == "4002 ping_timeout"


def test_a_device_that_the_relay_does_not_read_still_hears_it() -> None:
    relay, device = resting()
    relay.wait(PING_SECONDS * 2)
    assert device.paused()
    assert device.pings() >= 1


# Session TTL.


def say_data(device: Device) -> None:
    device.send()


def say_keepalive(device: Device) -> None:
    device.say(Keepalive(PING_SECONDS))


def say_ping(device: Device) -> None:
    device.outbox.received_since_tick = True
    device.session.ping_received()


def say_pong(device: Device) -> None:
    device.outbox.received_since_tick = True


def say_nothing(device: Device) -> None:
    pass


@pytest.mark.parametrize(
    ("say", "is_activity"),
    [
        (say_data, True),
        (say_keepalive, True),
        (say_ping, False),
        (say_pong, False),
        (say_nothing, False),
    ],
)
def test_a_session_without_data_and_control_is_closed_as_idle(
    say: Callable[[Device], None], is_activity: bool
) -> None:
    relay = Relay(session_ttl=200)
    device, peer = relay.meet(2)
    for _ in range(4):
        relay.wait(49)
        peer.send()
        say(device)
    assert device.closed() == ""
    relay.wait(6)
    peer.send()
    assert device.closed() == ("" if is_activity else "4001 idle")
    if is_activity:
        relay.wait(200)
        assert device.closed() == "4001 idle"
    assert peer.left() == [Left(device.number, "idle")]


def test_the_time_to_live_begins_with_the_welcome() -> None:
    relay = Relay(session_ttl=100)
    device = relay.connect()
    relay.wait(HELLO_SECONDS - 1)
    device.join()
    relay.wait(100 - 1)
    assert device.closed() == ""
    relay.wait(1 + TICK_SECONDS)
    assert device.closed() == "4001 idle"


def test_time_in_which_the_relay_does_not_read_is_not_idle() -> None:
    relay, device = resting(session_ttl=200)
    relay.wait(1001)
    assert device.closed() == ""
    relay.wait(200)
    assert device.closed() == "4001 idle"
