"""The reactor of the process, with timers on a monotonic clock.

The only module that replaces a part of Twisted. Its timers use the wall clock, and would be wrong
by each step of it. Reactors call their own `seconds` for the time, a method of IReactorTime, and
have no setting for another clock.
"""

import sys
import time
from contextlib import suppress
from typing import Any

from vaultrelay.app.exit_status import stop_with

_FAR = 3600
"""Delay of a timer that never fires, in seconds: more than the clocks can differ by chance."""


def real_reactor() -> Any:
    """Return the reactor, the only import of it. Exits if it cannot serve the relay."""
    if "twisted.internet.reactor" not in sys.modules:
        # Else it is installed already, for example by twistd.
        _install_reactor()
    from twisted.internet import reactor
    from twisted.internet.interfaces import IReactorFDSet

    untyped: Any = reactor
    if not IReactorFDSet.providedBy(reactor):
        stop_with(
            f"twistd --reactor: {type(untyped).__name__} does not implement IReactorFDSet, which "
            "the relay needs; remove the option"
        )
    untyped.seconds = time.monotonic
    _check_clock(untyped)
    return untyped


def _install_reactor() -> None:
    """Install the reactor for most connections if it is not Twisted's default."""
    with suppress(ImportError):  # of macOS and the BSDs
        from twisted.internet import kqreactor

        kqreactor.install()


def _check_clock(reactor: Any) -> None:
    """Check the clock of timers. Raises AssertionError if it is not `reactor.seconds`."""
    timer = reactor.callLater(_FAR, lambda: None)
    due = timer.getTime() - time.monotonic()
    timer.cancel()
    if not 0 < due <= _FAR:
        import twisted

        raise AssertionError(
            f"Twisted {twisted.__version__} does not read the time for its timers from "
            "IReactorTime.seconds; install a release that the relay was tested with (see setup.cfg)"
        )
