"""MemoryShares: which channels and networks hold more than their shares."""

from collections import defaultdict
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultrelay.policy.budgets import BudgetBook
from vaultrelay.policy.memory_shares import Holding, MemoryShares, groups_of

LIMIT = 1000


def held_by(channel: bytes, size: int, shared: int = 0) -> Holding:
    return Holding(channel, (), size, shared)


def test_those_that_hold_their_shares_leave_one_to_the_next() -> None:
    shares = MemoryShares([held_by(b"a", 334), held_by(b"b", 333)], LIMIT)
    assert shares.is_over(held_by(b"a", 0))
    assert not shares.is_over(held_by(b"b", 0))
    assert not shares.is_over(held_by(b"c", 0), 333)


def test_no_share_is_below_the_least() -> None:
    crowd = [held_by(b"%d" % number, 10) for number in range(100)]
    assert MemoryShares(crowd, LIMIT).is_over(crowd[0])
    shares = MemoryShares(crowd, LIMIT, minimum=200)
    assert not shares.is_over(crowd[0], 190)
    assert shares.is_over(crowd[0], 191)


def test_what_is_reserved_later_counts_as_well() -> None:
    reader = held_by(b"a", 100)
    shares = MemoryShares([reader], LIMIT)
    assert not shares.is_over(reader, 400)
    shares.add(reader, 300)
    assert shares.is_over(reader, 101)
    assert shares.most_shares(reader) == 400 / 500


def test_a_broadcast_counts_once_for_the_receivers_of_a_channel() -> None:
    shares = MemoryShares([held_by(b"a", 10, 300), held_by(b"a", 10, 200)], LIMIT)
    assert shares.most_shares(held_by(b"a", 0)) == 320 / 500


def test_the_largest_group_comes_first() -> None:
    crowd = [held_by(b"a", 10), held_by(b"b", 500), held_by(b"c", 100), held_by(b"b", 10)]
    assert MemoryShares(crowd, LIMIT).by_shares() == [b"b", b"c", b"a"]


def test_none_is_above_a_share_of_an_empty_memory() -> None:
    shares = MemoryShares((), 0)
    assert not shares.is_over(held_by(b"a", 100), 1000)
    assert shares.by_shares() == []


BOOK = BudgetBook(1000, 1000)
NETWORKS = [
    *(
        BOOK.arrive(ip_address(f"2001:db8:{site}:{line}00::{line}"), 0)
        for site in (1, 2)
        for line in (1, 2)
    ),
    BOOK.arrive(ip_address("192.0.2.1"), 0),
    (),
]
CROWDS = st.lists(
    st.builds(
        Holding,
        st.sampled_from([b"a", b"b", b"c", b"d", None]),
        st.sampled_from(NETWORKS),
        st.integers(0, 2 * LIMIT),
        st.integers(0, LIMIT),
    ),
    min_size=1,
    max_size=12,
)


@given(CROWDS)
def test_a_group_holds_what_its_members_hold_and_each_broadcast_once(crowd: list[Holding]) -> None:
    own: dict[object, int] = defaultdict(int)
    shared: dict[object, dict[object, int]] = defaultdict(dict)
    for holding in crowd:
        for group in groups_of(holding.channel, holding.budgets):
            own[group] += holding.own_bytes
            channels = shared[group]
            channels[holding.channel] = max(channels.get(holding.channel, 0), holding.shared_bytes)
    held = {group: size + sum(shared[group].values()) for group, size in own.items()}
    shares = MemoryShares(crowd, LIMIT)
    for group in filter(held.get, held):
        of_its_kind = [each for each in held if held[each] and _is_alike(each, group)]
        expected = held[group] / (LIMIT / (len(of_its_kind) + 1))
        assert shares._shares_of(group) == pytest.approx(expected)


@given(CROWDS, st.integers(0, LIMIT), st.integers(0, LIMIT))
def test_groups_within_their_shares_leave_one_to_the_next(
    crowd: list[Holding], minimum: int, size: int
) -> None:
    shares = MemoryShares(crowd, LIMIT)
    if not any(map(shares.is_over, crowd)):
        channels = {each.channel for each in crowd if each.channel is not None}
        held = sum(shares._held[channel] for channel in channels)
        count = sum(bool(shares._held[channel]) for channel in channels)
        assert held <= LIMIT * count / (count + 1) + 1
    least = MemoryShares(crowd, LIMIT, minimum)
    for holding in crowd:
        # A larger message is never allowed where a smaller one is not, nor a smaller least share.
        assert least.is_over(holding, size) >= least.is_over(holding)
        assert shares.is_over(holding) >= least.is_over(holding)


def _is_alike(one: object, other: object) -> bool:
    """Whether two groups are of one kind."""
    if isinstance(one, bytes) or isinstance(other, bytes):
        return type(one) is type(other)
    return one.limits is other.limits  # type: ignore[attr-defined]
