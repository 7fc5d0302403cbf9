import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.policy.token_bucket import TokenBucket


def test_a_new_bucket_holds_one_second_of_its_rate() -> None:
    bucket = TokenBucket(10, now=1000.0)
    assert not bucket.spend(10)
    assert bucket.debt_seconds(1000.0) == 0
    assert bucket.spend(1)
    assert bucket.debt_seconds(1000.0) == pytest.approx(0.1)


def test_a_burst_of_ones_own_is_what_is_saved_up_instead() -> None:
    bucket = TokenBucket(5, now=0.0, burst=30)
    assert not bucket.spend(30)
    assert bucket.spend(5)
    assert bucket.debt_seconds(0.0) == 1
    assert bucket.debt_seconds(100.0) == 0
    assert bucket.left == 30


def test_a_bucket_without_burst_is_in_debt_at_once() -> None:
    bucket = TokenBucket(4, now=0.0, burst=0)
    assert bucket.spend(1)
    assert bucket.debt_seconds(0.0) == 0.25


def test_more_than_the_burst_is_granted_and_paid_for_afterwards() -> None:
    bucket = TokenBucket(10, now=0.0)
    assert bucket.spend(110)
    assert bucket.debt_seconds(0.0) == 10
    assert bucket.debt_seconds(4.0) == 6
    assert bucket.debt_seconds(9.5) == 0.5
    assert bucket.debt_seconds(10.0) == 0


def test_debts_add_up() -> None:
    bucket = TokenBucket(10, now=0.0)
    for _ in range(3):
        bucket.spend(20)
    assert bucket.debt_seconds(0.0) == 5
    bucket.spend(10)
    assert bucket.debt_seconds(1.0) == 5


def test_the_wait_is_just_long_enough() -> None:
    bucket = TokenBucket(8, now=0.0)
    bucket.spend(29)
    wait = bucket.debt_seconds(0.0)
    assert bucket.debt_seconds(wait - 0.125) > 0
    assert bucket.debt_seconds(wait) == 0
    assert bucket.spend(1)


def test_a_clock_standing_still_refills_nothing() -> None:
    bucket = TokenBucket(10, now=7.0)
    bucket.spend(30)
    assert [bucket.debt_seconds(7.0) for _ in range(5)] == [2] * 5


def test_asking_often_refills_as_much_as_asking_once() -> None:
    often, once = TokenBucket(16, now=0.0), TokenBucket(16, now=0.0)
    for bucket in (often, once):
        bucket.spend(80)
    for eighth in range(8):
        often.debt_seconds(eighth / 8)
    assert often.debt_seconds(1.0) == once.debt_seconds(1.0) == 3


def test_a_full_bucket_does_not_overflow() -> None:
    bucket = TokenBucket(10, now=0.0)
    bucket.spend(1)
    assert bucket.debt_seconds(3600.0) == 0
    assert bucket.spend(1010)
    assert bucket.debt_seconds(3600.0) == 100


def test_idle_time_saves_up_no_more_than_the_burst() -> None:
    """One large message after an hour of silence; its debt is asked for at once."""
    bucket = TokenBucket(10, now=0.0)
    bucket.refill(3600.0)
    assert bucket.spend(1010)
    assert bucket.debt_seconds(3600.0) == 100


@pytest.mark.parametrize("burst", [None, 0, 30])
def test_a_rate_of_0_never_runs_out(burst: float | None) -> None:
    bucket = TokenBucket(0, now=0.0, burst=burst)
    for now in (0.0, 1.0, 1e9):
        assert not bucket.spend(1e300)
        assert bucket.debt_seconds(now) == 0
        bucket.refill(now)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=30))
def test_whoever_waits_out_each_debt_keeps_to_the_rate(steps: list[tuple[int, int]]) -> None:
    """Nobody gets more than the burst and the rate, and the message that makes the debt."""
    rate, burst = 8, 16
    bucket = TokenBucket(rate, now=0.0, burst=burst)
    now = 0.0
    spent = 0
    for quarters, tokens in steps:
        now += quarters / 4
        assert spent <= burst + rate * now
        spent += tokens
        if bucket.spend(tokens):
            now += bucket.debt_seconds(now)
