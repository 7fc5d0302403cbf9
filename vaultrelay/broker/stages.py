"""The stages of a session, and the table of transitions between them."""

from enum import Enum
from typing import ClassVar, Protocol

from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode


class Stage(Enum):
    """The stages of a session."""

    CHALLENGED = "challenged"
    JOINED = "joined"
    CLOSED = "closed"


class Event(Enum):
    """What can happen to a session: messages of the device, and the end by either side.

    The values of control messages are their types.
    """

    HELLO = "hello"
    KEEPALIVE = "keepalive"
    ERASE = "erase"
    DATA = "data"
    CLOSE = "close"


class Control(Protocol):
    """A control message of a device; its type is the value of an Event."""

    type: ClassVar[str]


CHALLENGED, JOINED, CLOSED = Stage
"""For code that runs often: looking a member up through its class takes 66 ns."""

TRANSITIONS: dict[Stage, dict[Event, Stage]] = {
    CHALLENGED: {Event.HELLO: JOINED, Event.CLOSE: CLOSED},
    JOINED: {
        Event.KEEPALIVE: JOINED,
        Event.ERASE: JOINED,
        Event.DATA: JOINED,
        Event.CLOSE: CLOSED,
    },
    CLOSED: {},
}
"""The stage after each event that is allowed. A hello that is refused leads to a CLOSE."""

BROKEN_RULES = {
    (CHALLENGED, Event.KEEPALIVE): Rule.KEEPALIVE_BEFORE_WELCOME,
    (CHALLENGED, Event.ERASE): Rule.UNKNOWN_TYPE,
    (CHALLENGED, Event.DATA): Rule.DATA_BEFORE_WELCOME,
    (JOINED, Event.HELLO): Rule.SECOND_HELLO,
}
"""The rule that an event breaks for which there is no transition. In CLOSED all are ignored."""

LEFT_REASONS = {
    CloseCode.IDLE: "idle",
    CloseCode.PING_TIMEOUT: "lost",
    CloseCode.SLOW: "slow",
    CloseCode.MEMORY: "slow",
    CloseCode.REPLACED: "replaced",
    CloseCode.RESTART: "draining",
}
"""The reason in `left` for a session that the relay closed; "closed" for all other codes."""
