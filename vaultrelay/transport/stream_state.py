"""States of a stream, and the reasons for its end."""

from enum import Enum

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure


class State(Enum):
    """The state of a stream; the value is its description.

    loseConnection leads to CLOSING from all states before it, abortConnection to ABORTED from all
    but CLOSED. CLOSED follows when all bytes are sent, or the peer is gone.
    """

    OPENING = "TLS has its handshake: nothing can be sent for the protocol yet"
    OPEN = "both directions are open"
    HALF_CLOSING = "our direction is closed once all is sent"
    HALF_CLOSED = "only the peer's direction is open"
    CLOSING = "the connection is closed once all is sent"
    ABORTED = "the connection is reset in the reactor's next turn"
    CLOSED = "the connection is gone"


READABLE = (State.OPENING, State.OPEN, State.HALF_CLOSING, State.HALF_CLOSED)
"""States in which data is received, and from which loseConnection leads to CLOSING."""
WRITABLE = (State.OPEN, State.HALF_CLOSING, State.CLOSING)
"""States in which writes are sent: as in Twisted, also after loseConnection until all is sent."""
OVER = (State.ABORTED, State.CLOSED)
"""States in which the hub does not watch the stream."""

DONE = Failure(ConnectionDone())
LOST = Failure(ConnectionLost())
ABORTED = Failure(ConnectionAborted())
