"""The ledger: what is held against the limit, and how much one read may bring."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.defaults import DEFAULT_MESSAGE_BYTES
from vaultrelay.policy.limits.streams import (
    MAX_READ_BYTES,
    MIN_READ_BYTES,
    ONE_READ_BYTES,
    ROOMY_BYTES,
    ROOMY_SHARE,
)

LIMIT = ROOMY_SHARE * ROOMY_BYTES
FULL = LIMIT - DEFAULT_MESSAGE_BYTES - ONE_READ_BYTES


@pytest.mark.parametrize(("held", "is_over"), [(0, False), (LIMIT, False), (LIMIT + 1, True)])
def test_more_than_the_limit_is_over_it(held: int, is_over: bool) -> None:
    ledger = Ledger(LIMIT)
    ledger.add(held)
    assert (ledger.held, ledger.is_over) == (held, is_over)
    ledger.add(-held)
    assert (ledger.held, ledger.is_over) == (0, False)


@pytest.mark.parametrize(
    ("held", "read_bytes"),
    [
        (0, MAX_READ_BYTES),
        (LIMIT // ROOMY_SHARE, MAX_READ_BYTES),
        (ROOMY_BYTES * 2, MAX_READ_BYTES // 2),
        (FULL - (FULL - ROOMY_BYTES) // 8, MAX_READ_BYTES // 8),
        (FULL, MIN_READ_BYTES),
        (FULL + 1, 0),
        (2 * LIMIT, 0),
    ],
    ids=["empty", "roomy", "twice that", "an eighth free", "nearly full", "full", "over"],
)
def test_reads_shrink_with_what_is_free(held: int, read_bytes: int) -> None:
    ledger = Ledger(LIMIT)
    ledger.add(held)
    assert ledger.read_bytes == read_bytes
    ledger.add(-held)
    assert ledger.read_bytes == MAX_READ_BYTES


def test_another_limit_counts_at_once() -> None:
    ledger = Ledger(LIMIT)
    ledger.add(LIMIT)
    ledger.configure(LIMIT // 2)
    assert ledger.is_over
    assert ledger.read_bytes == 0
    ledger.configure(ROOMY_SHARE * LIMIT)
    assert not ledger.is_over
    assert ledger.read_bytes == MAX_READ_BYTES // ROOMY_SHARE


def test_reads_shrink_however_much_may_be_held() -> None:
    """A relay on a large machine would hold a largest read of each device otherwise."""
    ledger = Ledger(1000 * LIMIT)
    ledger.add(ROOMY_BYTES * 8)
    assert ledger.read_bytes == MAX_READ_BYTES // 8


@given(st.integers(0, LIMIT), st.lists(st.integers(0, 2 * LIMIT), min_size=1))
def test_reads_keep_to_their_bounds_and_never_grow_with_what_is_held(
    limit: int, helds: list[int]
) -> None:
    ledger = Ledger(limit)
    before = MAX_READ_BYTES
    for held in sorted(helds):
        ledger.add(held - ledger.held)
        assert ledger.read_bytes <= before
        assert ledger.read_bytes >= MIN_READ_BYTES or held > ledger.full
        before = ledger.read_bytes


@pytest.mark.parametrize("what", ["freed", "another limit"])
def test_a_callback_is_called_once_though_it_was_asked_for_often(what: str) -> None:
    ledger = Ledger(LIMIT)
    ledger.add(LIMIT)
    called: list[int] = []

    def freed() -> None:
        called.append(ledger.held)

    for _ in range(3):
        ledger.call_when_freed(freed)
    ledger.add(1)
    assert not called
    if what == "freed":
        ledger.add(-2)
    else:
        ledger.configure(2 * LIMIT)
    assert len(called) == 1
    ledger.add(-1)
    assert len(called) == 1


def test_a_full_ledger_is_reported_at_each_change() -> None:
    ledger = Ledger(LIMIT)
    called: list[int] = []
    ledger.on_full = lambda: called.append(ledger.held)
    ledger.add(FULL)
    assert not called
    ledger.add(1)
    ledger.configure(LIMIT // 2)
    assert called == [FULL + 1, FULL + 1]


def test_the_room_of_one_message_is_for_the_only_reservation() -> None:
    ledger = Ledger(LIMIT)
    ledger.add(FULL)
    assert not ledger.has_room(1)
    assert ledger.has_room(DEFAULT_MESSAGE_BYTES, is_last=True)
    assert not ledger.has_room(LIMIT - FULL + 1, is_last=True)
