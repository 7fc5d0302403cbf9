"""A book of budgets, and what comes to it."""

from collections.abc import Callable

import pytest

from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.budgets import BudgetBook, Budgets, OverBudget
from vaultrelay.policy.limits.networks import ARRIVALS_PER_JOIN, JOINS_AT_ONCE_PER_DEVICE

PLACES = 100
JOINS = PLACES * JOINS_AT_ONCE_PER_DEVICE
ARRIVALS = JOINS * ARRIVALS_PER_JOIN
ONE = "198.51.100.1"
OTHER = "198.51.100.2"
ELSEWHERE = "203.0.113.1"
NOW = 1_000_000.25


def a_book(places: int = PLACES, capacity: int = 4 * PLACES) -> BudgetBook:
    return BudgetBook(places, capacity)


def come(book: BudgetBook, address: str = ONE, now: float = NOW) -> Budgets:
    return book.arrive(read_address(address), now)


def pass_by(book: BudgetBook, address: str = ONE, now: float = NOW) -> None:
    book.leave(come(book, address, now))


def settle(book: BudgetBook, address: str = ONE) -> Budgets:
    """A device that is admitted."""
    budgets = come(book, address)
    book.enter(budgets)
    book.leave(budgets)
    return budgets


def refusal_of(book: BudgetBook, address: str = ONE, now: float = NOW) -> str:
    with pytest.raises(OverBudget) as refused:
        come(book, address, now)
    return refused.value.slug


def maximum(act: Callable[[], object], refused: type[Exception] = OverBudget) -> int:
    """How often something is done before it is refused."""
    count = 0
    while True:
        try:
            if act() is False:
                return count
        except refused:
            return count
        count += 1
