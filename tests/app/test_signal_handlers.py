"""Signals: SIGHUP with a terminal and without, those that stop, and those that mean nothing."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from vaultrelay.app import signal_handlers
from vaultrelay.app.signal_handlers import (
    after_end,
    before_start,
    drain_on_stop,
    reload_on_hangup,
    report_ignored,
)

STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGXCPU]
MEANINGLESS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF]
MEANINGLESS += [signal.SIGIO]
NUMBERS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}


class FakeReactor:
    """Remembers what was to be called, and calls it when told to."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.at_run: list[Callable[[], object]] = []

    def callFromThread(self, call: Callable[..., object], *arguments: object) -> None:
        call(*arguments)

    def callWhenRunning(self, call: Callable[[], object]) -> None:
        self.at_run.append(call)

    def stop(self) -> None:
        self.called.append("stop")

    def sigTerm(self, number: int, frame: FrameType | None) -> None:
        self.called.append("reactor's own")

    def run(self) -> None:
        """Install its own handlers, as Twisted's does, and call what waits for that."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.sigTerm)
        for call in self.at_run:
            call()


@pytest.fixture
def reactor() -> Iterator[FakeReactor]:
    """A reactor, and afterwards the signals as they were."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield FakeReactor()
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def send(number: signal.Signals) -> None:
    handler: Any = signal.getsignal(number)
    handler(number, None)


@pytest.mark.parametrize("at_terminal", [True, False])
def test_a_hangup_asks_for_a_reload(
    reactor: FakeReactor, monkeypatch: pytest.MonkeyPatch, at_terminal: bool
) -> None:
    monkeypatch.setattr(os, "isatty", lambda descriptor: at_terminal)
    reload_on_hangup(reactor, lambda: reactor.called.append("reload"))
    send(signal.SIGHUP)
    assert reactor.called == ["reload"]


def test_the_hangup_of_a_closed_terminal_is_the_end(
    reactor: FakeReactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminals = {2}
    turned: list[int] = []
    monkeypatch.setattr(os, "isatty", terminals.__contains__)
    monkeypatch.setattr(os, "dup2", lambda nowhere, descriptor: turned.append(descriptor))
    reload_on_hangup(reactor, lambda: reactor.called.append("reload"))
    terminals.clear()
    send(signal.SIGHUP)
    assert reactor.called == ["stop"]
    assert turned == [2], "standard output went to a file, and still does"


def aborting(reactor: FakeReactor) -> FakeReactor:
    drain_on_stop(reactor, lambda: reactor.called.append("abort_drain"))
    return reactor


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_stops_and_each_later_one_hurries(
    reactor: FakeReactor, number: signal.Signals
) -> None:
    aborting(reactor).run()
    for each in (number, signal.SIGTERM, signal.SIGINT, number):
        send(each)
    first = "reactor's own" if number in (signal.SIGINT, signal.SIGTERM) else "stop"
    assert reactor.called == [first, "abort_drain", "abort_drain", "abort_drain"]


def test_a_relay_that_begins_stops_as_soon_as_it_runs(reactor: FakeReactor) -> None:
    """Twisted calls what a thread asked for before its run."""
    aborting(reactor)
    send(signal.SIGTERM)
    assert reactor.called == ["stop"]
    reactor.run()
    send(signal.SIGTERM)
    assert reactor.called == ["stop", "abort_drain"]


def test_an_interrupt_that_is_ignored_stays_so(reactor: FakeReactor) -> None:
    """A shell lets its background jobs ignore SIGINT."""
    aborting(reactor)
    reactor.at_run.insert(0, lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    reactor.run()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_signals_that_mean_nothing_are_reported(reactor: FakeReactor) -> None:
    report_ignored(reactor, reactor.called.append)
    for number in MEANINGLESS:
        signal.signal(number, signal.SIG_DFL)
    reactor.run()
    for number in MEANINGLESS:
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), signal.SIGRTMIN + 3)
    # SIGIO and SIGPOLL are one.
    assert {"SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF"} < set(reactor.called)
    assert reactor.called[-1] == "SIGRTMIN+3"
    assert len(reactor.called) == len(MEANINGLESS) + 1


def test_a_signal_that_has_a_meaning_keeps_it(reactor: FakeReactor) -> None:
    """twistd rotates its log file on SIGUSR1."""
    report_ignored(reactor, reactor.called.append)
    signal.signal(signal.SIGUSR1, lambda number, frame: reactor.called.append("rotated"))
    reactor.run()
    send(signal.SIGUSR1)
    assert reactor.called == ["rotated"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGXCPU])
def test_before_the_start_a_signal_to_stop_ends_the_process(
    reactor: FakeReactor, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    before_start()
    os.kill(os.getpid(), number)
    assert ended == [0]


@pytest.mark.parametrize("prepare", [before_start, after_end])
def test_no_other_signal_kills_a_process_that_begins_or_ends(
    reactor: FakeReactor, prepare: Callable[[], None]
) -> None:
    prepare()
    for number in (signal.SIGHUP, *MEANINGLESS, signal.SIGRTMAX):
        assert signal.getsignal(number) is signal.SIG_IGN
        os.kill(os.getpid(), number)
    if prepare is after_end:
        for number in STOPPING:
            os.kill(os.getpid(), number)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other signals")
def test_what_is_not_in_the_tables_says_that_the_process_is_broken_or_does_not_kill() -> None:
    known = {
        signal.SIGHUP,
        *signal_handlers._STOPS,
        *signal_handlers._ALSO_STOPS,
        *signal_handlers._IGNORED,
    }
    rest = {signal.Signals(number).name for number in signal.valid_signals() - known}
    broken = {"SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS", "SIGKILL"}
    harmless = {"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG"}
    of_python = {"SIGPIPE", "SIGXFSZ"}  # ignored by Python itself
    assert rest == broken | harmless | of_python | {"SIGWINCH"}
