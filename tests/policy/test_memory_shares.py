"""MemoryShares: which channels and networks hold more than their shares."""

from vaultrelay.policy.memory_shares import Holding, MemoryShares

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
