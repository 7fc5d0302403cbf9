"""JoinPace: it stops accepts for a moment only, leaves an idle relay alone, and spreads returns."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultrelay.policy.join_pace import JoinPace
from vaultrelay.policy.limits.joins import (
    JOIN_PAUSE_SECONDS,
    JOIN_RATE_SECONDS,
    LATE_JOIN_SECONDS,
    RETRY_LATE_SECONDS,
)

LEAST, MOST = RETRY_LATE_SECONDS
LATE = LATE_JOIN_SECONDS + 0.5


class Time:
    """Passes when it is told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pace(time: Time) -> JoinPace:
    return JoinPace(time, random.Random(18).uniform)


def crowd(pace: JoinPace, time: Time, rate: int, seconds: int) -> None:
    """A relay that is always behind, and joins `rate` devices a second."""
    for step in range(100 * seconds + 2):
        pace.round_ended(is_complete=False)
        for _ in range(step * rate // 100, (step + 1) * rate // 100):
            pace.joined()
        time.now += 0.01


def test_an_idle_relay_accepts_and_measures_nothing(pace: JoinPace) -> None:
    for _ in range(100):
        pace.round_ended(is_complete=True)
        pace.joined()
        assert not (pace.is_behind)
        assert not (pace.is_crowded)
        assert not (pace.is_late)


def test_accepts_go_on_after_a_complete_round(pace: JoinPace) -> None:
    pace.round_ended(is_complete=False)
    assert pace.is_behind
    pace.round_ended(is_complete=True)
    assert not pace.is_behind
    assert pace.is_crowded, "for a while: the next may have waited in the kernel's queue"


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3))))
def test_accepts_never_stop_for_ever(steps: list[tuple[bool, float]]) -> None:
    """Even if the streams that were left are gone, and no other round follows."""
    time = Time()
    pace = JoinPace(time)
    for is_complete, seconds in steps:
        pace.round_ended(is_complete)
        time.now += seconds
    time.now += 2 * JOIN_PAUSE_SECONDS
    assert not pace.is_behind
    time.now += JOIN_RATE_SECONDS
    assert not (pace.is_crowded)
    assert not (pace.is_late)


def test_a_wait_is_late_only_in_a_crowd(pace: JoinPace, time: Time) -> None:
    pace.accepted(LATE)
    assert not pace.is_late
    pace.round_ended(is_complete=False)
    assert pace.is_late
    pace.accepted(LATE_JOIN_SECONDS)
    assert not pace.is_late


def test_returns_are_spread_over_the_time_that_their_joins_take(pace: JoinPace, time: Time) -> None:
    """1000 devices at 100 joins a second, of which some wait in the queue: no second has a crowd,
    and clients wait for up to half as much again (docs/protocol.rst)."""
    crowd(pace, time, rate=100, seconds=3)
    pace.accepted(LATE)
    waits = [pace.retry_seconds() for _ in range(1000)]
    assert min(waits) >= LEAST
    assert max(waits) <= LATE + 1000 / 100 + 1
    clients = random.Random(18)
    returns = Counter(int(wait * clients.uniform(1, 1.5)) for wait in waits)
    assert max(returns.values()) <= 200


def test_waits_are_bounded_however_large_the_crowd(pace: JoinPace, time: Time) -> None:
    crowd(pace, time, rate=10, seconds=3)
    pace.accepted(LATE)
    waits = [pace.retry_seconds() for _ in range(10_000)]
    assert min(waits) >= LEAST
    assert max(waits) == MOST
    late = Counter(waits[5000:])
    assert max(late.values()) < len(waits[5000:]) / 15, "spread over half a minute, too"


def test_booked_joins_are_over_with_their_time(pace: JoinPace, time: Time) -> None:
    crowd(pace, time, rate=100, seconds=3)
    pace.accepted(0)
    for _ in range(500):
        pace.retry_seconds()
    time.now += 5
    assert pace.retry_seconds() == LEAST


def test_an_idle_time_does_not_count_as_slow(pace: JoinPace, time: Time) -> None:
    """Between two crowds, and between the rounds of one whose devices take their time."""
    for _ in range(4):
        crowd(pace, time, rate=1000, seconds=1)
        pace.round_ended(is_complete=True)
        time.now += 10
    pace.accepted(0)
    assert max(pace.retry_seconds() for _ in range(1000)) <= LEAST


def test_refusals_do_not_count_as_slow(pace: JoinPace, time: Time) -> None:
    """Three of them take as long as a join: 100 joins a second, though none is done."""
    for _ in range(400):
        pace.round_ended(is_complete=False)
        for _ in range(3):
            pace.retry_seconds()
        time.now += 0.01
    time.now += 100
    assert max(pace.retry_seconds() for _ in range(1000)) <= 12


def test_one_slow_second_does_not_send_devices_away_for_long(pace: JoinPace, time: Time) -> None:
    crowd(pace, time, rate=1000, seconds=3)
    crowd(pace, time, rate=2, seconds=1)
    pace.accepted(0)
    assert max(pace.retry_seconds() for _ in range(1000)) <= 4
