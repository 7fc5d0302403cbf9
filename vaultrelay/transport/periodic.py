"""PeriodicTask: a call at each interval, which continues after an error."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from vaultrelay.logs import RelayLog


class PeriodicTask:
    """Makes a call at each interval. Twisted's LoopingCall would stop at the first error.

    `trouble` is the line that is logged with an error.
    """

    def __init__(
        self, call: Callable[[], object], clock: IReactorTime, trouble: str, *, log: RelayLog
    ) -> None:
        self._call = call
        self._trouble = trouble
        self._log = log
        self._loop = LoopingCall(self._once)
        self._loop.clock = clock

    def start(self, seconds: float, now: bool = False) -> None:
        """Start, with a call `now` or after the first interval; or change the interval."""
        self.stop()
        self._loop.start(seconds, now)

    def stop(self) -> None:
        """Make no more calls. Does nothing if the task was not started."""
        if self._loop.running:
            self._loop.stop()

    def _once(self) -> None:
        try:
            self._call()
        except Exception:
            self._log.failure(self._trouble)
