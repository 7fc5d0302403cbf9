"""MailboxStreams: the mailbox as the broker uses it, between devices and the clerk's thread."""

from collections.abc import Callable, Sequence
from functools import partial

from vaultrelay.broker.current_shares import CurrentShares
from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import Control
from vaultrelay.mailbox.counters import MailboxCounters
from vaultrelay.mailbox.device_stream import DeviceStream, Event, State
from vaultrelay.mailbox.interfaces import Gathering, Payers, StoreThread
from vaultrelay.mailbox.mail_memory import MailMemory
from vaultrelay.mailbox.page_turns import PageTurns
from vaultrelay.mailbox.puts import Puts
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.mailbox import PUT_SECONDS, PUTS_PER_TURN
from vaultrelay.store.store import Cursor, Page, Refused
from vaultrelay.wire import mailbox as wire
from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.control.mailbox import Erase, Erased, read_with_mailbox


class MailboxStreams:
    """The streams of all devices that have opened the mailbox.

    A PUT goes to the clerk and, when it is on the disk, as STORED to its sender and as ITEM to all
    live streams of its channel. The others read it from the store.

    `give_way` pauses a session until its turn of the core, and charges the seconds that it used.
    """

    def __init__(
        self,
        clerk: StoreThread,
        *,
        clock: Clock,
        ledger: Ledger,
        shares: CurrentShares,
        give_way: Callable[[Session, float], None],
        gathering: Gathering,
        payers: Payers,
        limits: MailboxLimits,
    ) -> None:
        self.counters = MailboxCounters()
        self._clerk = clerk
        self._gathering = gathering
        self._give_way = give_way
        self._streams: dict[Session, DeviceStream] = {}
        self._channels: dict[bytes, list[DeviceStream]] = {}
        self._memory = memory = MailMemory(ledger, shares, clock)
        self._puts = Puts(
            clerk,
            self._channels,
            self._go_on,
            clock=clock,
            memory=memory,
            gathering=gathering,
            payers=payers,
            counters=self.counters,
            limits=limits,
        )
        self._turns = PageTurns(clerk, clock, memory, self._page_read)

    # The broker calls these: Mailbox.

    @property
    def limits(self) -> MailboxLimits:
        return self._puts.limits

    def read_control(self, text: bytes) -> Control:
        return read_with_mailbox(text)

    def open(self, session: Session, cursor: bytes) -> None:
        if session.channel is None:
            return
        place = Cursor.read(cursor) if cursor else None
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
        receivers = len(self._channels[stream.channel]) - 1 or 1
        session.rates.charge_deliveries(receivers, receivers * len(message))
        self._puts.receive(stream, put, len(message))
        stream.puts += 1
        if stream.puts % PUTS_PER_TURN == 0:
            self._give_way(session, PUTS_PER_TURN * PUT_SECONDS)
        return True

    def control_received(self, session: Session, control: Control) -> bool:
        stream = self._streams.get(session)
        if stream is None or not isinstance(control, Erase):
            return False
        # One that is under way, and one after it for all that come meanwhile.
        upto = Cursor.read(control.cursor) if control.cursor else None
        stream.erases = (*stream.erases[:1], _furthest((*stream.erases[1:], upto)))
        if len(stream.erases) == 1:
            self._erase_next(stream)
        return True

    def close(self, session: Session) -> None:
        stream = self._streams.pop(session, None)
        if stream is None:
            return
        stream.advance(Event.CLOSE)
        self._turns.remove(stream)
        self._puts.forget(stream)
        others = self._channels[stream.channel]
        others.remove(stream)
        if not others:
            del self._channels[stream.channel]

    # The owner calls these.

    def configure(self, limits: MailboxLimits) -> None:
        """Apply other limits. A device is held to them, not to those that it was told."""
        self._puts.limits = limits

    def erase(self, channel: bytes, done: Callable[[Cursor | Refused | None], None]) -> bool:
        """Erase a channel for the operator; return False if too many jobs wait."""

        def erased(upto: Cursor | Refused | None) -> None:
            if isinstance(upto, Cursor):
                self._announce_erased(channel, upto)
            done(upto)

        return self._clerk.erase(channel, None, erased)

    def tick(self) -> None:
        """Announce room to devices that wait for it. To be called every second."""
        self._puts.announce_room()

    def store_left(self) -> None:
        """The store is away."""
        self._puts.is_away = True
        for stream in tuple(self._streams.values()):
            # One that reads learns it from its page: after this it might read a second one.
            if stream.state is not State.READING:
                stream.store_away()

    def store_returned(self) -> None:
        """The store can be read, and mostly takes PUTs."""
        self._puts.is_away = False
        for stream in tuple(self._streams.values()):
            self._puts.allow_room(stream)
            if stream.state is State.AWAY:
                self._read(stream)
        self._puts.announce_room()

    # Inside.

    def _go_on(self, stream: DeviceStream) -> None:
        """Read the next page for a stream that waits, once its device has taken the last one."""
        if stream.state is State.WAITING:
            go_on = partial(self._go_on, stream)
            if not stream.session.outbox.call_when_empty(go_on):
                self._read(stream)

    def _read(self, stream: DeviceStream) -> None:
        if stream.advance(Event.READ):
            self._turns.add(stream)

    def _page_read(self, stream: DeviceStream, page: Page | Refused) -> None:
        if isinstance(page, Refused):
            stream.store_away()
        elif stream.state is not State.CLOSED:
            self._send_page(stream, page)
            self._go_on(stream)

    def _send_page(self, stream: DeviceStream, page: Page) -> None:
        self.counters.delivered_replay += len(page.items)
        self._gathering.begin()
        try:
            if stream.page_read(page) and page.gap is not None:
                self.counters.gaps[page.gap] += 1
        finally:
            self._gathering.end(None)

    def _erase_next(self, stream: DeviceStream) -> None:
        done = partial(self._erased, stream)
        if not self._clerk.erase(stream.channel, stream.erases[0], done):
            # Too many wait: as if the place were unknown. The device may ask again.
            stream.erases = ()
            stream.session.outbox.send_control(Erased(None).encode())

    def _announce_erased(self, channel: bytes, upto: Cursor) -> None:
        erased = Erased(upto.pack()).encode()
        for each in tuple(self._channels.get(channel, ())):
            if each.state is not State.CLOSED:
                each.session.outbox.send_control(erased)
                self._puts.allow_room(each)
        self._puts.announce_room()

    def _erased(self, stream: DeviceStream, upto: Cursor | Refused | None) -> None:
        if isinstance(upto, Cursor):
            self._announce_erased(stream.channel, upto)
        elif stream.state is not State.CLOSED:
            stream.session.outbox.send_control(Erased(None).encode())
        stream.erases = stream.erases[1:]
        if stream.erases and stream.state is not State.CLOSED:
            self._erase_next(stream)


def _furthest(places: Sequence[Cursor | None]) -> Cursor | None:
    """Return the cursor of the last place, or None if one of them is None, the end of the log."""
    cursors = [each for each in places if each is not None]
    return max(cursors, key=lambda cursor: cursor.place) if len(cursors) == len(places) else None
