"""Budgets: what an address and the networks around it may have, and that few are kept."""

from ipaddress import IPv6Address

import pytest

from tests.policy.book import (
    ARRIVALS,
    ELSEWHERE,
    JOINS,
    NOW,
    ONE,
    OTHER,
    PLACES,
    a_book,
    come,
    maximum,
    pass_by,
    refusal_of,
    settle,
)
from vaultrelay.policy.limits.descriptors import OTHER_FILES
from vaultrelay.policy.limits.networks import (
    ARRIVALS_PER_JOIN,
    DRAIN_CHANNEL_SECONDS,
    DRAIN_CHANNELS_PER_ADDRESS,
    IDLE_BUDGETS,
    JOIN_SECONDS_PER_DEVICE,
    JOINS_AT_ONCE_PER_DEVICE,
    LINE_FACTOR,
    MIN_PER_ADDRESS,
    RESERVED_PER_ADDRESS,
    SITE_FACTOR,
)
from vaultrelay.policy.limits.pending import PENDING_CONNECTIONS, PENDING_PER_ADDRESS
from vaultrelay.policy.limits.reserved import RESERVED_SLOTS

KEPT_SECONDS = 120
"""What docs/privacy.rst promises."""


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (ONE, ONE, 2),
        (ONE, OTHER, 1),
        (ONE, ELSEWHERE, 0),
        (ONE, f"::ffff:{ONE}", 2),
        (ONE, f"64:ff9b::{ONE}", 2),
        (ONE, "2002:c633:6401:1::1", 2),
        (ONE, "c633:6401::", 0),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", 3),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 2),
        ("2001:db8:0:1::1", "2001:db8:0:100::1", 1),
        ("2001:db8:0:1::1", "2001:db8:1:1::1", 0),
        ("fe80::1%eth0", "fe80::2%eth1", 3),
    ],
)
def test_addresses_share_the_budgets_of_their_networks(
    first: str, second: str, shared: int
) -> None:
    book = a_book()
    one, other = come(book, first), come(book, second)
    assert len(set(one) & set(other)) == shared


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_and_peers_without_address_are_not_counted(text: str) -> None:
    assert come(a_book(), text) == ()


def test_without_places_nobody_is_counted() -> None:
    book = a_book(0)
    assert come(book) == ()
    assert book.count == 0


@pytest.mark.parametrize(
    ("places", "capacity", "address", "line", "site"),
    [
        # By default: a quarter, three eighths, half.
        (250, 1000, 250, 375, 500),
        (5000, 20_000, 5000, 7500, 10_000),
        # An operator with few for each address has not few for all customers of a provider.
        (10, 20_000, 10, 40, 640),
        (1, 1000, 1, 4, 64),
        # The wider one has never less than the narrower, on however small a relay.
        (64, 10, 64, 64, 64),
        (64, 100, 64, 64, 64),
        (300, 1000, 300, 375, 500),
        (400, 1000, 400, 400, 500),
        # An address that may have all: where all devices come by one proxy.
        (1000, 1000, 1000, 1000, 1000),
        (10**6, 1000, 10**6, 10**6, 10**6),
    ],
)
def test_the_wider_networks_follow_from_the_address(
    places: int, capacity: int, address: int, line: int, site: int
) -> None:
    book = a_book(places, capacity)
    sizes = [budget.limits.max_devices for budget in come(book, "2001:db8::1")]
    assert sizes == [address, line, site]
    assert [budget.limits.max_devices for budget in come(book)] == [address, site]


def test_a_change_holds_for_budgets_that_are_there() -> None:
    book = a_book(250, 1000)
    budgets = come(book, "2001:db8::1")
    book.change(10, 20_000)
    assert [budget.limits.max_devices for budget in budgets] == [10, 40, 640]


def test_so_many_of_one_address_wait_at_the_door_and_no_more() -> None:
    book = a_book()
    here = [come(book) for _ in range(PENDING_PER_ADDRESS)]
    assert refusal_of(book) == "address_waiting"
    come(book, OTHER)
    book.leave(here.pop())
    come(book)
    assert refusal_of(book) == "address_waiting"


def test_arrivals_are_many_at_once_and_then_a_few_a_second() -> None:
    book = a_book()
    for _ in range(ARRIVALS):
        pass_by(book)
    assert refusal_of(book) == "address_rate"
    pass_by(book, OTHER)
    every = JOIN_SECONDS_PER_DEVICE / PLACES / ARRIVALS_PER_JOIN
    # Half a one more is given, so that rounding takes none away.
    assert refusal_of(book, now=NOW + 0.4 * every) == "address_rate"
    pass_by(book, now=NOW + every)
    assert refusal_of(book, now=NOW + every) == "address_rate"


