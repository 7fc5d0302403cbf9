"""The reactor: which ones serve, and that its timers run by a monotonic clock."""

import time

import pytest
from twisted.internet import reactor as installed_reactor
from twisted.internet.testing import MemoryReactorClock

from vaultrelay.app import reactor as module
from vaultrelay.app.reactor import real_reactor


def test_a_reactor_that_completes_instead_of_waiting_is_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class IOCPReactor:
        """As the one of Windows: it knows no descriptors."""

    monkeypatch.setattr("twisted.internet.reactor", IOCPReactor())
    with pytest.raises(SystemExit) as ended:
        real_reactor()
    assert ended.value.code == 2
    assert (
        "vault-relay: twistd --reactor: IOCPReactor does not implement IReactorFDSet"
        in capfd.readouterr().err
    )


def test_timers_run_by_a_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        installed_reactor, "seconds", installed_reactor.seconds
    )  # restored at the end
    reactor = real_reactor()
    assert reactor is installed_reactor
    assert reactor.seconds is time.monotonic


def test_a_reactor_whose_timers_run_by_another_clock_is_refused() -> None:
    # The one of tests has a time of its own.
    with pytest.raises(AssertionError, match=r"IReactorTime\.seconds"):
        module._check_clock(MemoryReactorClock())
