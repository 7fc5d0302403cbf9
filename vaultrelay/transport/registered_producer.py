"""RegisteredProducer: the source of what a stream sends, as Twisted's producers are asked."""

from typing import Any


class RegisteredProducer:
    """A producer that is registered with a stream.

    A push producer (`is_push`) sends by itself until it is paused. A pull producer sends something
    each time it is asked.
    """

    __slots__ = ("_is_paused", "is_push", "producer")

    def __init__(self, producer: Any, is_push: bool) -> None:
        self.producer = producer
        self.is_push = is_push
        self._is_paused = False

    @property
    def waits(self) -> bool:
        """Whether it sends nothing until `resume` is called."""
        return self._is_paused or not self.is_push

    def pause(self) -> None:
        """Something is unsent. A push producer is paused once until it is resumed.

        Twisted pauses it at each write, which twisted.web's own producers count: a file behind a
        file would stall.
        """
        if self.is_push and not self._is_paused:
            self._is_paused = True
            self.producer.pauseProducing()

    def resume(self) -> None:
        """All is sent."""
        self._is_paused = False
        self.producer.resumeProducing()