def test_joins_are_many_at_once_and_then_one_a_minute_for_each_place() -> None:
    book = a_book()
    budgets = come(book)
    assert maximum(lambda: book.join(budgets, NOW)) == JOINS
    assert maximum(lambda: book.join(budgets, NOW + JOIN_SECONDS_PER_DEVICE)) == PLACES


def test_refused_joins_cost_nothing() -> None:
    book = a_book()
    budgets = come(book)
    for _ in range(1000):
        maximum(lambda: book.join(budgets, NOW))
    book.join(budgets, NOW + JOIN_SECONDS_PER_DEVICE / PLACES)


def test_a_small_relay_serves_a_household_all_the_same() -> None:
    book = a_book(1, 10)
    budgets = come(book)
    joins = maximum(lambda: book.join(budgets, NOW))
    assert joins == MIN_PER_ADDRESS * JOINS_AT_ONCE_PER_DEVICE


@pytest.mark.parametrize("places", [0, PLACES])
def test_all_that_are_not_counted_drain_few_channels_together(places: int) -> None:
    book = a_book(places)
    addresses = ["127.0.0.1", "127.0.1.1", "::1", "", *([] if places else [ONE, ELSEWHERE])]
    turns = iter([come(book, address) for address in addresses] * 1000)
    assert maximum(lambda: book.drains_channel(next(turns), NOW)) == DRAIN_CHANNELS_PER_ADDRESS
    assert book.drains_channel((), NOW + DRAIN_CHANNEL_SECONDS)


def test_a_network_that_has_gone_is_forgotten_when_it_owes_nothing() -> None:
    book = a_book()
    budgets = settle(book)
    book.join(budgets, NOW)
    book.forget(NOW + 10_000)
    assert book.count == 2
    book.depart(budgets)
    every = JOIN_SECONDS_PER_DEVICE / PLACES
    book.forget(NOW + every / SITE_FACTOR)
    assert book.count == 1
    book.forget(NOW + every)
    assert book.count == 0


def test_a_wider_network_is_kept_as_long_as_one_in_it() -> None:
    book = a_book()
    stays, goes = settle(book, "2001:db8:1:101::1"), settle(book, "2001:db8:1:102::1")
    book.depart(goes)
    book.forget(NOW + 10_000)
    assert book.count == 3
    assert [budget.devices for budget in stays] == [1, 1, 1]
    assert [budget.devices for budget in come(book, "2001:db8:1:103::1")] == [0, 1, 1]


def test_nothing_is_kept_for_longer_than_promised() -> None:
    book = a_book()
    budgets = settle(book, "2001:db8::1")
    maximum(lambda: pass_by(book, "2001:db8::1"))
    maximum(lambda: book.join(budgets, NOW))
    maximum(lambda: book.drains_channel(budgets, NOW))
    book.depart(budgets)
    # The last join moved a rate by one more.
    book.forget(NOW + KEPT_SECONDS + 1)
    assert book.count == 0


def test_an_address_that_comes_back_still_owes() -> None:
    book = a_book()
    for _ in range(ARRIVALS):
        pass_by(book)
    book.forget(NOW)
    assert refusal_of(book) == "address_rate"


def test_a_site_that_changes_its_addresses_still_owes() -> None:
    book = a_book()
    addresses = (f"2001:db8:1:{number:x}::1" for number in range(65_536))
    assert maximum(lambda: pass_by(book, next(addresses))) == ARRIVALS * SITE_FACTOR
    book.forget(NOW)
    assert refusal_of(book, next(addresses)) == "network_rate"


def test_of_too_many_that_have_gone_the_first_are_forgotten() -> None:
    book = a_book()
    stays = settle(book)
    for number in range(IDLE_BUDGETS):
        pass_by(book, str(IPv6Address(number << 81)))
        assert book.count <= IDLE_BUDGETS + len(stays)
    assert come(book) == stays
    book.leave(stays)
    assert [budget.devices for budget in stays] == [1, 1]
    book.forget(NOW + 10_000)
    assert book.count == len(stays)


def test_one_network_takes_neither_all_descriptors_nor_all_reserved_slots() -> None:
    assert PENDING_PER_ADDRESS * 3 < PENDING_CONNECTIONS + OTHER_FILES
    assert PENDING_PER_ADDRESS * SITE_FACTOR <= PENDING_CONNECTIONS / 4
    assert RESERVED_PER_ADDRESS * SITE_FACTOR <= RESERVED_SLOTS / 2
    assert 1 < LINE_FACTOR < SITE_FACTOR
