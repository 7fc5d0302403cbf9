"""The store's clock: scenarios of wrong wall clocks."""

import time

import pytest

from vaultrelay.policy.limits.mailbox import CLOCK_TRUST_SECONDS
from vaultrelay.store.clock import StoreClock, boot_seconds

DAY = 86400
HOUR = 3600
START = 1_800_000_000


class Clocks:
    """A wall clock, which may jump, and one that counts from the boot."""

    def __init__(self) -> None:
        self.wall = float(START)
        self.boot = 1000.0

    def wait(self, seconds: float, clock: StoreClock) -> None:
        """Let time pass, as the store looks at its clock now and then."""
        for _ in range(10):
            self.wall += seconds / 10
            self.boot += seconds / 10
            clock.now()

    def make(self, saved: int | None) -> StoreClock:
        """The clock of a store that has saved this time."""
        return StoreClock(saved, lambda: self.wall, lambda: self.boot)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_new_store_believes_the_wall_clock(clocks: Clocks) -> None:
    assert clocks.make(None).now() == START


@pytest.mark.parametrize("step", [-DAY, -HOUR, HOUR, DAY])
def test_a_step_of_up_to_a_day_is_followed(clocks: Clocks, step: int) -> None:
    clock = clocks.make(START)
    clocks.wall += step
    assert clock.now() == START + step
    assert not clock.is_doubtful


@pytest.mark.parametrize("step", [-20 * 365 * DAY, 365 * DAY])
def test_a_jump_is_not_followed(clocks: Clocks, step: int) -> None:
    clock = clocks.make(START)
    clocks.wall += step
    clocks.wait(HOUR, clock)
    assert clock.now() == START + HOUR
    assert clock.latest() == START + HOUR + max(step, 0)
    assert clock.is_doubtful
    clocks.wall -= step
    assert clock.now() == START + HOUR
    assert not clock.is_doubtful


def test_a_jump_is_followed_after_a_day(clocks: Clocks) -> None:
    clock = clocks.make(START)
    clocks.wall += 365 * DAY
    clocks.wait(HOUR, clock)
    clocks.wait(CLOCK_TRUST_SECONDS - HOUR, clock)
    assert clock.is_doubtful
    clocks.wait(HOUR, clock)
    assert clock.now() == clocks.wall
    assert not clock.is_doubtful


def test_a_clock_that_jumps_again_must_go_on_evenly_for_another_day(clocks: Clocks) -> None:
    clock = clocks.make(START)
    for _ in range(3):
        clocks.wall += 365 * DAY
        clocks.wait(CLOCK_TRUST_SECONDS - HOUR, clock)
    assert clock.now() == START + 3 * (CLOCK_TRUST_SECONDS - HOUR)


def test_the_operator_can_say_that_the_wall_clock_is_right(clocks: Clocks) -> None:
    clock = clocks.make(START - 30 * DAY)
    assert clock.now() == START - 30 * DAY
    clock.trust()
    assert clock.now() == START
    assert not clock.is_doubtful


def test_the_time_asleep_counts() -> None:
    assert boot_seconds() >= time.monotonic() - 1
