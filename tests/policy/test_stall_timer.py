"""StallTimer: only enough bytes at a time are progress."""

from vaultrelay.policy.limits.memory import PROGRESS_BYTES
from vaultrelay.policy.stall_timer import StallTimer


def test_the_time_since_the_last_progress_is_measured() -> None:
    timer = StallTimer(100, 10.0)
    assert timer.seconds(100, 13.0) == 3
    assert timer.seconds(100 + PROGRESS_BYTES, 14.0) == 0
    assert timer.seconds(100 + PROGRESS_BYTES, 16.0) == 2


def test_less_than_progress_adds_up_to_it() -> None:
    timer = StallTimer(0, 0.0)
    assert timer.seconds(PROGRESS_BYTES - 1, 1.0) == 1
    assert timer.seconds(PROGRESS_BYTES, 2.0) == 0


def test_time_that_does_not_count_is_left_out() -> None:
    timer = StallTimer(0, 0.0)
    timer.extend(100)
    assert timer.seconds(0, 103.0) == 3
