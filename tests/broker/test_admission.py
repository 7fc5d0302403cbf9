"""Admission: a full relay, the few connections that it admits, and which ones make room."""

from collections.abc import Callable

import pytest

from tests.broker.fakes import Device, Relay, channel_of_vault
from vaultrelay.policy.limits.networks import RESERVED_PER_CHANNEL
from vaultrelay.policy.limits.pending import PENDING_GRACE_SECONDS, RETRY_FULL_SECONDS
from vaultrelay.policy.limits.reserved import RESERVED_SLOTS, RETRY_RESERVED_SECONDS
from vaultrelay.policy.limits.timeouts import HELLO_SECONDS
from vaultrelay.wire.refusal import Refusal

RELAY_FULL = f"4006 relay_full;retry={RETRY_FULL_SECONDS}"


@pytest.mark.parametrize("named", [None, b"a channel that nobody is in ....", b""])
def test_a_full_relay_refuses_upgrades_with_a_time_to_return(named: bytes | None) -> None:
    relay = Relay(max_connections=2)
    relay.connect()
    assert relay.refusal_of(named) is None
    member = relay.join()
    refusal = relay.refusal_of(named)
    assert refusal is not None
    assert (refusal.status, refusal.error) == (503, "relay_full")
    assert refusal.headers == (("Retry-After", str(RETRY_FULL_SECONDS)),)
    member.leave()
    assert relay.refusal_of(named) is None


def test_a_relay_that_is_behind_refuses_upgrades_with_the_time_that_it_is_given() -> None:
    """With 429 if the channel is here, since a proxy would try another relay after 503."""
    relay = Relay()
    member = relay.join()
    waiting = relay.connect(tag=2, named=channel_of_vault(2))
    for channel, status in (
        (None, 503),
        (b"x" * 32, 503),
        (member.channel, 429),
        (waiting.channel, 429),
    ):
        with pytest.raises(Refusal) as raised:
            relay.broker.admit(channel, retry_seconds=17)
        assert (raised.value.status, raised.value.error) == (status, "overloaded")
        assert raised.value.headers == (("Retry-After", "17"),)
    assert relay.broker.counters.refused == {"overloaded": 4}


def test_a_full_relay_takes_back_a_device_that_it_holds() -> None:
    relay = Relay(max_connections=2)
    old, peer = relay.meet(2)
    assert relay.refusal_of(old.channel) is None
    new = relay.connect(tag=1, named=old.channel).join()
    assert (new.closed(), old.closed(), peer.closed()) == ("", "4509 replaced", "")
    assert len(relay.broker.sessions) == 2


def test_a_full_relay_takes_no_new_device_on_a_reserved_slot() -> None:
    relay = Relay(max_connections=2)
    members = relay.meet(2)
    new = relay.connect(tag=3, named=members[0].channel).join()
    assert new.closed() == RELAY_FULL
    assert [member.read() for member in members] == [[], []]


def test_a_full_relay_takes_no_device_into_a_new_channel_on_a_reserved_slot() -> None:
    relay = Relay(max_connections=1)
    relay.join()
    assert relay.join(vault=2).closed() == RELAY_FULL


def test_a_device_is_not_locked_out_by_its_own_connection_that_ends_before_its_hello() -> None:
    relay = Relay(max_connections=2)
    old, _ = relay.meet(2)
    new = relay.connect(tag=1, named=old.channel)
    old.leave(clean=False)
    assert new.join().closed() == ""


def join_again(device: Device) -> None:
    device.join()


def say_bad_hello(device: Device) -> None:
    device.say(device.hello(relay_nonce=bytes(32)))


def hang_up(device: Device) -> None:
    device.leave()


@pytest.mark.parametrize("end", [join_again, say_bad_hello, hang_up])
def test_a_channel_has_few_reserved_slots(end: Callable[[Device], None]) -> None:
    relay = Relay(max_connections=1)
    [member] = relay.meet(1)
    held = []
    for _ in range(RESERVED_PER_CHANNEL):
        assert relay.refusal_of(member.channel) is None
        held.append(relay.connect(named=member.channel))
    refusal = relay.refusal_of(member.channel)
    assert refusal is not None
    # A proxy would pass a 503 on to another relay, and the device would not find its peers there.
    assert (refusal.status, refusal.error) == (429, "relay_full")
    assert refusal.headers == (("Retry-After", str(RETRY_RESERVED_SECONDS)),)
    end(held[0])
    assert relay.refusal_of(member.channel) is None


