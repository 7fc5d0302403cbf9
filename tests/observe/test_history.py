"""History: rings that keep the newest, oldest first."""

from math import isnan

from vaultrelay.observe.history import History
from vaultrelay.policy.limits.admin import HISTORY_SAMPLES


def known(curve: list[float]) -> list[float]:
    return [value for value in curve if not isnan(value)]


def test_at_first_nothing_is_known() -> None:
    history = History(["a"])
    assert len(history.curve("a")) == HISTORY_SAMPLES == 360
    assert known(history.curve("a")) == history.latest("a") == []


def test_the_newest_is_last_and_the_oldest_goes() -> None:
    history = History(["a", "b"], samples=3)
    for value in range(5):
        history.add(a=value, b=-value)
    assert history.curve("a") == [2, 3, 4]
    assert history.curve("b") == [-2, -3, -4]
    assert history.latest("a", 2) == [3, 4]


def test_time_of_which_nothing_is_known_is_a_gap() -> None:
    history = History(["a"], samples=4)
    history.add(a=1)
    history.skip(2)
    history.add(a=2)
    curve = history.curve("a")
    assert [curve[0], curve[-1]] == [1, 2]
    assert len(known(curve)) == 2
    history.skip(10**12)
    assert known(history.curve("a")) == []


def test_it_takes_no_more_memory_as_time_goes_by() -> None:
    history = History(["a"], samples=3)
    for value in range(100):
        history.add(a=value)
    assert len(history._curves["a"]) == 3
