"""Backpressure: which devices are read while the memory for messages is nearly full.

Nothing happens before the ledger is pressed; from then on each read of a connection is checked.
A connection is paused while its channel or network holds more than a share, counting the rest of
its message. In the middle of a message it reserves the rest, or waits in order until there is room.
In addition one message at a time may end in the last part of the memory: that of the connection
that waits longest, or of the smallest group. The reservation of a stalled message goes to others.
"""

from collections import OrderedDict
from collections.abc import Collection
from functools import partial
from itertools import islice
from math import inf

from vaultrelay.broker.current_shares import CurrentShares, measure
from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.pressed_reader import (
    PressedReader,
    gate_of,
    holding_of,
    is_reserved,
    missing_bytes,
)
from vaultrelay.broker.relief import close_largest, close_late, relieve
from vaultrelay.broker.reservations import Reservations
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import pressure
from vaultrelay.policy.limits.memory import UNFINISHED_SECONDS


class Backpressure:
    """The order in which `connections`, all of the relay, are read while memory is short."""

    def __init__(
        self, ledger: Ledger, clock: Clock, connections: Collection[PressedReader]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._connections = connections
        self._above: dict[PressedReader, float] = {}
        """Paused since a moment: a group of theirs is above its share, or the relay is full and
        they are within a frame of unknown size."""
        self._waiting: OrderedDict[PressedReader, float] = OrderedDict()
        """Paused since a moment, until there is room for their messages: the first is next."""
        self._reserved = Reservations()
        self._unchecked: list[PressedReader] = []
        self.shares = CurrentShares(partial(measure, connections, ledger), clock, connections)
        self._reviewed_at = -inf
        self._begun: list[PressedReader] = []
        """Of those above, the ones within a message at the last look: the last has least shares."""
        self._had_room_at = 0.0
        """When the relay was not full: what a ping frees now and then is no room."""
        self._resume_call: Timer | None = None
        self._tick_call: Timer | None = None
        self.waits = 0
        """How often a connection began to wait."""
        ledger.on_full = self._start

    @property
    def waiting(self) -> int:
        """Return the number of connections that are not read for want of memory."""
        return len(self._above) + len(self._waiting)

    @property
    def _is_short(self) -> bool:
        """Whether any connection waits: in a full relay also those without a message."""
        return self.waiting > 0 or not self._ledger.read_bytes

    def check(self, reader: PressedReader) -> None:
        """Decide after a read whether the connection may be read further."""
        relieve(self._connections, self._ledger)
        self._start()
        self._check(reader)

    def forget(self, reader: PressedReader) -> None:
        """Drop a closed connection."""
        self._above.pop(reader, None)
        self._waiting.pop(reader, None)
        self._reserved.forget(reader)

    def _start(self) -> None:
        if self._tick_call is None:
            self._reserved.forget_failures()
            self._had_room_at = self._clock.seconds()
            self._tick_call = self._clock.callLater(0, self._tick)

    def _check(self, reader: PressedReader) -> None:
        gate = gate_of(reader)
        if gate is None or is_reserved(reader) or reader in self._above or reader in self._waiting:
            return
        missing, first = missing_bytes(reader), next(map(missing_bytes, self._waiting), 0)
        if self._must_pause(reader, missing):
            queue = self._above
        elif missing and not self._ledger.has_room(max(missing, first)):
            # None overtakes one that lacks room: a large message would never have its turn.
            queue = self._waiting
        else:
            self._reserve(reader, missing)
            return
        queue[reader] = self._clock.seconds()
        self.waits += 1
        gate.add_reason(self)
        self._resume_later(self.shares.seconds)

    def _must_pause(self, reader: PressedReader, missing: int) -> bool:
        if self.shares.now().is_over(holding_of(reader), missing):
            return True
        return not (self._ledger.read_bytes or missing) and reader.partial_bytes is not None

    def _reserve(self, reader: PressedReader, missing: int) -> None:
        if missing:
            self._reserved.add(reader)
            # Many may reserve before the shares are measured again.
            self.shares.now().add(holding_of(reader), missing)

    def _memory_freed(self) -> None:
        # Called in the middle of a change of the ledger, and for many at once.
        self._note_room()
        if self._resume_call is not None:
            self._resume_call.cancel()
        self._resume_call = self._clock.callLater(0, self._resume)

    def _note_room(self) -> None:
        if self._ledger.read_bytes:
            self._had_room_at = self._clock.seconds()

    def _resume_later(self, seconds: float) -> None:
        """Look again at those that wait: when memory is freed, or shares have changed."""
        self._ledger.call_when_freed(self._memory_freed)
        if self._resume_call is None:
            self._resume_call = self._clock.callLater(seconds, self._resume)

    def _resume(self) -> None:
        """Resume those that may be read again, in order."""
        self._resume_call = None
        self._note_room()
        now = self._clock.seconds()
        if not self._ledger.is_pressed or now - self._reviewed_at >= self.shares.seconds:
            self._reviewed_at = now
            self._review()
        has_more = self._resume_waiting()
        if self._ledger.is_pressed and not self._reserved.has_last:
            self._reserve_last()
        if self._is_short:
            self._resume_later(0 if has_more else self.shares.seconds)

    def _review(self) -> None:
        """Look at all that are above their shares."""
        is_pressed, shares = self._ledger.is_pressed, self.shares.now()
        begun: list[PressedReader] = []
        for reader, since in tuple(self._above.items()):
            missing = missing_bytes(reader)
            if not is_pressed or not self._must_pause(reader, missing):
                del self._above[reader]
                self._waiting[reader] = since
                if not missing:
                    # It needs no room.
                    self._waiting.move_to_end(reader, last=False)
            elif missing:
                begun.append(reader)
        begun.sort(key=lambda each: shares.most_shares(holding_of(each)), reverse=True)
        self._begun = begun

    def _resume_waiting(self) -> bool:
        """Resume the first ones; return whether the next ones can be looked at, too."""
        for reader, since in tuple(islice(self._waiting.items(), pressure.RESUMED_AT_ONCE)):
            is_pressed = self._ledger.is_pressed
            missing = missing_bytes(reader) if is_pressed else 0
            if is_pressed and self._must_pause(reader, missing):
                del self._waiting[reader]
                self._above[reader] = since
            elif missing and not self._ledger.has_room(missing):
                return False
            else:
                self._read_again(reader, missing)
        return bool(self._waiting)

    def _reserve_last(self) -> None:
        """Let one message end in the room that the ledger keeps for it, so that messages above a
        share end, too: of the connection that waits longest, or is of the smallest group."""
        begun = self._begun
        while begun and (begun[-1] not in self._above or not missing_bytes(begun[-1])):
            begun.pop()
        first = begun[-1] if begun else None
        if self._waiting:
            oldest = next(iter(self._waiting))
            if first is None or self._waiting[oldest] < self._above[first]:
                first = oldest
        if first is not None and self._ledger.has_room(missing_bytes(first), is_last=True):
            self._reserved.last = first
            self._read_again(first, missing_bytes(first))

    def _read_again(self, reader: PressedReader, missing: int) -> None:
        self._above.pop(reader, None)
        self._waiting.pop(reader, None)
        self._reserve(reader, missing)
        gate = gate_of(reader)
        if gate is not None:
            gate.remove_reason(self)

    def _tick(self) -> None:
        """Look at all connections, and see to it that some go on."""
        # First: a change of a full ledger would start another one.
        self._tick_call = self._clock.callLater(pressure.PRESSURE_TICK_SECONDS, self._tick)
        self._note_room()
        self._reserved.prune()
        relieve(self._connections, self._ledger)
        if self._is_short and self._ledger.is_pressed:
            self._close_stuck(self._clock.seconds())
        if not self._ledger.read_bytes:
            self._resume_later(self.shares.seconds)
            for each in self._connections:
                # What a full relay does not read counts as read: a pong may be in it.
                each.received_since_tick = True
        if self._ledger.is_pressed and not self._unchecked:
            self._unchecked = list(self._connections)
            self._check_more()
        if not (self.waiting or self._reserved or self._ledger.is_pressed):
            self._tick_call.cancel()
            self._tick_call = None

    def _close_stuck(self, now: float) -> None:
        """Close devices that wait in the middle of a message, of groups far above their shares; the
        one that holds most, if the relay is full without a break; and those that do not use their
        reservations, which are taken back."""
        earliest = now - UNFINISHED_SECONDS
        failed = self._reserved.failed_before(earliest)
        late = (each for each, since in self._above.items() if since <= earliest or each in failed)
        close_late((each for each in late if each.partial), self.shares.now())
        if now - self._had_room_at >= UNFINISHED_SECONDS:
            close_largest(self._connections, self._ledger)
        for each in self._reserved.take_back(now):
            if self._reserved.is_given_up(each):
                each.relieve()
            else:
                self._check(each)

    def _check_more(self) -> None:
        """Pause all above their shares before their next read, and let messages that began before
        the pressure have a reservation; a part in each turn of the reactor."""
        if not self._ledger.is_pressed:
            self._unchecked.clear()
        for each in self._unchecked[-pressure.CHECKED_AT_ONCE :]:
            self._check(each)
        del self._unchecked[-pressure.CHECKED_AT_ONCE :]
        if self._unchecked:
            self._clock.callLater(0, self._check_more)
