"""A start under twistd: what the terminal is told, whichever way it fails."""

import atexit
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from vaultrelay.app.twistd_daemon import TwistdStart


class Ended(Exception):
    """The process of the terminal ended, with a status."""


class Process:
    """What Python would call at a fork and at the end, of a process with this number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.monkeypatch = monkeypatch
        self.pid_file = folder / "twistd.pid"
        self.hooks: list[Any] = []
        self.at_exit: list[Callable[[], None]] = []
        self.number = 1000

        def end(status: int) -> None:
            raise Ended(status)

        monkeypatch.setattr(os, "getpid", lambda: self.number)
        monkeypatch.setattr(os, "_exit", end)

        def register(after_in_parent: Callable[[], None], after_in_child: object) -> None:
            self.hooks.append(after_in_parent)

        monkeypatch.setattr(os, "register_at_fork", register)
        monkeypatch.setattr(atexit, "register", self.at_exit.append)
        monkeypatch.delattr(sys, "last_value", raising=False)

    def start(self, **config: Any) -> TwistdStart:
        given = {"nodaemon": False, "pidfile": str(self.pid_file), "logfile": None, "syslog": False}
        return TwistdStart(given | {"uid": None, "gid": None} | config)

    def daemon(self) -> None:
        """From now on this is the daemon, with its pid file; the terminal's process has a copy."""
        (hook,) = self.hooks
        self.hooks = [hook.__func__.__get__(copy(hook.__self__))]
        self.number = 2000
        self.pid_file.write_text("2000")

    def terminal(self, status: int | None) -> None:
        """What the process of the terminal does after its fork: end with a status, or go on."""
        self.number = 1000
        (hook,) = self.hooks
        if status is None:
            hook()
            return
        with pytest.raises(Ended) as ended:
            hook()
        assert ended.value.args == (status,)


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    before = signal.getsignal(signal.SIGTERM)
    made: list[socket.socket] = []
    real = socket.socketpair

    def socketpair() -> tuple[socket.socket, socket.socket]:
        made.extend(ends := real())
        return ends

    monkeypatch.setattr(socket, "socketpair", socketpair)
    yield Process(monkeypatch, tmp_path)
    signal.signal(signal.SIGTERM, before)
    for end in made:
        end.close()


def exit_of(process: Process, error: BaseException | None = None) -> None:
    """The daemon ends, perhaps because of an error of twistd's."""
    if error is not None:
        process.monkeypatch.setattr(sys, "last_value", error, raising=False)
    for call in process.at_exit:
        call()


def test_a_start_that_succeeds_lets_twistd_go_on(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    start = process.start()
    process.daemon()
    start.succeeded()
    exit_of(process)
    assert process.pid_file.exists(), "twistd removes it itself"
    process.terminal(None)
    assert capfd.readouterr().err == ""
    # twistd forks a second time, in a process that is not the terminal's.
    process.terminal(None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/run/x.pid"), "/run/x.pid: permission denied"),
        (FileNotFoundError(2, "No such file or directory"), "twistd: no such file or directory"),
        (KeyError("getpwuid(): uid not found: 7"), "getpwuid(): uid not found: 7"),
        (RuntimeError("\x1b[2J"), "\\x1b[2J"),
        (RuntimeError(), "cannot start; see the last lines of twistd.log"),
        (None, "cannot start; see the last lines of twistd.log"),
    ],
)
def test_what_ends_twistd_itself_is_passed_on(
    process: Process,
    capfd: pytest.CaptureFixture[str],
    error: BaseException | None,
    said: str,
) -> None:
    process.start()
    process.daemon()
    exit_of(process, error)
    assert not process.pid_file.exists()
    assert capfd.readouterr().err == ""
    process.terminal(2)
    told = capfd.readouterr().err
    assert told.startswith("vault-relay: cannot start")
    assert said in told
    assert told.count("\n") == 1


def test_a_relay_that_cannot_listen_is_passed_on_as_it_is(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    start = process.start()
    process.daemon()
    with pytest.raises(SystemExit) as ended:
        start.fail("cannot listen on tcp:80")
    assert ended.value.code == 2
    capfd.readouterr()
    exit_of(process)
    process.terminal(2)
    assert capfd.readouterr().err == "vault-relay: cannot listen on tcp:80\n"


def test_a_daemon_that_is_killed_is_not_waited_for(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    process.start()
    (hook,) = process.hooks
    with pytest.raises(Ended) as ended:
        hook()
    assert ended.value.args == (2,)
    assert capfd.readouterr().err == "vault-relay: the daemon was killed while it was starting\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_terminal_can_be_interrupted(process: Process) -> None:
    process.start()

    def interrupt(end: socket.socket, size: int) -> bytes:
        raise KeyboardInterrupt

    process.monkeypatch.setattr(socket.socket, "recv", interrupt, raising=False)
    process.terminal(130)


def test_a_fork_of_somebody_else_is_not_waited_for(process: Process) -> None:
    process.start()
    process.number = 3000
    (hook,) = process.hooks
    hook()


@pytest.mark.parametrize("nodaemon", [True, False])
def test_an_end_before_the_fork_is_said_at_once(
    process: Process, capfd: pytest.CaptureFixture[str], nodaemon: bool
) -> None:
    process.start(nodaemon=nodaemon, syslog=True)
    with pytest.raises(Ended):
        exit_of(process)
    assert capfd.readouterr().err == ("vault-relay: cannot start; see the last lines of syslog\n")


def test_in_the_foreground_a_sentence_is_said_once(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    start = process.start(nodaemon=True)
    process.pid_file.write_text("1000")
    with pytest.raises(SystemExit):
        start.fail("cannot listen on tcp:80")
    exit_of(process)
    assert capfd.readouterr().err == "vault-relay: cannot listen on tcp:80\n"
    assert not process.pid_file.exists()


@pytest.mark.parametrize("content", ["7", "not a number", ""])
def test_a_pid_file_of_another_process_stays(process: Process, content: str) -> None:
    process.start(nodaemon=True)
    process.pid_file.write_text(content)
    with pytest.raises(Ended):
        exit_of(process)
    assert process.pid_file.read_text() == content


def test_without_a_pid_file_there_is_none_to_remove(process: Process) -> None:
    process.start(nodaemon=True, pidfile="")
    with pytest.raises(Ended):
        exit_of(process)


@pytest.mark.parametrize(
    ("config", "owner"),
    [
        ({}, (-1, -1)),
        ({"uid": 0}, (0, 0)),
        ({"uid": 0, "gid": 7}, (0, 7)),
        ({"gid": 7}, (-1, 7)),
        # twistd itself ends there, and says why.
        ({"uid": 1 << 30}, None),
    ],
)
def test_unix_sockets_are_those_of_the_user_to_be(
    process: Process, config: dict[str, int], owner: tuple[int, int] | None
) -> None:
    given: list[tuple[Any, ...]] = []
    process.monkeypatch.setattr(os, "chown", lambda *arguments: given.append(arguments))
    process.start(**config).give_away(["/run/a", "/run/b"])
    assert given == ([] if owner is None else [("/run/a", *owner), ("/run/b", *owner)])
