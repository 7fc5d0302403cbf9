"""The process: its descriptors, and the clock of its reactor."""

import resource
import time

import pytest
from twisted.internet import reactor as installed

from vaultrelay.process import raise_descriptor_limit, real_reactor


def test_a_process_allows_itself_all_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []

    def remember(which: int, limits: tuple[int, int]) -> None:
        set_to.append(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 500))
    monkeypatch.setattr(resource, "setrlimit", remember)
    assert raise_descriptor_limit(500) == 0
    assert raise_descriptor_limit(612) == 112
    assert set_to == [(500, 500)] * 2


def test_a_process_without_a_limit_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: unlimited)
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: None)
    assert raise_descriptor_limit(1 << 40) == 0


def test_timers_run_by_a_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "seconds", installed.seconds)  # restored at the end
    reactor = real_reactor()
    assert reactor is installed
    assert reactor.seconds is time.monotonic
