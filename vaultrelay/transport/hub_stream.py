"""HubStream: a stream as its hub uses it, and the events that the hub reports to it."""

import select
from typing import Protocol

from twisted.python.failure import Failure

READ = getattr(select, "EPOLLIN", 1)
WRITE = getattr(select, "EPOLLOUT", 4)
ERROR = getattr(select, "EPOLLERR", 8)


class HubStream(Protocol):
    """A stream as its hub uses it. `descriptor` is -1 once the stream is closed."""

    descriptor: int

    @property
    def other_events(self) -> int:
        """The watched events beside input."""

    def read_again(self) -> None:
        """Watch for input again, if the protocol wants it."""

    def can_read(self) -> None:
        """Read once, even if no data is available."""

    def ready(self, events: int) -> None:
        """Handle any combination of events, including errors."""

    def abortConnection(self) -> None:
        """Reset the connection and discard unsent bytes."""

    def lose(self, reason: Failure) -> None:
        """Close the stream for this reason."""
