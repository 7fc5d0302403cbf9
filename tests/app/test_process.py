"""The process: its descriptors, and the clock of its reactor."""

import resource
import sys
import time

import pytest
from twisted.internet import reactor as installed

from vaultrelay.app.process import fit_to_descriptors, raise_descriptor_limit, real_reactor
from vaultrelay.config.settings import Settings
from vaultrelay.policy.limits import SELECT_SOCKETS


def test_a_process_allows_itself_all_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []

    def remember(which: int, limits: tuple[int, int]) -> None:
        set_to.append(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 500))
    monkeypatch.setattr(resource, "setrlimit", remember)
    assert raise_descriptor_limit(500) == 500
    assert raise_descriptor_limit(612) == 500
    assert set_to == [(500, 500)] * 2


def test_a_limit_that_the_system_does_not_grant_is_tried_lower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: list[tuple[int, int]] = []

    def macos(which: int, limits: tuple[int, int]) -> None:
        if not 0 <= limits[0] <= 10240:
            raise ValueError("current limit exceeds maximum limit")
        set_to.append(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", macos)
    assert raise_descriptor_limit(1612) == 1612
    assert raise_descriptor_limit(20_000) == 256
    assert set_to == [(1612, resource.RLIM_INFINITY)]


def test_windows_has_room_for_what_select_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    fitted = fit_to_descriptors(Settings())
    # Beside them are listeners, the admin endpoint and the health check.
    assert fitted.places + fitted.shares.waiting + 50 == SELECT_SOCKETS
    assert fit_to_descriptors(Settings(max_connections=100)).places == 100


def test_a_process_without_a_limit_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: unlimited)
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: None)
    assert raise_descriptor_limit(1 << 40) is None


def test_a_reactor_that_completes_instead_of_waiting_is_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class IOCPReactor:
        """As the one of Windows: it knows no descriptors."""

    monkeypatch.setattr("twisted.internet.reactor", IOCPReactor())
    with pytest.raises(SystemExit) as ended:
        real_reactor()
    assert ended.value.code == 2
    assert "vault-relay: IOCPReactor does not wait for sockets" in capfd.readouterr().err


def test_timers_run_by_a_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "seconds", installed.seconds)  # restored at the end
    reactor = real_reactor()
    assert reactor is installed
    assert reactor.seconds is time.monotonic
