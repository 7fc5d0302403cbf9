"""The limit on open files: raised as far as the system grants it."""

import resource
import sys

import pytest

from vaultrelay.app.open_files import fit_to_open_files
from vaultrelay.config.settings import Settings
from vaultrelay.policy.descriptors import files_needed
from vaultrelay.policy.limits.descriptors import SELECT_SOCKETS


def test_a_process_allows_itself_all_that_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []

    def remember(which: int, limits: tuple[int, int]) -> None:
        set_to.append(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 500))
    monkeypatch.setattr(resource, "setrlimit", remember)
    assert fit_to_open_files(Settings()).open_files == 500
    assert set_to == [(500, 500)]


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
    needed = files_needed(1000)
    assert fit_to_open_files(Settings(max_connections=1000)).open_files == needed
    assert fit_to_open_files(Settings(max_connections=20_000)).open_files == 256
    assert set_to == [(needed, resource.RLIM_INFINITY)]


def test_windows_has_room_for_what_select_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    fitted = fit_to_open_files(Settings())
    # Beside them are listeners, the admin endpoint and the health check.
    assert fitted.shares.devices + fitted.shares.waiting + 50 == SELECT_SOCKETS
    assert fit_to_open_files(Settings(max_connections=100)).shares.devices == 100


def test_a_process_without_a_limit_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: unlimited)
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: None)
    assert fit_to_open_files(Settings()).open_files is None
