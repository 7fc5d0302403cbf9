"""What systemd is told, in datagrams of a real socket and on a clock that the test moves."""

import os
import secrets
import socket
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from tests.recorded_log import RecordedLog
from vaultrelay.app.systemd_notifier import SystemdNotifier
from vaultrelay.policy.limits.service import STATUS_SECONDS


class Manager:
    """The socket of a service manager, a relay that speaks to it, and time."""

    def __init__(self, address: str, **variables: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(address.replace("@", "\0"))
        self.environment = {"NOTIFY_SOCKET": address, "HOME": "/", **variables}
        self.clock: Any = MemoryReactorClock()
        self.log = RecordedLog()
        self.joined = 0
        self.notify = SystemdNotifier(
            self.environment, self.clock, lambda: self.joined, log=self.log
        )
        self.notify.startService()

    def run(self) -> list[str]:
        """Let the reactor run; what is said then."""
        for call, arguments, named in self.clock.whenRunningHooks:
            call(*arguments, **named)
        return self.said()

    def said(self) -> list[str]:
        """The datagrams since the last look."""
        found = []
        try:
            while True:
                found.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return found

    def shut_down(self) -> list[str]:
        """Let the reactor begin its end; what is said then."""
        ((call, arguments, named),) = self.clock.triggers["before"]["shutdown"]
        call(*arguments, **named)
        return self.said()

    def stop(self) -> None:
        self.notify.stopService()
        assert self.clock.getDelayedCalls() == []
        self.socket.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


def test_a_stay_from_the_start_to_the_end(path: str) -> None:
    manager = Manager(path, WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid()))
    assert manager.said() == []
    assert manager.run() == ["READY=1", "WATCHDOG=1\nSTATUS=0 devices joined"]
    manager.clock.advance(15)
    assert manager.said() == ["WATCHDOG=1\nSTATUS=0 devices joined"]
    manager.joined = 1
    manager.clock.advance(15)
    assert manager.said() == ["WATCHDOG=1\nSTATUS=1 device joined"]
    with manager.notify.reloading():
        (begin,) = manager.said()
        assert begin.startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert begin.rpartition("=")[2].isdigit()
    assert manager.said() == ["READY=1"]
    assert manager.shut_down() == ["STOPPING=1"]
    # A drain takes longer than the watchdog would wait.
    manager.clock.advance(15)
    assert manager.said() == ["WATCHDOG=1\nSTATUS=1 device joined"]
    manager.stop()


def test_a_reload_that_fails_ends_too(path: str) -> None:
    manager = Manager(path)

    def fail() -> None:
        with manager.notify.reloading():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [text.partition("\n")[0] for text in manager.said()] == ["RELOADING=1", "READY=1"]
    manager.stop()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-1"},
    ],
    ids=["none", "another-process", "no-number", "off", "negative"],
)
def test_without_a_watchdog_only_the_status_is_sent(path: str, variables: dict[str, str]) -> None:
    manager = Manager(path, **variables)
    assert manager.run() == ["READY=1", "STATUS=0 devices joined"]
    manager.joined = 12
    manager.clock.advance(STATUS_SECONDS)
    assert manager.said() == ["STATUS=12 devices joined"]
    manager.stop()


def test_the_variables_are_not_left_to_others(path: str) -> None:
    manager = Manager(path, WATCHDOG_USEC="5", WATCHDOG_PID="7")
    assert manager.environment == {"HOME": "/"}
    manager.stop()


def test_a_name_without_a_file() -> None:
    manager = Manager(f"@vault-relay-test-{secrets.token_hex(8)}")
    assert manager.run()[0] == "READY=1"
    manager.stop()


def test_a_start_that_is_given_up_says_nothing(path: str) -> None:
    manager = Manager(path)
    manager.notify.stopService()
    assert manager.run() == []
    manager.stop()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/nowhere/notify", "no such file or directory"),
        ("@" + "x" * 300, "not a socket address"),
        ("vsock:2:1234", "no such file or directory"),
        ("", "invalid argument"),
        ("/a\0b", "no such file or directory"),
    ],
    ids=["missing", "too-long", "another-family", "empty", "zero-byte"],
)
def test_who_cannot_be_told_hurts_nobody(address: str, why: str) -> None:
    clock: Any = MemoryReactorClock()
    log = RecordedLog()
    notify = SystemdNotifier({"NOTIFY_SOCKET": address}, clock, lambda: 0, log=log)
    with notify.reloading():
        pass
    assert [event["log_level"].name for event in log.events] == ["warn"] * 2
    line = log.lines[1]
    assert line.startswith("Cannot send READY=1 to systemd at NOTIFY_SOCKET: "), log.lines
    assert line.endswith(why)


def test_a_manager_that_does_not_listen_holds_nobody_up(path: str) -> None:
    manager = Manager(path)
    for _ in range(2000):
        manager.notify._send("WATCHDOG=1")
    assert manager.log.events[0]["log_level"].name == "warn"
    assert "resource temporarily unavailable" in manager.log.lines[0]
    manager.said()
    manager.stop()
