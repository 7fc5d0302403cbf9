"""Backpressure: which devices are read while the memory for messages is nearly full.

Nothing happens here before the ledger is pressed. From then on a connection reports each read, and
is paused if its channel or network holds more than its share. One that is in the middle of a
message reserves the rest of it, so that a message that has begun to come can end; if there is no
room for that, it waits for its turn. Those that wait are resumed in order when memory is freed.
"""

from collections import OrderedDict
from collections.abc import Collection
from operator import attrgetter
from typing import Protocol

from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import (
    PRESSURE_TICK_SECONDS,
    PROGRESS_BYTES,
    RESUMED_AT_ONCE,
    SHARES_SECONDS,
)
from vaultrelay.policy.memory_shares import Holding, MemoryShares, groups_of


class PressedReader(Protocol):
    """A connection, as its reading is controlled here."""

    received_since_tick: bool
    """See Outbox."""

    @property
    def gate(self) -> ReadGate | None:
        """The gate of its session; None before and after that."""

    @property
    def holding(self) -> Holding:
        """The bytes held for it."""

    @property
    def held_bytes(self) -> int:
        """Their sum."""

    @property
    def missing_bytes(self) -> int:
        """Bytes still to come of a message that has begun."""

    @property
    def is_reserved(self) -> bool:
        """Whether these are counted in the ledger."""

    def reserve(self) -> None:
        """Count the missing bytes, and read them even from a full relay."""

    def unreserve(self) -> None:
        """Undo that."""

    def relieve(self) -> None:
        """Close the device, or cut it off if that does not free enough."""


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
        self._waiting: OrderedDict[PressedReader, None] = OrderedDict()
        self._reserved: dict[PressedReader, int] = {}
        """With a reservation: the bytes that were missing at the last tick."""
        self._shares: tuple[float, MemoryShares] | None = None
        self._resume_call: Timer | None = None
        self._tick_call: Timer | None = None

    @property
    def waiting(self) -> int:
        """Return the number of connections that are not read for want of memory."""
        return len(self._waiting)

    def check(self, reader: PressedReader) -> None:
        """Decide after a read whether the connection may be read further."""
        if self._ledger.is_over:
            self._relieve()
        if self._tick_call is None:
            self._tick_call = self._clock.callLater(PRESSURE_TICK_SECONDS, self._tick)
            self._check_begun()
        self._check(reader)

    def forget(self, reader: PressedReader) -> None:
        """Drop a closed connection."""
        self._waiting.pop(reader, None)
        self._reserved.pop(reader, None)

    def _check(self, reader: PressedReader) -> None:
        gate = reader.gate
        if gate is None or reader.is_reserved or reader in self._waiting:
            return
        if self._must_wait(reader):
            self._waiting[reader] = None
            gate.add_reason(self)
            self._resume_when_freed()

    def _check_begun(self) -> None:
        """Let all messages that began before the pressure have a reservation, or wait for one."""
        for each in self._connections:
            if each.missing_bytes:
                self._check(each)

    def _must_wait(self, reader: PressedReader, *, is_first: bool = False) -> bool:
        """Return whether a connection waits: it is above a share, or has no reservation."""
        if self._is_over_share(reader):
            return True
        missing = reader.missing_bytes
        if not missing:
            return False
        if self._waiting and not is_first:
            # Those that came before wait for the same memory.
            return True
        return not self._reserve(reader, missing)

    def _reserve(self, reader: PressedReader, missing: int) -> bool:
        if not self._ledger.has_room(missing, is_only=not self._reserved):
            return False
        self._reserved[reader] = missing
        reader.reserve()
        return True

    def _is_over_share(self, reader: PressedReader) -> bool:
        now = self._clock.seconds()
        if self._shares is None or now - self._shares[0] > SHARES_SECONDS:
            holdings = (each.holding for each in self._connections)
            self._shares = now, MemoryShares(holdings, self._ledger.limit)
        holding = reader.holding
        return self._shares[1].is_over(holding.channel, holding.budgets)

    def _resume_when_freed(self) -> None:
        # Called once for many; it must not change the ledger in the middle of another change.
        self._ledger.call_when_freed(self._resume_soon)

    def _resume_soon(self) -> None:
        if self._resume_call is None:
            self._resume_call = self._clock.callLater(0, self._resume)

    def _resume(self) -> None:
        """Resume those that may be read again, in order. Those above a share go to the end."""
        self._resume_call = None
        self._prune()
        for reader in list(self._waiting)[:RESUMED_AT_ONCE]:
            if not self._ledger.is_pressed:
                self._read_again(reader)
            elif self._is_over_share(reader):
                self._waiting.move_to_end(reader)
            elif self._must_wait(reader, is_first=True):
                # Nobody overtakes: a large message would never have its turn.
                break
            else:
                self._read_again(reader)
        if self._waiting:
            self._resume_when_freed()
            if not self._ledger.is_pressed:
                self._resume_soon()

    def _read_again(self, reader: PressedReader) -> None:
        del self._waiting[reader]
        if reader.gate is not None:
            reader.gate.remove_reason(self)

    def _prune(self) -> None:
        """Forget reservations that were used."""
        for reader in [each for each in self._reserved if not each.is_reserved]:
            del self._reserved[reader]

    def _tick(self) -> None:
        """Take back the reservations of messages that do not go on, and let others have them."""
        self._tick_call = None
        self._prune()
        for reader, before in tuple(self._reserved.items()):
            missing = reader.missing_bytes
            self._reserved[reader] = missing
            if self._waiting and before - missing < min(PROGRESS_BYTES, before):
                del self._reserved[reader]
                reader.unreserve()
                self._check(reader)
        if not self._ledger.read_bytes:
            for each in self._connections:
                # What a full relay does not read counts as read: a pong may be in it.
                each.received_since_tick = True
            self._check_begun()
        if self._waiting:
            self._resume_soon()
        if self._waiting or self._reserved or self._ledger.is_pressed:
            self._tick_call = self._clock.callLater(PRESSURE_TICK_SECONDS, self._tick)

    def _relieve(self) -> None:
        """Close connections until the ledger is within its limit: of the group with most shares
        first, and of its connections the one that holds most."""
        shares = MemoryShares([each.holding for each in self._connections], self._ledger.limit)
        largest = sorted(self._connections, key=attrgetter("held_bytes"), reverse=True)
        # Each once: one that was cut off may hold something until its transport is gone.
        order = [*shares.by_excess(), None]
        closed: set[int] = set()
        for group in order:
            for reader in largest:
                if not self._ledger.is_over:
                    return
                holding = reader.holding
                is_member = group is None or group in groups_of(holding.channel, holding.budgets)
                if is_member and reader.held_bytes and id(reader) not in closed:
                    closed.add(id(reader))
                    reader.relieve()
