"""The states of a stream, and the reasons why it ends."""

from enum import Enum

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure


class State(Enum):
    """How far a stream is; the value says what that means.

    loseConnection leads to CLOSING from all states before it, and abortConnection to ABORTED from
    all but CLOSED. CLOSED follows when all is sent, or the peer is gone.
    """

    OPENING = "TLS has its handshake: nothing can be sent for the protocol yet"
    OPEN = "both directions are open"
    HALF_CLOSING = "our direction is closed once all is sent"
    HALF_CLOSED = "only the peer's direction is open"
    CLOSING = "the connection is closed once all is sent"
    ABORTED = "the connection is reset in the reactor's next turn"
    CLOSED = "the connection is gone"


READABLE = (State.OPENING, State.OPEN, State.HALF_CLOSING, State.HALF_CLOSED)
"""In which data is received, and from which loseConnection leads to CLOSING."""
WRITABLE = (State.OPEN, State.HALF_CLOSING, State.CLOSING)
"""In which what is written is sent, as Twisted does after loseConnection until all is sent."""
OVER = (State.ABORTED, State.CLOSED)
"""In which the hub does not watch it."""

DONE = Failure(ConnectionDone())
LOST = Failure(ConnectionLost())
ABORTED = Failure(ConnectionAborted())
