"""DeviceStream: one device's place in the log of its channel.

========= ============================================ =======================================
state     sent                                         ends
========= ============================================ =======================================
reading   nothing, until a page of the store is read   with the page
waiting   nothing, until the device has taken all      with its empty queue
live      each item, when it is stored                 with a high queue, or the store is away
away      nothing                                      when the store is back
========= ============================================ =======================================
"""

from enum import Enum
from math import inf

from vaultrelay.broker.outbox import Room
from vaultrelay.broker.session import Session
from vaultrelay.store.store import Cursor, Page
from vaultrelay.wire.control import mailbox as control
from vaultrelay.wire.control.mailbox import Gap, MailboxState
from vaultrelay.wire.mailbox import NO_CURSOR, PutReason, pack_item, pack_put_nack, pack_stored


class State(Enum):
    """What the stream does."""

    READING = "reading"
    WAITING = "waiting"
    LIVE = "live"
    AWAY = "away"
    CLOSED = "closed"


class Event(Enum):
    """What changes the state."""

    READ = "read"
    PAGE = "page"
    LAST_PAGE = "last page"
    HIGH = "high"
    AWAY = "away"
    CLOSE = "close"


_READING, _WAITING, _LIVE, _AWAY, _CLOSED = State

_OPEN = {gap: MailboxState(control.State.OPEN, gap).encode() for gap in (None, *Gap)}
_STORE_AWAY = MailboxState(control.State.AWAY).encode()

TRANSITIONS: dict[State, dict[Event, State]] = {
    _READING: {
        Event.PAGE: _WAITING,
        Event.LAST_PAGE: _LIVE,
        Event.AWAY: _AWAY,
        Event.CLOSE: _CLOSED,
    },
    _WAITING: {Event.READ: _READING, Event.CLOSE: _CLOSED},
    _LIVE: {Event.HIGH: _WAITING, Event.AWAY: _AWAY, Event.CLOSE: _CLOSED},
    _AWAY: {Event.READ: _READING, Event.CLOSE: _CLOSED},
    _CLOSED: {},
}
"""The state after each event. What is not here is ignored: a page for a closed stream, a store that
is away for one that reads (the page will say it)."""


class DeviceStream:
    """What one device has of the log of its channel, and what it is sent next.

    `cursor` is the place up to which it was sent all; None is the beginning.
    """

    __slots__ = (
        "channel",
        "cursor",
        "erases",
        "gap",
        "is_open",
        "puts",
        "room_at",
        "session",
        "state",
        "unanswered",
        "waiting",
    )

    def __init__(self, session: Session, channel: bytes, cursor: Cursor | None) -> None:
        self.session = session
        self.channel = channel
        self.cursor = cursor
        self.state = _WAITING
        self.is_open = False
        """Whether `open` was sent since the start, or since the store was away."""
        self.gap: Gap | None = None
        """What was reported since `open`, once for each replay."""
        self.puts = 0
        """All PUTs so far."""
        self.unanswered = self.waiting = 0
        """Bytes of its PUTs that wait for the store, and their number."""
        self.room_at = inf
        """When `room` may be sent, since a PUT was refused that may be stored later."""
        self.erases: tuple[Cursor | None, ...] = ()
        """The erase that the store does, and the one after that."""

    def advance(self, event: Event) -> bool:
        """Change the state by TRANSITIONS; return whether the event matters in this state."""
        target = TRANSITIONS[self.state].get(event)
        if target is None:
            return False
        self.state = target
        return True

    def page_read(self, page: Page) -> bool:
        """Send a page, after `open` if it is the first one, or if a gap is found; return whether
        one was."""
        outbox = self.session.outbox
        # An unknown cursor is as bad as it gets.
        is_gap = page.gap not in (None, self.gap) and self.gap is not Gap.UNKNOWN
        if is_gap or not self.is_open:
            outbox.send_control(_OPEN[page.gap])
            self.is_open, self.gap = True, page.gap
        for item in page.items:
            message = pack_item(item.id, item.cursor.pack(), item.payload)
            if outbox.deliver([message]) is Room.FULL:
                self.advance(Event.PAGE)
                return is_gap
            self.cursor = item.cursor
        self.cursor = page.cursor
        if page.is_end:
            packed = None if page.cursor is None else page.cursor.pack()
            outbox.send_control(MailboxState(control.State.LIVE, cursor=packed).encode())
            self.gap = None
        self.advance(Event.LAST_PAGE if page.is_end else Event.PAGE)
        return is_gap

    def item_stored(self, messages: list[bytes], cursor: Cursor, is_pressed: bool) -> bool:
        """Send a stored item of another device, in a list that all receivers share; return whether
        it was sent.

        It is not queued if the device's queue is full or, while memory is short, not empty enough
        to take it at once. The device then reads it from the store later.
        """
        if self.state is not _LIVE:
            return False
        if is_pressed and not self.session.outbox.is_clear:
            self.advance(Event.HIGH)
            return False
        room = self.session.outbox.deliver(messages, True)
        if room is not Room.FULL:
            self.cursor = cursor
        if room is not Room.OPEN:
            self.advance(Event.HIGH)
        return room is not Room.FULL

    def put_stored(self, id: int, item_id: bytes, cursor: Cursor, is_new: bool) -> None:
        """Answer a PUT of this device. The item itself comes in the stream unless it is live."""
        in_stream = is_new and self.state is _LIVE
        if in_stream:
            self.cursor = cursor
        self.answer(
            pack_stored(self.session.number, id, item_id, cursor.pack() if in_stream else NO_CURSOR)
        )

    def put_refused(self, id: int, reason: PutReason) -> None:
        """Answer a PUT of this device with a NACK."""
        self.answer(pack_put_nack(self.session.number, id, reason))

    def answer(self, message: bytes) -> None:
        """Send a STORED or a NACK, for which there is room even in a full queue."""
        if self.session.outbox.send_answer(message):
            self.session.queue_full()

    def store_away(self) -> None:
        """Say that the store is away."""
        if self.advance(Event.AWAY):
            self.is_open, self.gap = False, None
            self.session.outbox.send_control(_STORE_AWAY)
