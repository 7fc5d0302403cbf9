"""Puts: the PUTs of devices, from their checks to their answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from math import inf

from vaultrelay.broker.outbox import Clock
from vaultrelay.mailbox.counters import MailboxCounters
from vaultrelay.mailbox.device_stream import DeviceStream, State
from vaultrelay.mailbox.interfaces import Gathering, Payers, StoreThread
from vaultrelay.mailbox.mail_memory import MailMemory
from vaultrelay.policy.limits.mailbox import ROOM_SECONDS, ROOMS_AT_ONCE
from vaultrelay.store.store import Cursor, Put, Refused, Stored
from vaultrelay.wire import mailbox as wire
from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.control import mailbox as control
from vaultrelay.wire.control.mailbox import MailboxState
from vaultrelay.wire.mailbox import PutReason

_ROOM = MailboxState(control.State.ROOM).encode()
_ROOM_SECONDS = {
    PutReason.BUSY: 0,
    PutReason.FULL: ROOM_SECONDS,
    PutReason.AWAY: ROOM_SECONDS,
}
"""After which a device may try again, by the reason of its refusal. Room in a full store comes with
an erase, or with time."""


class Puts:
    """Gives PUTs to the clerk, and answers each with STORED or a NACK.

    `channels` are the streams of devices by channel. `on_high` is called with a live one
    that is behind: its queue is high. While `is_away` nothing is stored.
    """

    def __init__(
        self,
        clerk: StoreThread,
        channels: Mapping[bytes, Sequence[DeviceStream]],
        on_high: Callable[[DeviceStream], None],
        *,
        clock: Clock,
        memory: MailMemory,
        gathering: Gathering,
        payers: Payers,
        counters: MailboxCounters,
        limits: MailboxLimits,
    ) -> None:
        self.limits = limits
        self.is_away = False
        self._clerk = clerk
        self._channels = channels
        self._on_high = on_high
        self._clock = clock
        self._memory = memory
        self._gathering = gathering
        self._payers = payers
        self._counters = counters
        self._refused: dict[DeviceStream, None] = {}
        """Those whose PUTs may be stored later, in order."""

    def receive(self, stream: DeviceStream, put: wire.Put, size: int) -> None:
        """Store a PUT of `size` bytes, or refuse it."""
        reason = self._refusal(stream, put, size)
        if reason is not None:
            self._refuse(stream, put.id, reason)

    def forget(self, stream: DeviceStream) -> None:
        """Drop a closed stream."""
        self._refused.pop(stream, None)

    def allow_room(self, stream: DeviceStream) -> None:
        """Make a device whose PUT was refused eligible for the next `announce_room`."""
        if stream in self._refused:
            stream.room_at = 0

    def announce_room(self) -> None:
        """Send `room` to the first devices that may try again, to few at once.

        While many PUTs wait, most would be refused again. Then only devices get it that were
        refused more than ROOM_SECONDS ago, or whose groups have room for a whole window.
        """
        if self.is_away:
            return
        now = self._clock.seconds()
        ready = (
            each for each in self._refused if each.room_at <= now and self._has_room(each, now)
        )
        for stream in list(islice(ready, ROOMS_AT_ONCE)):
            del self._refused[stream]
            stream.room_at = inf
            stream.session.outbox.send_control(_ROOM)

    def _has_room(self, stream: DeviceStream, now: float) -> bool:
        if stream.unanswered or self._memory.is_short(stream, self.limits.item_bytes):
            return False
        return (
            self._memory.has_few_puts
            or now - stream.room_at >= ROOM_SECONDS
            or not self._memory.is_over_put_share(stream, self.limits.window_bytes)
        )

    def _refusal(self, stream: DeviceStream, put: wire.Put, size: int) -> PutReason | None:
        """Give a PUT to the clerk, or return why not."""
        if len(put.payload) > self.limits.item_bytes:
            return PutReason.TOO_BIG
        if self.is_away:
            return PutReason.AWAY
        is_over = stream.unanswered and stream.unanswered + size > self.limits.window_bytes
        if is_over or not self._memory.may_put(stream, size):
            return PutReason.BUSY
        item = Put(
            stream.channel,
            put.item_id,
            put.payload,
            key=None if put.key == wire.NO_KEY else put.key,
            ttl=put.ttl,
            payer=self._payers.payer(stream.session),
        )
        if not self._payers.charge(stream.session, item.cost):
            return PutReason.RATE
        if not self._clerk.put(item, partial(self._put_done, stream, put.id, item, size)):
            self._payers.charge(stream.session, -item.cost)
            return PutReason.BUSY
        self._memory.hold_put(stream, size)
        return None

    def _put_done(
        self, stream: DeviceStream, id: int, put: Put, size: int, result: Stored | Refused
    ) -> None:
        self._memory.release_put(stream, size)
        if isinstance(result, Refused) or not result.is_new:
            self._payers.charge(stream.session, -put.cost)
        if isinstance(result, Refused):
            self._refuse(stream, id, result.reason)
        else:
            self._counters.puts["stored" if result.is_new else "again"] += 1
            if result.is_new:
                self._send_item(stream, put, result.cursor)
            stream.put_stored(id, put.id, result.cursor, result.is_new)
        if not stream.unanswered and self._memory.has_few_puts and not self._memory.is_pressed:
            # Otherwise most refused devices are short of memory, and checking all takes long.
            self.announce_room()

    def _send_item(self, sender: DeviceStream, put: Put, cursor: Cursor) -> None:
        live = [
            each
            for each in self._channels.get(put.channel, ())
            if each is not sender and each.state is State.LIVE
        ]
        if not live:
            return
        messages = [wire.pack_item(put.id, cursor.pack(), put.payload)]
        is_pressed = self._memory.is_pressed
        self._gathering.begin()
        try:
            sent = [each.item_stored(messages, cursor, is_pressed) for each in live]
        finally:
            self._gathering.end(None)
        self._counters.delivered_live += sum(sent)
        for each in live:
            if each.state is not State.LIVE:
                self._on_high(each)

    def _refuse(self, stream: DeviceStream, id: int, reason: PutReason) -> None:
        self._counters.puts[reason.name.lower()] += 1
        stream.put_refused(id, reason)
        wait = _ROOM_SECONDS.get(reason)
        if wait is not None and stream.state is not State.CLOSED:
            stream.room_at = min(stream.room_at, self._clock.seconds() + wait)
            self._refused[stream] = None
