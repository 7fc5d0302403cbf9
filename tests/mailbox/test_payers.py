"""Payers: what one network may store in a day, and to whose share a channel counts."""

from typing import Any

import pytest

from tests.broker.fakes import FakeClock
from tests.policy.book import ELSEWHERE, ONE, OTHER, a_book, come
from vaultrelay.mailbox.payers import Payers
from vaultrelay.policy.limits.mailbox import DAY_SECONDS, MAX_PAYING_NETWORKS

BYTES = 1000
LINE = ("2001:db8:1:1::1", "2001:db8:1:2::1")


class Device:
    """What is asked of a session."""

    def __init__(self, address: str | None = ONE, token: bytes | None = None) -> None:
        self.budgets = () if address is None else come(a_book(), address)
        self.token = token


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def paid(payers: Payers, size: int, address: str | None = ONE) -> bool:
    device: Any = Device(address)
    return payers.charge(device, size)


def test_an_address_stores_so_much_at_once_and_no_more(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES)
    assert not paid(payers, 1)
    assert paid(payers, BYTES, ELSEWHERE)


def test_what_is_refused_is_not_charged(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert not paid(payers, BYTES + 1)
    assert paid(payers, BYTES)


def test_it_comes_back_evenly_in_a_day(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES)
    clock.advance(DAY_SECONDS / 2)
    assert not paid(payers, BYTES // 2 + 1)
    assert paid(payers, BYTES // 2)
    clock.advance(2 * DAY_SECONDS)
    assert paid(payers, BYTES)
    assert not paid(payers, BYTES)


def test_a_network_around_addresses_has_little_more_than_one(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES, LINE[0])
    assert not paid(payers, BYTES, LINE[1])
    assert paid(payers, BYTES // 2, LINE[1])


def test_neighbours_of_ipv4_share_twice_as_much(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES, ONE)
    assert paid(payers, BYTES, OTHER)
    assert not paid(payers, BYTES, "198.51.100.3")


def test_devices_without_an_address_share_one_budget(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES, None)
    assert not paid(payers, 1, None)


def test_nothing_is_charged_where_not_everyone_may_store(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=False)
    assert paid(payers, 2 * BYTES)
    payers.is_open = True
    assert not paid(payers, 2 * BYTES)


def test_the_networks_that_are_remembered_have_a_bound(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES)
    for number in range(MAX_PAYING_NETWORKS // 2):
        assert paid(payers, 1, f"10.{number >> 8}.{number & 255}.1")
    # Its debt was dropped with the oldest.
    assert paid(payers, BYTES)


def test_a_network_is_forgotten_with_its_debt(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=True)
    assert paid(payers, BYTES // 2, ONE)
    assert paid(payers, BYTES, ELSEWHERE)
    payers.forget_paid()
    assert not paid(payers, BYTES, ONE)
    clock.advance(DAY_SECONDS / 2)
    payers.forget_paid()
    assert not paid(payers, BYTES, ELSEWHERE)
    clock.advance(DAY_SECONDS / 2)
    payers.forget_paid()
    assert len(payers._paid_at) == 0


def test_a_channel_counts_to_the_token_of_its_last_sender(clock: FakeClock) -> None:
    payers = Payers(clock, BYTES, is_open=False)
    with_token: Any = Device(token=b"hash of a token")
    without: Any = Device()
    assert payers.payer(with_token) == b"hash of a token"
    assert payers.payer(without) is None
