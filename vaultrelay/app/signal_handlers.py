"""Signals: SIGTERM drains, a second one aborts the drain, SIGHUP reloads, others are ignored.

Imports nothing of Twisted: `before_start` runs first in the process.
"""

import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from types import FrameType
from typing import Any

_OUTPUTS = (1, 2)
"""Descriptors of standard output and standard error."""


def _numbers(*names: str) -> tuple[int, ...]:
    """Return the numbers of those signals that exist on this system."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


_STOPS = _numbers("SIGINT", "SIGTERM")
"""Signals that stop a reactor."""
_ALSO_STOPS = _numbers("SIGQUIT", "SIGPWR", "SIGXCPU")
"""From Ctrl-\\ and some container tools, a power failure, a limit on CPU time: each means that the
process ends soon, so the relay drains."""
_MEANINGLESS = (
    *_numbers("SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPOLL", "SIGSTKFLT"),
    *(range(signal.SIGRTMIN, signal.SIGRTMAX + 1) if hasattr(signal, "SIGRTMIN") else ()),
)
"""Signals that kill a process without a handler, sent for example by a log rotation or by mistake.
Signals of a broken process, such as SIGSEGV and SIGABRT, still kill it."""


def before_start() -> None:
    """Handle signals until the relay has its own handlers, which takes half a second.

    Process 1 of a container does not receive SIGTERM without a handler. Nothing listens yet, so
    the process exits at once.
    """
    for number in (signal.SIGTERM, *_ALSO_STOPS):
        signal.signal(number, _exit)
    _ignore((*_numbers("SIGHUP"), *_MEANINGLESS))


def after_end() -> None:
    """Ignore all signals while the process exits, since Python restores the default handlers."""
    _ignore((*_numbers("SIGHUP"), *_STOPS, *_ALSO_STOPS, *_MEANINGLESS))


def reload_on_hangup(reactor: Any, ask: Callable[[], object]) -> None:
    """Call `ask` for a reload on SIGHUP, or stop the reactor if the terminal was closed."""
    at_terminal = [descriptor for descriptor in _OUTPUTS if os.isatty(descriptor)]

    def hung_up(number: int, frame: FrameType | None) -> None:
        if all(os.isatty(descriptor) for descriptor in at_terminal):
            ask()
            return
        # Without its terminal, no user could stop the relay or read its output.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in at_terminal:
            os.dup2(nowhere, descriptor)
        reactor.callFromThread(reactor.stop)

    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, hung_up)


class StopSignals:
    """Stops the reactor on the first signal to stop; calls `abort_drain` on each later one."""

    def __init__(self, reactor: Any, abort_drain: Callable[[], object]) -> None:
        self._reactor = reactor
        self._abort_drain = abort_drain
        self._is_stopping = False

    def install(self) -> None:
        """Handle SIGTERM now, and the other signals once the reactor runs and has its handlers."""
        signal.signal(signal.SIGTERM, partial(self._stop, self._stop_reactor))
        self._reactor.callWhenRunning(self._wrap)

    def _wrap(self) -> None:
        for number in _STOPS:
            own = signal.getsignal(number)
            # A background process ignores SIGINT: its handler is not callable.
            if callable(own):
                signal.signal(number, partial(self._stop, own))
        for number in _ALSO_STOPS:
            signal.signal(number, partial(self._stop, self._stop_reactor))

    def _stop(
        self, first: Callable[[int, FrameType | None], object], number: int, frame: FrameType | None
    ) -> None:
        if self._is_stopping:
            self._reactor.callFromThread(self._abort_drain)
            return
        self._is_stopping = True
        first(number, frame)

    def _stop_reactor(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._reactor.stop)


def report_ignored(reactor: Any, report: Callable[[str], object]) -> None:
    """Call `report` with the name of each signal without a meaning here, once the reactor runs.

    Signals that have a handler by then keep it: SIGUSR1 rotates twistd's log file.
    """

    def came(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(report, _name(number))

    def install() -> None:
        for number in _MEANINGLESS:
            if not callable(signal.getsignal(number)):
                signal.signal(number, came)

    reactor.callWhenRunning(install)


def _ignore(numbers: Iterable[int]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _exit(number: int, frame: FrameType | None) -> None:
    os._exit(0)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
