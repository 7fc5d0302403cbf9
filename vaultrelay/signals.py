"""Signals: SIGHUP reloads, or ends a relay whose terminal closed; the second SIGTERM hurries."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

_OUTPUTS = (1, 2)
"""Descriptors of standard output and standard error."""


def reload_on_hangup(reactor: Any, ask: Callable[[], object]) -> None:
    """`ask` for a reload on SIGHUP; but stop where it says that the terminal was closed."""
    at_terminal = [descriptor for descriptor in _OUTPUTS if os.isatty(descriptor)]

    def hung_up(number: int, frame: FrameType | None) -> None:
        if all(os.isatty(descriptor) for descriptor in at_terminal):
            ask()
            return
        # Nobody could stop a relay that stays, and nobody reads what it says.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in at_terminal:
            os.dup2(nowhere, descriptor)
        reactor.callFromThread(reactor.stop)

    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, hung_up)


def hurry_on_second(reactor: Any, hurry: Callable[[], object]) -> None:
    """Call `hurry` on a SIGINT or SIGTERM that comes when the reactor is ending already."""

    def again(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(hurry)

    def ending() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, again)

    reactor.addSystemEventTrigger("before", "shutdown", ending)
