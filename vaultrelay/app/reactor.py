"""The process's reactor: chosen once, with timers that run by a monotonic clock.

The one place where something of Twisted's is replaced. Its timers run by the wall clock, and would
be off by as much as that is set. Its reactors ask their own `seconds` for the time, a method of
IReactorTime, and have no setting for another clock.
"""

import sys
import time
from contextlib import suppress
from typing import Any

from vaultrelay.app.process import stop_with

_FAR = 3600
"""Seconds until a timer that never runs: further than both clocks could be apart by chance."""


def real_reactor() -> Any:
    """The one import of the reactor. Stops the process if it cannot serve the relay."""
    if "twisted.internet.reactor" not in sys.modules:
        # Else it is chosen already, as by twistd.
        _install_reactor()
    from twisted.internet import reactor
    from twisted.internet.interfaces import IReactorFDSet

    untyped: Any = reactor
    if not IReactorFDSet.providedBy(reactor):
        stop_with(
            f"{type(untyped).__name__} does not wait for sockets, as the relay needs it to; "
            "leave out the --reactor option of twistd"
        )
    untyped.seconds = time.monotonic
    _check_clock(untyped)
    return untyped


def _install_reactor() -> None:
    """Take the reactor for most connections where Twisted's default is another one."""
    with suppress(ImportError):  # of macOS and the BSDs
        from twisted.internet import kqreactor

        kqreactor.install()


def _check_clock(reactor: Any) -> None:
    """Raises AssertionError if timers of the reactor do not run by its `seconds`."""
    timer = reactor.callLater(_FAR, lambda: None)
    due = timer.getTime() - time.monotonic()
    timer.cancel()
    if not 0 < due <= _FAR:
        import twisted

        raise AssertionError(
            f"Twisted {twisted.__version__} does not take the time for its timers from "
            "IReactorTime.seconds; the relay has been tested with the releases in setup.cfg"
        )
