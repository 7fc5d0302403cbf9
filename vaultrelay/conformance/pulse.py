"""Pulse: wakes the case that waits for anything to happen."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime


class Pulse:
    """Beats when bytes or a connection came, or the adapter has ended."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._waiting: Deferred[None] | None = None

    def beat(self) -> None:
        """Wake the one that waits, if there is one."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def wait(self, seconds: float) -> None:
        """Return at the next beat, or after `seconds`."""
        self._waiting = Deferred()
        timer = self._reactor.callLater(seconds, self.beat)
        try:
            await self._waiting
        finally:
            if timer.active():
                timer.cancel()
