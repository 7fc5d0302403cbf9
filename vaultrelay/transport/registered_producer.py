"""RegisteredProducer: calls the producer of a stream, as Twisted's contract requires."""

from typing import Any


class RegisteredProducer:
    """A producer registered with a stream.

    A push producer (`is_push`) sends by itself until it is paused. A pull producer sends one piece
    at each call of resumeProducing.
    """

    __slots__ = ("_is_paused", "is_push", "producer")

    def __init__(self, producer: Any, is_push: bool) -> None:
        self.producer = producer
        self.is_push = is_push
        self._is_paused = False

    @property
    def waits(self) -> bool:
        """Whether the producer sends nothing until `resume` is called."""
        return self._is_paused or not self.is_push

    def pause(self) -> None:
        """Pause a push producer, once until it is resumed, since bytes are unsent.

        Twisted pauses it at each write. twisted.web's own producers count the calls: the second of
        two files would stall.
        """
        if self.is_push and not self._is_paused:
            self._is_paused = True
            self.producer.pauseProducing()

    def resume(self) -> None:
        """Resume the producer, since all bytes are sent."""
        self._is_paused = False
        self.producer.resumeProducing()
