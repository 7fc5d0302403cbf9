"""Budgets per address: who shares one, what it allows, and that there are never too many."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from vaultrelay.policy.addresses import Addresses, Budget, IpAddress, OverBudget, read_address
from vaultrelay.policy.limits import (
    ARRIVALS_PER_JOIN,
    JOIN_SECONDS_PER_DEVICE,
    JOINS_AT_ONCE_PER_DEVICE,
    LEAST_PER_ADDRESS,
    RESTING_ADDRESSES,
    SPARE_SESSIONS,
    SPARES_PER_ADDRESS,
    WAITING_PER_ADDRESS,
)

PLACES = 100
JOINS = PLACES * JOINS_AT_ONCE_PER_DEVICE
ARRIVALS = JOINS * ARRIVALS_PER_JOIN
ONE = IPv4Address("198.51.100.1")
OTHER = IPv4Address("198.51.100.2")
NOW = 1_000_000.25


def come(addresses: Addresses, address: IpAddress = ONE, now: float = NOW) -> Budget:
    budget = addresses.arrive(address, now)
    assert budget is not None
    return budget


def pass_by(addresses: Addresses, address: IpAddress = ONE, now: float = NOW) -> Budget:
    budget = come(addresses, address, now)
    addresses.leave(budget)
    return budget


def refusal_of(addresses: Addresses, address: IpAddress = ONE, now: float = NOW) -> str:
    with pytest.raises(OverBudget) as refused:
        addresses.arrive(address, now)
    return refused.value.slug


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%" + "x" * 15, "fe80::1"),
    ],
)
def test_an_address_is_read_in_all_its_spellings(text: str, address: str) -> None:
    assert str(read_address(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "192.0.2.1 ",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1/32",
        "1" * 65,
        "fe80::1%" + "x" * 1000,
        ":::",
        "٣.1.1.1",
        "1\n",
        "%eth0",
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", False),
        ("192.0.2.1", "c000:201::", False),
    ],
)
def test_who_shares_a_budget(first: str, second: str, shared: bool) -> None:
    addresses = Addresses(PLACES)
    one, other = (addresses.arrive(read_address(text), NOW) for text in (first, second))
    assert one is not None
    assert (one is other) == shared


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_and_who_has_no_address_have_no_budget(text: str) -> None:
    assert Addresses(PLACES).arrive(read_address(text), NOW) is None


def test_without_places_nobody_has_a_budget() -> None:
    addresses = Addresses(0)
    assert addresses.arrive(ONE, NOW) is None
    assert addresses.count == 0


def test_so_many_of_one_address_wait_at_the_door_and_no_more() -> None:
    addresses = Addresses(PLACES)
    here = [come(addresses) for _ in range(WAITING_PER_ADDRESS)]
    assert refusal_of(addresses) == "address_waiting"
    come(addresses, OTHER)
    addresses.leave(here.pop())
    come(addresses)
    assert refusal_of(addresses) == "address_waiting"


def test_arrivals_are_many_at_once_and_then_a_few_a_second() -> None:
    addresses = Addresses(PLACES)
    for _ in range(ARRIVALS):
        pass_by(addresses)
    assert refusal_of(addresses) == "address_rate"
    pass_by(addresses, OTHER)
    every = JOIN_SECONDS_PER_DEVICE / PLACES / ARRIVALS_PER_JOIN
    # Half a one more is given, so that rounding takes none away.
    assert refusal_of(addresses, now=NOW + 0.4 * every) == "address_rate"
    pass_by(addresses, now=NOW + every)
    assert refusal_of(addresses, now=NOW + every) == "address_rate"


def test_joins_are_many_at_once_and_then_one_a_minute_for_each_place() -> None:
    addresses = Addresses(PLACES)
    budget = come(addresses)
    assert [addresses.may_join(budget, NOW) for _ in range(JOINS + 1)] == [True] * JOINS + [False]
    later = NOW + JOIN_SECONDS_PER_DEVICE
    assert [addresses.may_join(budget, later) for _ in range(PLACES + 1)] == [True] * PLACES + [
        False
    ]


def test_refused_ones_cost_nothing() -> None:
    addresses = Addresses(PLACES)
    budget = come(addresses)
    while addresses.may_join(budget, NOW):
        pass
    assert not any(addresses.may_join(budget, NOW) for _ in range(1000))
    assert addresses.may_join(budget, NOW + JOIN_SECONDS_PER_DEVICE / PLACES)


def test_a_small_relay_serves_a_household_all_the_same() -> None:
    addresses = Addresses(1)
    budget = come(addresses)
    joins = sum(addresses.may_join(budget, NOW) for _ in range(10_000))
    assert joins == LEAST_PER_ADDRESS * JOINS_AT_ONCE_PER_DEVICE


def test_an_address_that_has_gone_is_forgotten_when_it_owes_nothing() -> None:
    addresses = Addresses(PLACES)
    budget = come(addresses)
    addresses.enter(budget)
    addresses.leave(budget)
    addresses.may_join(budget, NOW)
    addresses.forget(NOW + 10_000)
    assert addresses.count == 1
    addresses.depart(budget)
    every = JOIN_SECONDS_PER_DEVICE / PLACES
    addresses.forget(NOW + every * 0.9)
    assert addresses.count == 1
    addresses.forget(NOW + every)
    assert addresses.count == 0


def test_an_address_that_comes_back_still_owes() -> None:
    addresses = Addresses(PLACES)
    for _ in range(ARRIVALS):
        pass_by(addresses)
    addresses.forget(NOW)
    assert refusal_of(addresses) == "address_rate"


def test_of_too_many_that_have_gone_the_first_are_forgotten() -> None:
    addresses = Addresses(PLACES)
    stays = come(addresses)
    addresses.enter(stays)
    addresses.leave(stays)
    for number in range(100_000):
        pass_by(addresses, IPv6Address(number << 64))
        assert addresses.count <= RESTING_ADDRESSES + 1
    assert come(addresses) is stays
    addresses.leave(stays)
    assert stays.devices == 1
    addresses.forget(NOW + 10_000)
    assert addresses.count == 1


def test_places_and_spares_are_counted_by_who_takes_them() -> None:
    addresses = Addresses(2)
    budget = come(addresses)
    for count in range(3):
        assert addresses.has_place(budget) == (count < 2)
        addresses.enter(budget)
        assert addresses.is_over(budget) == (count == 2)
    assert addresses.has_spare(budget)
    budget.spares = SPARES_PER_ADDRESS
    assert not addresses.has_spare(budget)


def test_one_address_does_not_take_all_spares() -> None:
    assert SPARES_PER_ADDRESS < SPARE_SESSIONS
