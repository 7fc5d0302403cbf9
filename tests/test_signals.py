"""Signals: what SIGHUP means with a terminal and without, and the second SIGTERM."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vaultrelay.signals import hurry_on_second, reload_on_hangup

NUMBERS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class FakeReactor:
    """Remembers what was to be called, and calls it when told to."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.at_shutdown: list[Callable[[], object]] = []

    def callFromThread(self, call: Callable[[], object]) -> None:
        call()

    def stop(self) -> None:
        self.called.append("stop")

    def addSystemEventTrigger(self, phase: str, event: str, call: Callable[[], object]) -> None:
        assert (phase, event) == ("before", "shutdown")
        self.at_shutdown.append(call)


@pytest.fixture
def reactor() -> Iterator[FakeReactor]:
    """A reactor, and afterwards the signals as they were."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield FakeReactor()
    for number, handler in before.items():
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


def test_only_the_second_signal_hurries(reactor: FakeReactor) -> None:
    before = signal.getsignal(signal.SIGTERM)
    hurry_on_second(reactor, lambda: reactor.called.append("hurry"))
    assert signal.getsignal(signal.SIGTERM) is before
    (ending,) = reactor.at_shutdown
    ending()
    send(signal.SIGTERM)
    send(signal.SIGINT)
    assert reactor.called == ["hurry", "hurry"]
