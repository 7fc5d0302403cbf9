"""SendRoom: whether the transport of a connection accepts more data."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class SendRoom:
    """The producer of a transport; `is_free` unless the transport has paused it."""

    def __init__(self) -> None:
        self.is_free = True
        self._is_over = False
        self._waiting: list[Deferred[None]] = []

    def wait(self) -> Deferred[None]:
        """Return a Deferred that fires when all earlier data is in transit, or the connection is
        over."""
        waiter: Deferred[None] = Deferred()
        self._waiting.append(waiter)
        if self.is_free or self._is_over:
            self._release()
        return waiter

    def end(self) -> None:
        """Release all that wait: the connection is over."""
        self._is_over = True
        self._release()

    def pauseProducing(self) -> None:
        self.is_free = False

    def resumeProducing(self) -> None:
        self.is_free = True
        self._release()

    def stopProducing(self) -> None:
        pass

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)
