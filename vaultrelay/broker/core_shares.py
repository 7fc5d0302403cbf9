"""CoreShares: which devices are read while several networks want the core.

=========== ========================================== ===========================================
state       begins                                     reading
=========== ========================================== ===========================================
calm        without a long round of the hub for        as much as there is, from every device;
            BUSY_CORE_SECONDS                          nothing is measured
busy        with a long round                          each read is measured, and is a turn of
                                                       limited size
shared      with reads of a second network, while      short turns and small reads; devices of
            busy                                       networks above their share wait for theirs
=========== ========================================== ===========================================

A network below its share is never made to wait: its devices are read by the hub as they are ready.
"""

from collections.abc import Collection
from functools import partial
from math import inf
from typing import Protocol

from vaultrelay.broker.device_rates import OUT_OF_TURN, Spending
from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.reader_queue import Path, ReaderQueue
from vaultrelay.broker.session import Session
from vaultrelay.policy.budgets import charge_traffic
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits import (
    BUSY_CORE_SECONDS,
    HOLD_SECONDS,
    LONG_TURN_FACTOR,
    QUANTUM_SECONDS,
    SHARED_CORE_SECONDS,
    TURN_BYTES,
    TURN_DELIVERIES,
    TURN_FRAMES,
)
from vaultrelay.policy.network_limits import BYTES, CORE, DELIVERIES

_SHORT_TURN = Spending(TURN_DELIVERIES, TURN_BYTES, TURN_FRAMES)
_LONG_TURN = Spending(*(LONG_TURN_FACTOR * each for each in _SHORT_TURN))
_UNCOUNTED = "no network"
"""The network of all connections without an address: their channels take turns."""


class SharingReader(Protocol):
    """A connection, as its reading is controlled here."""

    @property
    def joined_session(self) -> Session | None:
        """Its session while that is in a channel."""


class CoreShares:
    """Gives networks the core in turn. `begin` and `end` enclose each read while `is_busy`."""

    def __init__(
        self, clock: Clock, ledger: Ledger, connections: Collection[SharingReader]
    ) -> None:
        self.is_busy = False
        self._clock = clock
        self._ledger = ledger
        self._connections = connections
        self._queue: ReaderQueue[Session] = ReaderQueue(QUANTUM_SECONDS)
        self._busy_until = self._shared_until = self._began = 0.0
        self._is_shared = False
        self._held_at = -inf
        self._last_address: object = None
        self._was_read = False
        """Whether a device that does not wait was read since the last turn of the queue."""
        self._debts: dict[Session, Timer] = {}
        """Devices of networks above their rates, until these are paid."""
        self._next_call: Timer | None = None

    @property
    def waiting(self) -> int:
        """Return the number of devices that wait for the core."""
        return len(self._queue) + len(self._debts)

    def round_was_long(self) -> None:
        """Measure reads from now on: one round of the hub took longer than it should."""
        self._busy_until = self._clock.seconds() + BUSY_CORE_SECONDS
        if not self.is_busy:
            self.is_busy = True
            self._clock.callLater(BUSY_CORE_SECONDS, self._tick)

    def begin(self, session: Session | None) -> bool:
        """Begin the turn of a device; return whether it has one, as all joined devices have."""
        if session is None or session.channel is None:
            return False
        self._began = self._clock.seconds()
        session.rates.begin_turn(_SHORT_TURN if self._is_shared else _LONG_TURN)
        return True

    def end(self, session: Session) -> None:
        """End the turn: charge what it took, and let the device wait if that was too much."""
        if session.channel is None:
            return
        now = self._clock.seconds()
        spent = session.rates.end_turn()
        path = _path(session)
        took = now - self._began
        self._note_address(path[-2], now)
        self._queue.charge(path[0], took)
        excess = 0.0
        if self._is_shared:
            amounts = {DELIVERIES: spent.messages, BYTES: spent.bytes, CORE: took}
            excess = charge_traffic(session.budgets, amounts, now)
        if excess > 0:
            session.flow.gate.add_reason(OUT_OF_TURN)
            self._debts[session] = self._clock.callLater(excess, partial(self._paid, session, path))
        elif self._must_wait(path) or session.flow.gate.has_reason(OUT_OF_TURN):
            self._wait(session, path)
            self._hold_all(now)
        else:
            self._was_read = self._is_limited(path)

    def forget(self, session: Session) -> None:
        """Drop an ended session."""
        self._queue.remove(session)
        timer = self._debts.pop(session, None)
        if timer is not None:
            timer.cancel()

    def _note_address(self, address: object, now: float) -> None:
        """Find out whether several addresses want the core."""
        if address is not self._last_address and self._last_address is not None:
            self._shared_until = now + SHARED_CORE_SECONDS
        self._last_address = address
        self._set_shared(now < self._shared_until)

    def _set_shared(self, is_shared: bool) -> None:
        if is_shared is not self._is_shared:
            self._is_shared = is_shared
            self._ledger.make_reads_small(is_shared)

    def _is_limited(self, path: Path) -> bool:
        return self._is_shared or path[0] is not _UNCOUNTED

    def _must_wait(self, path: Path) -> bool:
        return self._is_limited(path) and self._queue.is_ahead(path[0])

    def _hold_all(self, now: float) -> None:
        """Let all devices wait that have to, or each would be read once before others."""
        if now - self._held_at < HOLD_SECONDS:
            return
        self._held_at = now
        for connection in self._connections:
            session = connection.joined_session
            if session is not None and session.flow.gate.is_open:
                path = _path(session)
                if self._must_wait(path):
                    self._wait(session, path)

    def _paid(self, session: Session, path: Path) -> None:
        del self._debts[session]
        self._wait(session, path)

    def _wait(self, session: Session, path: Path) -> None:
        if session.channel is None:
            # Closed: its gate would not let the answer be read.
            return
        session.flow.gate.add_reason(OUT_OF_TURN)
        self._queue.push(path, session)
        self._call_next()

    def _call_next(self) -> None:
        if self._next_call is None:
            self._next_call = self._clock.callLater(0, self._next_turn)

    def _next_turn(self) -> None:
        """Let the next device be read, unless others are read meanwhile that need not wait."""
        self._next_call = None
        was_read, self._was_read = self._was_read, False
        if not was_read:
            session = self._queue.pop()
            if session is not None:
                session.flow.gate.remove_reason(OUT_OF_TURN)
        if self._queue:
            self._call_next()

    def _tick(self) -> None:
        """Look whether the core is still busy."""
        now = self._clock.seconds()
        self._queue.forget()
        self._set_shared(now < self._shared_until)
        if self.waiting or now < self._busy_until:
            self._clock.callLater(BUSY_CORE_SECONDS, self._tick)
        else:
            self.is_busy = False
            self._last_address = None
            self._set_shared(False)
            self._queue = ReaderQueue(QUANTUM_SECONDS)


def _path(session: Session) -> Path:
    """Return the networks of a session, the widest first, and its channel."""
    channel = session.channel
    return (*reversed(session.budgets or (_UNCOUNTED,)), None if channel is None else channel.key)
