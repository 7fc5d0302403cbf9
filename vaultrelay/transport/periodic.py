"""PeriodicTask: a call at each interval, which goes on after an error."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from vaultrelay.logs import log


class PeriodicTask:
    """Makes a call every so many seconds. Twisted's looping call would end with the first error.

    `trouble` is what the log says then.
    """

    def __init__(self, call: Callable[[], object], clock: IReactorTime, trouble: str) -> None:
        self._call = call
        self._trouble = trouble
        self._loop = LoopingCall(self._once)
        self._loop.clock = clock

    def start(self, seconds: float, now: bool = False) -> None:
        """Begin, with a call `now` or after the first interval; or go on at another interval."""
        self.stop()
        self._loop.start(seconds, now)

    def stop(self) -> None:
        """Make no more calls, if any were made."""
        if self._loop.running:
            self._loop.stop()

    def _once(self) -> None:
        try:
            self._call()
        except Exception:
            log.failure(self._trouble)
