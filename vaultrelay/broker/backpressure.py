"""Backpressure: which devices are read while the memory for messages is nearly full.

Nothing happens here before the ledger is pressed. From then on a connection reports each read, and
is paused if its channel or network holds more than its share. One that is in the middle of a
message reserves the rest of it, so that a message that has begun to come can end; if there is no
room for that, it waits for its turn. Those that wait are resumed in order when memory is freed.
"""

from collections import OrderedDict
from collections.abc import Collection
from itertools import islice

from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.pressed_reader import PressedReader, largest_first, measure
from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import (
    CHECKED_AT_ONCE,
    PRESSURE_TICK_SECONDS,
    PROGRESS_BYTES,
    RESUMED_AT_ONCE,
    SHARES_SECONDS,
    STALLED_RESERVATIONS,
    STANDSTILL_MEMORY_SECONDS,
)
from vaultrelay.policy.memory_shares import MemoryShares


class Backpressure:
    """The order in which connections are read while memory is short.

    `connections` are all of the relay.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, connections: Collection[PressedReader]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._connections = connections
        self._above: OrderedDict[PressedReader, None] = OrderedDict()
        """Those above a share; and of a full relay, those within a frame of unknown size."""
        self._queued: OrderedDict[PressedReader, None] = OrderedDict()
        """Those that wait for a reservation."""
        self._reserved: dict[PressedReader, int] = {}
        """With a reservation: the bytes that were missing at the last tick."""
        self._stalls: dict[PressedReader, int] = {}
        """How often the reservation of a message was taken back without progress."""
        self._unchecked: list[PressedReader] = []
        self._unresumed = 0
        """Those of `_above` to be looked at since memory was freed."""
        self._shares: tuple[float, MemoryShares] | None = None
        self._freed_at = 0.0
        self._resume_call: Timer | None = None
        self._tick_call: Timer | None = None
        ledger.on_full = self._start

    @property
    def waiting(self) -> int:
        """Return the number of connections that are not read for want of memory."""
        return len(self._above) + len(self._queued)

    def check(self, reader: PressedReader) -> None:
        """Decide after a read whether the connection may be read further."""
        if self._ledger.is_over:
            self._relieve()
        self._start()
        self._check(reader)

    def forget(self, reader: PressedReader) -> None:
        """Drop a closed connection."""
        self._above.pop(reader, None)
        self._queued.pop(reader, None)
        self._reserved.pop(reader, None)
        self._stalls.pop(reader, None)

    def _start(self) -> None:
        if self._tick_call is None:
            self._freed_at = self._clock.seconds()
            self._tick_call = self._clock.callLater(0, self._tick)

    def _check(self, reader: PressedReader) -> None:
        gate = reader.gate
        if gate is None or reader.is_reserved or reader in self._above or reader in self._queued:
            return
        if self._must_pause(reader):
            self._pause(reader, gate, self._above)
        elif not self._may_go_on(reader):
            self._pause(reader, gate, self._queued)

    def _pause(
        self, reader: PressedReader, gate: ReadGate, where: OrderedDict[PressedReader, None]
    ) -> None:
        where[reader] = None
        gate.add_reason(self)
        self._ledger.call_when_freed(self._memory_freed)
        self._prune()
        if not self._reserved:
            self._resume_soon()

    def _must_pause(self, reader: PressedReader) -> bool:
        """Return whether a connection must wait until less is held, by its groups or in all."""
        if self._is_over_share(reader):
            return True
        is_full = not self._ledger.read_bytes
        return is_full and not reader.missing_bytes and reader.partial_bytes is not None

    def _may_go_on(self, reader: PressedReader, *, is_first: bool = False) -> bool:
        """Return whether a connection has no message begun, or now a reservation for its rest."""
        missing = reader.missing_bytes
        if not missing:
            return True
        # Those that came before wait for the same memory.
        return (is_first or not self._queued) and self._reserve(reader, missing)

    def _reserve(self, reader: PressedReader, missing: int) -> bool:
        if not self._ledger.has_room(missing):
            self._prune()
            if self._reserved or not self._ledger.has_room(missing, is_only=True):
                return False
        self._reserved[reader] = missing
        reader.reserve()
        return True

    def _is_over_share(self, reader: PressedReader) -> bool:
        now = self._clock.seconds()
        seconds = SHARES_SECONDS * max(1, len(self._connections) / 1000)
        if self._shares is None or now - self._shares[0] > seconds:
            self._shares = now, measure(self._connections, self._ledger.full)
        holding = reader.holding
        return self._shares[1].is_over(holding.channel, holding.budgets)

    def _memory_freed(self) -> None:
        # Called in the middle of a change of the ledger, and for many at once.
        self._freed_at = self._clock.seconds()
        self._resume_soon()

    def _resume_soon(self) -> None:
        self._unresumed = len(self._above)
        if self._resume_call is None:
            self._resume_call = self._clock.callLater(0, self._resume)

    def _resume(self) -> None:
        """Resume those that may be read again, in order."""
        self._resume_call = None
        self._prune()
        self._resume_queued()
        self._resume_above()
        if not self.waiting:
            return
        self._ledger.call_when_freed(self._memory_freed)
        if not self._ledger.is_pressed:
            self._resume_soon()
        elif self._unresumed > 0:
            self._resume_call = self._clock.callLater(0, self._resume)

    def _resume_queued(self) -> None:
        for reader in list(islice(self._queued, RESUMED_AT_ONCE)):
            if not self._ledger.is_pressed:
                self._read_again(reader)
            elif self._is_over_share(reader) and self._reserved:
                del self._queued[reader]
                self._above[reader] = None
            elif self._may_go_on(reader, is_first=True):
                self._read_again(reader)
            else:
                # No other overtakes: a large message would never have its turn.
                return

    def _resume_above(self) -> None:
        self._unresumed -= RESUMED_AT_ONCE
        for reader in list(islice(self._above, RESUMED_AT_ONCE)):
            if not self._ledger.is_pressed:
                self._read_again(reader)
            elif self._must_pause(reader):
                # One message of those above their shares can always end.
                if reader.missing_bytes and not (self._reserved or self._queued):
                    self._read_reserved(reader)
                else:
                    self._above.move_to_end(reader)
            elif self._may_go_on(reader):
                self._read_again(reader)
            else:
                del self._above[reader]
                self._queued[reader] = None

    def _read_reserved(self, reader: PressedReader) -> None:
        if self._reserve(reader, reader.missing_bytes):
            self._read_again(reader)
        else:
            self._above.move_to_end(reader)

    def _read_again(self, reader: PressedReader) -> None:
        self._above.pop(reader, None)
        self._queued.pop(reader, None)
        if reader.gate is not None:
            reader.gate.remove_reason(self)

    def _prune(self) -> None:
        """Forget reservations that were used."""
        for reader in [each for each in self._reserved if not each.is_reserved]:
            del self._reserved[reader]

    def _tick(self) -> None:
        """Look at all connections, and see to it that some go on."""
        self._tick_call = None
        self._prune()
        self._take_back()
        if self._ledger.is_over:
            self._relieve()
        elif self._stands_still():
            for reader in largest_first(self._connections, self._ledger.full):
                reader.relieve()
                break
        if not self._ledger.read_bytes:
            for each in self._connections:
                # What a full relay does not read counts as read: a pong may be in it.
                each.received_since_tick = True
        if self._ledger.is_pressed and not self._unchecked:
            self._unchecked = list(self._connections)
            self._check_more()
        if self.waiting:
            self._resume_soon()
        if self.waiting or self._reserved or self._ledger.is_pressed:
            self._tick_call = self._clock.callLater(PRESSURE_TICK_SECONDS, self._tick)

    def _take_back(self) -> None:
        """Take back the reservations of messages that do not go on, and let others have them."""
        for reader, before in tuple(self._reserved.items()):
            missing = reader.missing_bytes
            self._reserved[reader] = missing
            if before - missing >= min(PROGRESS_BYTES, before):
                self._stalls.pop(reader, None)
            elif self.waiting:
                self._take_back_one(reader)

    def _take_back_one(self, reader: PressedReader) -> None:
        del self._reserved[reader]
        reader.unreserve()
        stalls = self._stalls[reader] = self._stalls.get(reader, 0) + 1
        if stalls >= STALLED_RESERVATIONS:
            # While it waits, it has no deadline for the message.
            reader.relieve()
        elif reader.gate is not None:
            self._pause(reader, reader.gate, self._above)

    def _stands_still(self) -> bool:
        """Return whether nothing was freed for long though connections wait for it."""
        if not self.waiting or not self._ledger.is_pressed or self._reserved:
            self._freed_at = max(self._freed_at, self._clock.seconds() - PRESSURE_TICK_SECONDS)
            return False
        return self._clock.seconds() - self._freed_at >= STANDSTILL_MEMORY_SECONDS

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

    def _relieve(self) -> None:
        """Close connections until the ledger is within its limit."""
        for reader in largest_first(self._connections, self._ledger.full):
            if not self._ledger.is_over:
                return
            reader.relieve()
