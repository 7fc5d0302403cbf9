"""Backpressure: which devices are read while the memory for messages is nearly full.

Nothing happens before the ledger is pressed; from then on each read of a connection is checked.
One whose channel or network holds more than its share, with the rest of its message, is paused
until it holds less. One in the middle of a message reserves the rest of it, or waits in order until
there is room. Beside these, one message at a time may end in the last part of the memory: of the
connection that waits longest, or of the smallest group. A reservation of a message that does not go
on is given to others.
"""

from collections.abc import Collection
from itertools import islice

from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.pressed_reader import (
    PressedReader,
    close_largest,
    gate_of,
    holding_of,
    is_reserved,
    largest_first,
    measure,
    missing_bytes,
)
from vaultrelay.broker.reservations import Reservations
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import UNFINISHED_SECONDS
from vaultrelay.policy.limits.pressure import (
    CHECKED_AT_ONCE,
    PRESSURE_TICK_SECONDS,
    RESUMED_AT_ONCE,
    SHARES_SECONDS,
    STUCK_SHARES,
)
from vaultrelay.policy.memory_shares import MemoryShares


class Backpressure:
    """The order in which the connections of a relay are read while memory is short."""

    def __init__(
        self, ledger: Ledger, clock: Clock, connections: Collection[PressedReader]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._connections = connections
        self._above: dict[PressedReader, float] = {}
        """Paused since a moment: a group of theirs is above its share, or the relay is full and
        they are within a frame of unknown size."""
        self._waiting: dict[PressedReader, float] = {}
        """Paused since a moment, until there is room for their messages: the first is next."""
        self._reserved = Reservations()
        self._unchecked: list[PressedReader] = []
        self._shares = MemoryShares((), 0)
        self._measured_at = self._reviewed_at = self._freed_at = float("-inf")
        self._resume_call: Timer | None = None
        self._tick_call: Timer | None = None
        self.waits = 0
        """How often a connection began to wait."""
        ledger.on_full = self._start

    @property
    def waiting(self) -> int:
        """Return the number of connections that are not read for want of memory."""
        return len(self._above) + len(self._waiting)

    def check(self, reader: PressedReader) -> None:
        """Decide after a read whether the connection may be read further."""
        if self._ledger.is_over:
            close_largest(self._connections, self._ledger)
        self._start()
        self._check(reader)

    def forget(self, reader: PressedReader) -> None:
        """Drop a closed connection."""
        self._above.pop(reader, None)
        self._waiting.pop(reader, None)
        self._reserved.forget(reader)

    def _start(self) -> None:
        if self._tick_call is None:
            self._freed_at = self._clock.seconds()
            self._tick_call = self._clock.callLater(0, self._tick)

    def _check(self, reader: PressedReader) -> None:
        gate = gate_of(reader)
        if gate is None or is_reserved(reader) or reader in self._above or reader in self._waiting:
            return
        missing = missing_bytes(reader)
        if self._must_pause(reader, missing):
            queue = self._above
        elif missing and (self._is_first_blocked() or not self._ledger.has_room(missing)):
            # None overtakes one that lacks room: a large message would never have its turn.
            queue = self._waiting
        else:
            self._reserve(reader, missing)
            return
        queue[reader] = self._clock.seconds()
        self.waits += 1
        gate.add_reason(self)
        if self.waiting == 1:
            self._freed_at = self._clock.seconds()
            self._resume_later()

    def _is_first_blocked(self) -> bool:
        """Return whether the first that waits has no room."""
        first = next(iter(self._waiting), None)
        return first is not None and not self._ledger.has_room(missing_bytes(first))

    def _must_pause(self, reader: PressedReader, missing: int) -> bool:
        if self._current_shares().is_over(holding_of(reader), missing):
            return True
        is_full = not self._ledger.read_bytes
        return is_full and not missing and reader.partial_bytes is not None

    def _reserve(self, reader: PressedReader, missing: int) -> None:
        if missing:
            self._reserved.add(reader)
            # Many may reserve before the shares are measured again.
            self._current_shares().add(holding_of(reader), missing)

    def _current_shares(self) -> MemoryShares:
        now = self._clock.seconds()
        if now - self._measured_at > self._shares_seconds():
            self._measured_at = now
            self._shares = measure(self._connections, self._ledger)
        return self._shares

    def _shares_seconds(self) -> float:
        return SHARES_SECONDS * max(1, len(self._connections) / 1000)

    def _memory_freed(self) -> None:
        # Called in the middle of a change of the ledger, and for many at once.
        self._freed_at = self._clock.seconds()
        if self._resume_call is not None:
            self._resume_call.cancel()
        self._resume_call = self._clock.callLater(0, self._resume)

    def _resume_later(self) -> None:
        """Look again at those that wait: when memory is freed, and when shares have changed; in
        the next turn of the reactor while some were not looked at."""
        self._ledger.call_when_freed(self._memory_freed)
        if self._resume_call is None:
            is_done = not self._waiting or self._is_first_blocked()
            delay = self._shares_seconds() if is_done else 0
            self._resume_call = self._clock.callLater(delay, self._resume)

    def _resume(self) -> None:
        """Resume those that may be read again, in order."""
        self._resume_call = None
        self._reserved.prune()
        now = self._clock.seconds()
        is_pressed = self._ledger.is_pressed
        if not is_pressed or now - self._reviewed_at >= self._shares_seconds():
            self._reviewed_at = now
            for reader, since in tuple(self._above.items()):
                if not is_pressed or not self._must_pause(reader, missing_bytes(reader)):
                    del self._above[reader]
                    self._waiting[reader] = since
        self._resume_waiting()
        if self._ledger.is_pressed and self._reserved.last is None:
            self._reserve_last()
        if self.waiting:
            self._resume_later()

    def _resume_waiting(self) -> None:
        for reader, since in tuple(islice(self._waiting.items(), RESUMED_AT_ONCE)):
            is_pressed = self._ledger.is_pressed
            missing = missing_bytes(reader) if is_pressed else 0
            if is_pressed and self._must_pause(reader, missing):
                del self._waiting[reader]
                self._above[reader] = since
            elif missing and not self._ledger.has_room(missing):
                return
            else:
                self._read_again(reader, missing)

    def _reserve_last(self) -> None:
        """Let one message end in the room that the ledger keeps for it, so that messages above a
        share end, too: of the connection that waits longest, or is of the smallest group."""
        shares = self._current_shares()
        begun = (reader for reader in self._above if missing_bytes(reader))
        first = min(begun, key=lambda each: shares.most_shares(holding_of(each)), default=None)
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
        self._tick_call = None
        self._reserved.prune()
        if self._ledger.is_over:
            close_largest(self._connections, self._ledger)
        freed_at = self._freed_at
        self._close_stuck()
        for each in self._reserved.take_back(self._clock.seconds()) if self.waiting else ():
            self._check(each)
        if self.waiting:
            # That was not freed by itself.
            self._freed_at = freed_at
        if not self._ledger.read_bytes:
            for each in self._connections:
                # What a full relay does not read counts as read: a pong may be in it.
                each.received_since_tick = True
        if self._ledger.is_pressed and not self._unchecked:
            self._unchecked = list(self._connections)
            self._check_more()
        if self.waiting or self._reserved or self._ledger.is_pressed:
            self._tick_call = self._clock.callLater(PRESSURE_TICK_SECONDS, self._tick)

    def _close_stuck(self) -> None:
        """Close devices that wait in the middle of a message, of groups far above their shares:
        nothing else would free what came of these. If nothing is freed at all, close the one that
        holds most of the largest group."""
        now = self._clock.seconds()
        if not self._ledger.is_pressed:
            return
        shares = self._current_shares()
        for reader, since in tuple(self._above.items()):
            is_late = now - self._reserved.failed_at.get(reader, since) >= UNFINISHED_SECONDS
            if is_late and reader.partial and shares.most_shares(holding_of(reader)) > STUCK_SHARES:
                reader.relieve()
        if self.waiting and now - self._freed_at >= UNFINISHED_SECONDS:
            for reader in islice(largest_first(self._connections, self._ledger), 1):
                reader.relieve()

    def _check_more(self) -> None:
        """Pause all above their shares before their next read, and let messages that began before
        the pressure have a reservation; a part in each turn of the reactor."""
        if not self._ledger.is_pressed:
            self._unchecked.clear()
        for each in self._unchecked[-CHECKED_AT_ONCE:]:
            self._check(each)
        del self._unchecked[-CHECKED_AT_ONCE:]
        if self._unchecked:
            self._clock.callLater(0, self._check_more)
