"""Sampler: rates from totals, and how late its timer came."""

from math import isnan
from typing import Any

import pytest
from twisted.internet.task import Clock

from vaultrelay.observe.sampler import Sampler, Totals
from vaultrelay.policy.limits.admin import LAG_SECONDS, SAMPLE_SECONDS


class Scene:
    """A sampler with totals that the test sets."""

    def __init__(self) -> None:
        self.clock: Any = Clock()
        self.totals = Totals(0, 1000, 10_000, 5)
        self.sampler = Sampler(self.clock, lambda: self.totals)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / LAG_SECONDS)):
            self.clock.advance(LAG_SECONDS)

    def latest(self) -> dict[str, float]:
        history = self.sampler.history
        return {name: history.curve(name)[-1] for name in ("joined", "messages", "bytes", "lag")}


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.sampler.start()
    return scene


def test_rates_are_what_came_in_the_time_of_a_sample(scene: Scene) -> None:
    scene.totals = Totals(7, 1000 + 50, 10_000 + 4000, 5)
    scene.pass_time(SAMPLE_SECONDS)
    assert scene.latest() == {"joined": 7, "messages": 5, "bytes": 400, "lag": 0}
    scene.pass_time(SAMPLE_SECONDS)
    assert scene.latest()["messages"] == 0
    assert scene.sampler.history.latest("undelivered", 9) == [0, 0]


def test_losses_are_a_rate_too(scene: Scene) -> None:
    scene.totals = Totals(0, 1000, 10_000, 25)
    scene.pass_time(SAMPLE_SECONDS)
    assert scene.sampler.history.latest("undelivered") == [2]


def test_the_worst_delay_of_a_sample_is_kept(scene: Scene) -> None:
    scene.clock.advance(LAG_SECONDS + 0.5)
    scene.clock.advance(LAG_SECONDS + 0.25)
    assert scene.sampler.lag_seconds == 0.5
    scene.pass_time(SAMPLE_SECONDS)
    assert scene.latest()["lag"] == 0.5
    assert scene.sampler.lag_seconds == 0.5, "for a minute"
    scene.pass_time(60)
    assert scene.latest()["lag"] == scene.sampler.lag_seconds == 0


def test_a_relay_that_stood_still_has_a_gap_and_its_delay(scene: Scene) -> None:
    scene.pass_time(SAMPLE_SECONDS)
    scene.totals = Totals(0, 1000 + 350, 10_000, 5)
    scene.clock.advance(35)
    curve = scene.sampler.history.curve("messages")[-4:]
    assert [isnan(value) for value in curve] == [False, True, True, False]
    assert curve[-1] == 10
    assert scene.latest()["lag"] == 35 - LAG_SECONDS
    scene.totals = Totals(0, 1000 + 400, 10_000, 5)
    scene.pass_time(5)
    assert scene.latest()["messages"] == 10, "50 in the five seconds until the next is due"


def test_a_mistake_in_a_sample_does_not_end_it(scene: Scene) -> None:
    def fail() -> Totals:
        raise RuntimeError("a mistake of ours")

    scene.sampler._totals, works = fail, scene.sampler._totals
    with pytest.raises(RuntimeError):
        scene.pass_time(SAMPLE_SECONDS)
    scene.sampler._totals = works
    scene.pass_time(SAMPLE_SECONDS)
    assert scene.latest()["messages"] == 0


def test_it_leaves_no_timer_behind(scene: Scene) -> None:
    assert len(scene.clock.getDelayedCalls()) == 1
    scene.sampler.stop()
    assert scene.clock.getDelayedCalls() == []
    scene.sampler.stop()
