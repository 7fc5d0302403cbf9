"""Budgets at the broker: places and joins of an address, and who comes back when there are none."""

from ipaddress import IPv4Address, IPv6Address
from itertools import count
from typing import Any

import pytest

from tests.broker.fakes import Device, Relay, channel_of_vault
from vaultrelay.broker.session import Session
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits.floods import RETRY_RATE_SECONDS
from vaultrelay.policy.limits.networks import MIN_PER_ADDRESS, RESERVED_PER_ADDRESS
from vaultrelay.policy.limits.pending import RETRY_FULL_SECONDS
from vaultrelay.wire.refusal import Refusal

RATE = f"4005 rate;retry={RETRY_RATE_SECONDS}"
REPLACED = "4509 replaced"


def upgrade_budgets(relay: Relay, number: int = 1) -> Budgets:
    """The budgets of an address; each is in a network of its own."""
    address = IPv4Address(0xC6000001 + (number << 8))
    return relay.broker.budgets.arrive(address, relay.clock.seconds())


def connect(relay: Relay, tag: int, vault: int = 1, address: int = 1, name: bool = True) -> Device:
    """A device that is admitted; Refusal if it is not."""
    budgets = upgrade_budgets(relay, address)
    named = channel_of_vault(vault) if name else None
    try:
        relay.broker.admit(named, budgets)
        return relay.connect(tag, vault, named, budgets)
    finally:
        relay.broker.budgets.leave(budgets)


def join(relay: Relay, tag: int, vault: int = 1, address: int = 1) -> Device:
    return connect(relay, tag, vault, address).join()


def refusal_of(relay: Relay, tag: int, vault: int = 1) -> Refusal:
    with pytest.raises(Refusal) as refused:
        connect(relay, tag, vault)
    return refused.value


def test_an_address_has_its_places_and_another_has_its_own() -> None:
    relay = Relay(places=2)
    first = join(relay, 1, vault=1)
    join(relay, 2, vault=2)
    refusal = refusal_of(relay, 3, vault=3)
    assert (refusal.status, refusal.error) == (429, "rate_limited")
    assert refusal.headers == (("Retry-After", str(RETRY_FULL_SECONDS)),)
    assert relay.broker.counters.refused["address_full"] == 1
    assert join(relay, 3, vault=3, address=2).closed() == ""
    first.leave()
    assert join(relay, 3, vault=3).closed() == ""


def test_a_network_around_full_addresses_is_full_and_takes_its_own_devices_back() -> None:
    relay = Relay(max_connections=16, places=2)
    book = relay.broker.budgets
    number = count(1)

    def come(network: int, tag: int, vault: int) -> Device | None:
        address = IPv6Address(f"2001:db8:1:1{network:02x}::{next(number):x}")
        budgets = book.arrive(address, relay.clock.seconds())
        named = channel_of_vault(vault)
        refusal = relay.refusal_of(named, budgets)
        device = relay.connect(tag, vault, named, budgets) if refusal is None else None
        book.leave(budgets)
        return device

    # A line has three eighths of the relay, and three networks could have as much again.
    devices = [come(network, 1, network) for network in (1, 2, 3, 4, 5, 6)]
    for device in devices:
        assert device is not None
        assert device.join().closed() == ""
    assert come(7, 1, 7) is None
    assert relay.broker.counters.refused == {"network_full": 1}
    # The device of the first network comes back by another one of the line.
    again = come(7, 1, 1)
    assert again is not None
    assert again.join().closed() == ""
    assert devices[0] is not None
    assert devices[0].closed() == REPLACED
    stranger = come(7, 2, 1)
    assert stranger is not None
    assert stranger.join().closed() == RATE
    assert relay.broker.counters.refused == {"network_full": 2}


def test_a_device_without_a_channel_is_refused_too() -> None:
    relay = Relay(places=1)
    join(relay, 1)
    with pytest.raises(Refusal):
        connect(relay, 1, name=False)


def test_a_device_comes_back_over_its_own_dead_connection() -> None:
    relay = Relay(places=2)
    old, peer = join(relay, 1), join(relay, 2)
    for _ in range(20):
        new = join(relay, 1)
        assert (new.closed(), old.closed(), peer.closed()) == ("", REPLACED, "")
        old = new
    assert len(relay.broker.sessions) == 2
    assert [budget.devices for budget in upgrade_budgets(relay)] == [2, 2]


