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
_IGNORED = (
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
        signal.signal(number, lambda *_: os._exit(0))
    _ignore((*_numbers("SIGHUP"), *_IGNORED))


def after_end() -> None:
    """Ignore all signals while the process exits, since Python restores the default handlers."""
    _ignore((*_numbers("SIGHUP"), *_STOPS, *_ALSO_STOPS, *_IGNORED))


def reload_on_hangup(reactor: Any, request_reload: Callable[[], object]) -> None:
    """Request a reload on SIGHUP, or stop the reactor if the terminal was closed."""
    at_terminal = [descriptor for descriptor in _OUTPUTS if os.isatty(descriptor)]

    def hung_up(number: int, frame: FrameType | None) -> None:
        if all(os.isatty(descriptor) for descriptor in at_terminal):
            request_reload()
            return
        # Without its terminal, no user could stop the relay or read its output.
        null = os.open(os.devnull, os.O_WRONLY)
        for descriptor in at_terminal:
            os.dup2(null, descriptor)
        reactor.callFromThread(reactor.stop)

    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, hung_up)


def drain_on_stop(reactor: Any, abort_drain: Callable[[], object]) -> None:
    """Stop the reactor on the first signal to stop; call `abort_drain` on each later one.

    Handles SIGTERM now, and the other signals once the reactor runs and has its handlers.
    """
    is_stopping = False

    def stop_reactor(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(reactor.stop)

    def stop(first: Callable[..., object], number: int, frame: FrameType | None) -> None:
        nonlocal is_stopping
        if is_stopping:
            reactor.callFromThread(abort_drain)
            return
        is_stopping = True
        first(number, frame)

    def install() -> None:
        for number in _STOPS:
            handler = signal.getsignal(number)
            # A background process ignores SIGINT: its handler is not callable.
            if callable(handler):
                signal.signal(number, partial(stop, handler))
        for number in _ALSO_STOPS:
            signal.signal(number, partial(stop, stop_reactor))

    signal.signal(signal.SIGTERM, partial(stop, stop_reactor))
    reactor.callWhenRunning(install)


def report_ignored(reactor: Any, report: Callable[[str], object]) -> None:
    """Call `report` with the name of each signal without a meaning here, once the reactor runs.

    Signals that have a handler by then keep it: SIGUSR1 rotates twistd's log file.
    """

    def received(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(report, _name(number))

    def install() -> None:
        for number in _IGNORED:
            if not callable(signal.getsignal(number)):
                signal.signal(number, received)

    reactor.callWhenRunning(install)


def _ignore(numbers: Iterable[int]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
