"""The socket of the mailbox: its pages, and a folder in which it cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import succeed
from twisted.internet.testing import MemoryReactorClock
from twisted.web.test.requesthelper import DummyRequest

from tests.recorded_log import RecordedLog
from vaultrelay.app.mailbox_actions import ActionFailed
from vaultrelay.app.mailbox_control import ControlPages, MailboxControl
from vaultrelay.policy.limits.admin import CONTROL_CONNECTIONS


class Actions:
    """Notes what is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def act(*arguments: str) -> Any:
            self.asked.append((name, *arguments))
            if name == "erase":
                raise ActionFailed("no such channel")
            return succeed({"name": name})

        return act


def answer(actions: Any, method: bytes, path: bytes, value: bytes = b"") -> tuple[int, Any]:
    request: Any = DummyRequest([path.strip(b"/")])
    request.method, request.path = method, path
    request.args = {b"for": [value]} if value else {}
    ControlPages(actions).render(request)
    return request.responseCode or 200, json.loads(b"".join(request.written))


@pytest.mark.parametrize("path", ["check", "backup", "erase", "trust-clock"])
def test_what_changes_something_takes_post(path: str) -> None:
    actions = Actions()
    assert answer(actions, b"GET", b"/" + path.encode()) == (405, {"fault": "this takes POST"})
    assert actions.asked == []


def test_each_path_is_an_action() -> None:
    actions = Actions()
    assert answer(actions, b"GET", b"/usage") == (200, {"name": "usage"})
    assert answer(actions, b"POST", b"/backup", "/a/ü".encode()) == (200, {"name": "backup"})
    assert answer(actions, b"POST", b"/trust-clock")[0] == 200
    assert actions.asked == [("usage",), ("backup", "/a/ü"), ("trust_clock",)]
    assert answer(actions, b"POST", b"/usage")[0] == 405
    assert answer(actions, b"GET", b"/other")[0] == 404


def test_an_action_that_fails_has_its_sentence() -> None:
    told = answer(Actions(), b"POST", b"/erase", b"c-000000")
    assert told == (409, {"fault": "no such channel"})


def test_an_old_socket_is_replaced_in_a_private_mode(tmp_path: Path) -> None:
    (tmp_path / "control").touch()
    reactor: Any = MemoryReactorClock()
    actions: Any = Actions()
    MailboxControl(tmp_path, actions, reactor, log=RecordedLog()).startService()
    [(path, _, backlog, mode, _)] = reactor.unixServers
    assert (path, backlog, mode) == (str(tmp_path / "control"), CONTROL_CONNECTIONS, 0o600)
    assert not (tmp_path / "control").exists()


def test_without_a_socket_the_relay_goes_on(tmp_path: Path) -> None:
    log = RecordedLog()
    (tmp_path / "control").mkdir()
    actions: Any = Actions()
    control = MailboxControl(tmp_path, actions, MemoryReactorClock(), log=log)
    control.startService()
    assert "Cannot create the socket for vault-relay mailbox" in str(log.lines)
    assert control.stopService() is None
