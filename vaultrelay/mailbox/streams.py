"""MailboxStreams: the mailbox as the broker uses it, between devices and the clerk's thread."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Protocol

from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.session import Session
from vaultrelay.mailbox.counters import MailboxCounters
from vaultrelay.mailbox.device_stream import DeviceStream, Event, State
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.mailbox import ROOM_SECONDS
from vaultrelay.store.store import Cursor, Page, Put, Refused, Stored
from vaultrelay.wire import mailbox as wire
from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.control import mailbox as control
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.mailbox import PutReason

_ROOM = MailboxState(control.State.ROOM).encode()
_ROOM_SECONDS = {
    PutReason.BUSY: 0,
    PutReason.FULL: ROOM_SECONDS,
    PutReason.AWAY: ROOM_SECONDS,
}
"""After which a device may try again, by the reason of its refusal. Room in a full store comes with
an erase, or with time."""


class StoreThread(Protocol):
    """The clerk, as it is used here. All results come later, in the order of the work."""

    def put(self, put: Put, done: Callable[[Stored | Refused], None]) -> bool:
        """Store an item; return False if too many wait."""

    def read(
        self, channel: bytes, cursor: Cursor | None, done: Callable[[Page | Refused], None]
    ) -> None:
        """Read a page; `page_sent` must follow each."""

    def page_sent(self) -> None:
        """Another page may be read."""

    def erase(
        self, channel: bytes, upto: Cursor | None, done: Callable[[Cursor | Refused | None], None]
    ) -> bool:
        """Delete items; return False if too many jobs wait."""


class Gathering(Protocol):
    """Gathers what is sent to many devices into one write for each."""

    def begin(self) -> None:
        """Gather until `end`."""

    def end(self, sender: None) -> None:
        """Send."""


class Payers(Protocol):
    """Who pays for what is stored."""

    def charge(self, session: Session, size: int) -> bool:
        """Charge bytes to the budget of a device; return whether that has room for them."""

    def payer(self, session: Session) -> bytes | None:
        """Return to whose share in the store the channel of a device counts."""


class MailboxStreams:
    """The streams of all devices that have opened the mailbox.

    A PUT goes to the clerk and, when it is on the disk, as STORED to its sender and as ITEM to all
    live streams of its channel. The others read it from the store.
    """

    def __init__(
        self,
        clerk: StoreThread,
        *,
        clock: Clock,
        ledger: Ledger,
        gathering: Gathering,
        payers: Payers,
        limits: MailboxLimits,
    ) -> None:
        self.limits = limits
        self.counters = MailboxCounters()
        self.is_away = False
        self._clerk = clerk
        self._clock = clock
        self._ledger = ledger
        self._gathering = gathering
        self._payers = payers
        self._streams: dict[Session, DeviceStream] = {}
        self._channels: dict[bytes, list[DeviceStream]] = {}
        self._starved: dict[DeviceStream, None] = {}
        """Those that wait for memory, in order."""

    # The broker calls these: Mailbox.

    def open(self, session: Session, cursor: bytes | None) -> None:
        if session.channel is None:
            return
        place = None if cursor is None else Cursor.read(cursor)
        self._streams[session] = stream = DeviceStream(session, session.channel.key, place)
        self._channels.setdefault(stream.channel, []).append(stream)
        self._go_on(stream)

    def put(self, session: Session, message: bytes) -> bool:
        stream = self._streams.get(session)
        if stream is None or not wire.is_put(message):
            return False
        put = wire.read_put(message, session.number)
        session.liveness.is_active = True
        session.messages_in += 1
        session.bytes_in += len(message)
        receivers = len(self._channels[stream.channel]) - 1
        session.rates.charge_message(receivers or 1, len(message))
        reason = self._refusal(stream, put, len(message))
        if reason is not None:
            self._refuse(stream, put.id, reason)
        return True

    def erase(self, session: Session, cursor: bytes | None) -> bool:
        stream = self._streams.get(session)
        if stream is None:
            return False
        # One that is under way, and the last one after it, which is up to the newest place.
        upto = None if cursor is None else Cursor.read(cursor)
        stream.erases = (*stream.erases[:1], upto)
        if len(stream.erases) == 1:
            self._erase_next(stream)
        return True

    def queue_empty(self, session: Session) -> None:
        stream = self._streams.get(session)
        if stream is not None:
            self._go_on(stream)

    def close(self, session: Session) -> None:
        stream = self._streams.pop(session, None)
        if stream is None:
            return
        stream.advance(Event.CLOSE)
        others = self._channels[stream.channel]
        others.remove(stream)
        if not others:
            del self._channels[stream.channel]

    # The owner calls these.

    def tick(self) -> None:
        """Announce room to devices that wait for it. To be called every second."""
        for stream in tuple(self._streams.values()):
            self._announce_room(stream)

    def store_left(self) -> None:
        """The store is away."""
        self.is_away = True
        for stream in tuple(self._streams.values()):
            stream.store_away()

    def store_returned(self) -> None:
        """The store is open."""
        self.is_away = False
        for stream in tuple(self._streams.values()):
            self._allow_room(stream)
            if stream.state is State.AWAY:
                self._read(stream)

    def room_returned(self) -> None:
        """The store takes PUTs again."""
        for stream in tuple(self._streams.values()):
            self._allow_room(stream)

    # Inside.

    def _refusal(self, stream: DeviceStream, put: wire.Put, size: int) -> PutReason | None:
        """Give a PUT to the clerk, or return why not."""
        if len(put.payload) > self.limits.item_bytes:
            return PutReason.TOO_BIG
        if self.is_away:
            return PutReason.AWAY
        is_over = stream.unanswered and stream.unanswered + size > self.limits.window_bytes
        if is_over or self._ledger.is_pressed:
            return PutReason.BUSY
        if not self._payers.charge(stream.session, len(put.payload)):
            return PutReason.RATE
        item = Put(
            stream.channel,
            put.item_id,
            put.payload,
            key=None if put.key == wire.NO_KEY else put.key,
            ttl=put.ttl,
            payer=self._payers.payer(stream.session),
        )
        if not self._clerk.put(item, partial(self._put_done, stream, put.id, item, size)):
            return PutReason.BUSY
        stream.unanswered += size
        self._ledger.add(size)
        return None

    def _put_done(
        self, stream: DeviceStream, id: int, put: Put, size: int, result: Stored | Refused
    ) -> None:
        stream.unanswered -= size
        self._ledger.add(-size)
        if isinstance(result, Refused):
            self._refuse(stream, id, PutReason(result.reason))
        else:
            self.counters.puts["stored" if result.is_new else "again"] += 1
            if result.is_new:
                self._send_item(stream, put, result.cursor)
            stream.put_stored(id, put.id, result.cursor, result.is_new)
        self._announce_room(stream)

    def _send_item(self, sender: DeviceStream, put: Put, cursor: Cursor) -> None:
        live = [
            each
            for each in self._channels.get(put.channel, ())
            if each is not sender and each.state is State.LIVE
        ]
        if not live:
            return
        message = wire.pack_item(put.id, cursor.pack(), put.payload)
        self.counters.delivered_live += len(live)
        self._gathering.begin()
        try:
            for each in live:
                each.item_stored(message, cursor)
        finally:
            self._gathering.end(None)

    def _refuse(self, stream: DeviceStream, id: int, reason: PutReason) -> None:
        self.counters.puts[reason.name.lower()] += 1
        stream.put_refused(id, reason)
        wait = _ROOM_SECONDS.get(reason)
        if wait is not None:
            stream.room_at = min(stream.room_at, self._clock.seconds() + wait)

    def _allow_room(self, stream: DeviceStream) -> None:
        """Let a device try again that was refused a PUT: there is room now."""
        if stream.room_at < inf:
            stream.room_at = 0
            self._announce_room(stream)

    def _announce_room(self, stream: DeviceStream) -> None:
        """Send `room` to a device that may try again."""
        if (
            stream.room_at < inf
            and not (self.is_away or self._ledger.is_pressed or stream.unanswered)
            and self._clock.seconds() >= stream.room_at
        ):
            stream.room_at = inf
            stream.session.outbox.send_control(_ROOM)

    def _go_on(self, stream: DeviceStream) -> None:
        """Read the next page for a stream that waits, once its device has taken the last one and
        there is memory."""
        if stream.state is not State.WAITING or not stream.session.outbox.is_empty:
            return
        if self._ledger.is_pressed:
            self._starved[stream] = None
            self._ledger.call_when_freed(self._memory_freed)
        else:
            self._read(stream)

    def _memory_freed(self) -> None:
        # Called in the middle of a change of the ledger.
        self._clock.callLater(0, self._feed_starved)

    def _feed_starved(self) -> None:
        starved, self._starved = self._starved, {}
        for stream in starved:
            self._go_on(stream)

    def _read(self, stream: DeviceStream) -> None:
        if stream.advance(Event.READ):
            self._clerk.read(stream.channel, stream.cursor, partial(self._page_read, stream))

    def _page_read(self, stream: DeviceStream, page: Page | Refused) -> None:
        if isinstance(page, Refused):
            stream.store_away()
            return
        try:
            if stream.state is not State.CLOSED:
                self._send_page(stream, page)
        finally:
            self._clerk.page_sent()
        self._go_on(stream)

    def _send_page(self, stream: DeviceStream, page: Page) -> None:
        if page.gap is not None:
            self.counters.gaps[page.gap] += 1
        self.counters.delivered_replay += len(page.items)
        self._gathering.begin()
        try:
            stream.page_read(page)
        finally:
            self._gathering.end(None)

    def _erase_next(self, stream: DeviceStream) -> None:
        done = partial(self._erased, stream)
        if not self._clerk.erase(stream.channel, stream.erases[0], done):
            # Too many wait: as if the place were unknown. The device may ask again.
            stream.erases = ()
            stream.session.outbox.send_control(Erased(None).encode())

    def _erased(self, stream: DeviceStream, upto: Cursor | Refused | None) -> None:
        is_done = isinstance(upto, Cursor)
        told = Erased(upto.pack() if isinstance(upto, Cursor) else None).encode()
        for each in tuple(self._channels.get(stream.channel, ())) if is_done else (stream,):
            if each.state is not State.CLOSED:
                each.session.outbox.send_control(told)
                if is_done:
                    self._allow_room(each)
        stream.erases = stream.erases[1:]
        if stream.erases and stream.state is not State.CLOSED:
            self._erase_next(stream)