def test_a_full_relay_has_few_reserved_slots_for_all_channels() -> None:
    relay = Relay(max_connections=RESERVED_SLOTS + 1)
    channels = [relay.join(vault=vault).channel for vault in range(RESERVED_SLOTS + 1)]
    for channel in channels[:-1]:
        assert relay.refusal_of(channel) is None
        relay.connect(named=channel)
    assert relay.refusal_of(channels[-1]) is not None


def test_a_channel_whose_first_device_has_not_joined_yet_is_sent_to_no_other_relay() -> None:
    """Nor has it a reserved slot: there is no device to be replaced."""
    relay = Relay(max_connections=2)
    named = channel_of_vault(1)
    first, second = relay.connect(named=named), relay.connect(named=named)
    for device in (first, second):
        refusal = relay.refusal_of(named)
        assert refusal is not None
        assert refusal.status == 429
        device.leave()
        relay.connect(vault=2)
    for channel in (named, channel_of_vault(2)):
        refusal = relay.refusal_of(channel)
        assert refusal is not None
        assert refusal.status == 503


def test_reserved_slots_come_back_when_their_devices_have_joined_and_left() -> None:
    relay = Relay(max_connections=1)
    [member] = relay.meet(1)
    for _ in range(3 * RESERVED_SLOTS):
        relay.connect(named=member.channel).join()
    for _ in range(RESERVED_PER_CHANNEL):
        assert relay.refusal_of(member.channel) is None
        relay.connect(named=member.channel)
    assert relay.refusal_of(member.channel) is not None


def test_reserved_slots_come_back_from_devices_that_say_no_hello() -> None:
    relay = Relay(max_connections=1)
    [member] = relay.meet(1)
    for _ in range(RESERVED_PER_CHANNEL):
        relay.connect(named=member.channel)
    relay.wait(HELLO_SECONDS)
    assert len(relay.broker.sessions) == 1
    assert relay.refusal_of(member.channel) is None


def test_a_reserved_slot_does_not_count_as_room_that_others_lack() -> None:
    relay = Relay(max_connections=2)
    first, second = relay.join(vault=1), relay.join(vault=2)
    waiting = relay.connect(named=first.channel)
    second.leave()
    assert relay.join(vault=3).closed() == ""
    assert relay.refusal_of() is not None
    assert waiting.join().closed() == ""
    assert first.closed() == "4509 replaced"


def test_a_replaced_session_leaves_a_full_channel_of_a_full_relay_as_full_as_it_was() -> None:
    relay = Relay(max_connections=2, channel_devices=2)
    relay.meet(2)
    for _ in range(2 * RESERVED_SLOTS):
        again = relay.connect(tag=2)
        assert again.join().closed() == ""
    assert len(relay.broker.sessions) == relay.broker.joined == 2


@pytest.mark.parametrize("name", [None, 1, 9])
def test_silent_connections_do_not_keep_devices_out_of_a_full_relay(name: int | None) -> None:
    relay = Relay(max_connections=2)
    member, silent = relay.join(1, vault=2), relay.connect(2)
    named = None if name is None else channel_of_vault(name)
    assert relay.refusal_of(named) is not None, "one that came just now may be about to say hello"
    relay.wait(PENDING_GRACE_SECONDS)
    assert relay.refusal_of(named) is None
    assert silent.closed() == "4003 hello_timeout;rule=no_hello"
    assert relay.join(3, vault=3).closed() == ""
    assert relay.refusal_of(named) is not None, "devices that have joined go for nobody"
    assert member.closed() == ""


def test_no_device_about_to_replace_its_own_goes_for_one_that_replaces_none() -> None:
    relay = Relay(max_connections=1)
    [member] = relay.meet(1)
    slow = relay.connect(named=member.channel)
    relay.wait(PENDING_GRACE_SECONDS)
    assert relay.refusal_of() is not None
    assert slow.join().closed() == ""