def test_nobody_replaces_the_devices_of_another_address() -> None:
    """Else an address could collect places: join elsewhere, take it over, join elsewhere again."""
    relay = Relay(places=1)
    join(relay, 1, vault=1, address=1)
    elsewhere = join(relay, 2, vault=2, address=2)
    assert refusal_of(relay, 2, vault=2).status == 429
    # It may be admitted for the device that it has in the channel, but not for the other's.
    mine = join(relay, 3, vault=2, address=3)
    assert join(relay, 2, vault=2, address=3).closed() == RATE
    assert (mine.closed(), elsewhere.closed()) == ("", "")
    assert relay.broker.counters.refused == {"address_full": 2}


def test_a_new_device_gets_no_place_by_the_name_of_a_channel() -> None:
    relay = Relay(places=1)
    join(relay, 1)
    assert join(relay, 2).closed() == RATE
    assert upgrade_budgets(relay)[0].devices == 1


def test_who_was_let_in_to_replace_takes_a_place_that_came_free() -> None:
    relay = Relay(places=2)
    gone, _ = join(relay, 1), join(relay, 2)
    extra = connect(relay, 3)
    gone.leave()
    assert extra.join().closed() == ""


def test_few_at_a_time_are_let_in_to_replace() -> None:
    relay = Relay(places=1)
    join(relay, 1)
    extra = [connect(relay, 1) for _ in range(RESERVED_PER_ADDRESS)]
    assert refusal_of(relay, 1).status == 429
    extra.pop().leave()
    extra.append(connect(relay, 1))
    assert refusal_of(relay, 1).status == 429
    assert extra.pop().join().closed() == ""
    connect(relay, 1)


def test_joins_beyond_the_rate_are_refused_before_the_proof_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(places=MIN_PER_ADDRESS)
    verified: list[bytes] = []

    def verify(channel: bytes, body: bytes, proof: bytes) -> bool:
        verified.append(proof)
        return True

    monkeypatch.setattr("vaultrelay.broker.hello.verify_join", verify)
    reasons = []
    for _ in range(MIN_PER_ADDRESS * 3):
        device = join(relay, 1)
        reasons.append(device.closed())
        device.leave()
    maximum = MIN_PER_ADDRESS * 2
    assert reasons == [""] * maximum + [RATE] * (len(reasons) - maximum)
    assert len(verified) == maximum
    assert relay.broker.counters.refused == {"address_joins": len(reasons) - maximum}
    assert join(relay, 1, address=2).closed() == ""
    relay.wait(2)
    assert join(relay, 1).closed() == ""


def test_a_household_returns_at_once_after_a_restart_and_once_more() -> None:
    relay = Relay(places=MIN_PER_ADDRESS)
    for _ in range(2):
        devices = [join(relay, tag) for tag in range(1, MIN_PER_ADDRESS + 1)]
        assert {device.closed() for device in devices} == {""}
        for device in devices:
            device.leave(clean=False)


def test_who_has_gone_is_forgotten_with_the_deadlines() -> None:
    relay = Relay(places=2)
    join(relay, 1).leave()
    assert relay.broker.budgets.count == 2
    relay.wait(2)
    assert relay.broker.budgets.count == 0


def test_a_draining_relay_gives_all_places_back() -> None:
    relay = Relay(places=3)
    devices = [join(relay, tag) for tag in (1, 2)] + [connect(relay, 3)]
    relay.broker.drain(0)
    relay.wait(1)
    assert all(device.closed() for device in devices)
    assert relay.broker.budgets.count <= 2
    relay.wait(5)
    assert relay.broker.budgets.count == 0


def test_a_device_that_has_left_can_not_be_replaced_by_its_address() -> None:
    """The budgets of a channel are collected anew after a join or a leave."""
    relay = Relay(places=1)
    join(relay, 9, vault=1, address=9)
    gone = join(relay, 1, vault=1, address=1)
    connect(relay, 1, vault=1, address=1).leave()
    gone.leave()
    join(relay, 2, vault=2, address=1)
    assert refusal_of(relay, 1, vault=1).status == 429
    connect(relay, 2, vault=2, address=1).join()
    assert refusal_of(relay, 1, vault=1).status == 429


def test_questions_about_a_large_channel_look_at_its_devices_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(places=1)
    join(relay, 1, vault=1, address=1)
    join(relay, 9, vault=2, address=9)
    join(relay, 2, vault=2, address=2)
    [_, channel] = relay.broker.channels.values()
    looks: list[int] = []

    class Watched(dict[int, Session]):
        def values(self) -> Any:
            looks.append(len(self))
            return super().values()

    channel.sessions = Watched(channel.sessions)
    for _ in range(5):
        assert refusal_of(relay, 1, vault=2).status == 429
    assert len(looks) == 1
