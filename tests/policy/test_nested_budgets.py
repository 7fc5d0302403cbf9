"""Nested budgets: the networks around an address have no more, whichever addresses come."""

import pytest

from tests.policy.book import (
    ARRIVALS,
    ELSEWHERE,
    JOINS,
    NOW,
    OTHER,
    PLACES,
    a_book,
    come,
    maximum,
    pass_by,
    refusal_of,
)
from vaultrelay.policy import network_limits
from vaultrelay.policy.budgets import Excess, OverBudget
from vaultrelay.policy.limits.networks import (
    ARRIVALS_PER_JOIN,
    DRAIN_CHANNELS_PER_ADDRESS,
    JOIN_SECONDS_PER_DEVICE,
    LINE_FACTOR,
    SITE_FACTOR,
)
from vaultrelay.policy.limits.pending import PENDING_PER_ADDRESS

LINES = "2001:db8:1:{:x}00::1"
"""A line each in one site."""
HOMES = "2001:db8:1:1{:02x}::1"
"""A network each in one line."""
NEIGHBOURS = "198.51.100.{}"


@pytest.mark.parametrize(
    ("shape", "factor"), [(HOMES, LINE_FACTOR), (LINES, SITE_FACTOR), (NEIGHBOURS, SITE_FACTOR)]
)
class TestWiderNetworks:
    def test_devices(self, shape: str, factor: float) -> None:
        book = a_book()
        for number in range(int(PLACES * factor)):
            budgets = come(book, shape.format(number % 4 + 1))
            assert not any(budget.is_full for budget in budgets)
            book.enter(budgets)
            book.leave(budgets)
        full = [
            budget.slug(Excess.FULL) for budget in come(book, shape.format(9)) if budget.is_full
        ]
        assert full == ["network_full"]

    def test_waiting_at_the_front_door(self, shape: str, factor: float) -> None:
        book = a_book()
        addresses = iter(shape.format(number % 4 + 1) for number in range(1000))
        assert maximum(lambda: come(book, next(addresses))) == PENDING_PER_ADDRESS * factor
        assert refusal_of(book, shape.format(9)) == "network_waiting"
        come(book, ELSEWHERE)

    def test_arrivals(self, shape: str, factor: float) -> None:
        book = a_book()
        addresses = iter(shape.format(number % 4 + 1) for number in range(10_000))
        assert maximum(lambda: pass_by(book, next(addresses))) == ARRIVALS * factor
        assert refusal_of(book, shape.format(9)) == "network_rate"
        pass_by(book, ELSEWHERE)

    def test_joins(self, shape: str, factor: float) -> None:
        book = a_book()
        four = [come(book, shape.format(number + 1)) for number in range(4)]
        turns = iter(four * 1000)
        assert maximum(lambda: book.join(next(turns), NOW)) == JOINS * factor
        with pytest.raises(OverBudget) as refused:
            book.join(four[0], NOW)
        assert refused.value.slug == "network_joins"
        book.join(come(book, ELSEWHERE), NOW)

    def test_channels_of_a_drain(self, shape: str, factor: float) -> None:
        book = a_book()
        four = [come(book, shape.format(number + 1)) for number in range(4)]
        turns = iter(four * 1000)
        count = maximum(lambda: book.drains_channel(next(turns), NOW))
        assert count == DRAIN_CHANNELS_PER_ADDRESS * factor
        assert book.drains_channel(come(book, ELSEWHERE), NOW)

    def test_one_address_leaves_something_to_its_neighbours(
        self, shape: str, factor: float
    ) -> None:
        book = a_book()
        greedy, honest = shape.format(1), shape.format(2)
        maximum(lambda: come(book, greedy))
        left = int((factor - 1) * PENDING_PER_ADDRESS)
        assert maximum(lambda: come(book, honest)) == min(left, PENDING_PER_ADDRESS)
        assert refusal_of(book, greedy) == "address_waiting"


def test_a_refusal_takes_nothing_from_any_network() -> None:
    book = a_book()
    while True:
        try:
            come(book)
        except OverBudget:
            break
    for _ in range(10_000):
        refusal_of(book)
    budgets = come(book, OTHER)
    assert [budget.waiting for budget in budgets] == [1, PENDING_PER_ADDRESS + 1]
    every = JOIN_SECONDS_PER_DEVICE / (PLACES * SITE_FACTOR) / ARRIVALS_PER_JOIN
    owed = (PENDING_PER_ADDRESS + 1) * every
    assert budgets[1].paid_at[network_limits.ARRIVALS] - NOW == pytest.approx(owed)
