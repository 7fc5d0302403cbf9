"""CoreShares: which devices are read while several networks want the core.

=========== ========================================== ===========================================
state       begins                                     reading
=========== ========================================== ===========================================
calm        without a long round of the hub for        as much as there is, from every device;
            BUSY_CORE_SECONDS                          nothing is measured
busy        with a long round                          reads are measured; devices of a network
                                                       with long reads have turns
shared      with a read for a second address, while    turns are short, reads small, and the rates
            busy                                       of networks limited
=========== ========================================== ===========================================

The hub reads the devices of a network below its share as they are ready. The exception, in every
state, is a device that gives way: after a number of slow messages, such as PUTs, it waits its turn.
"""

from collections.abc import Collection
from functools import partial
from math import inf
from typing import Protocol

from vaultrelay.broker.device_rates import OUT_OF_TURN, Spending
from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.reader_queue import ReaderQueue
from vaultrelay.broker.session import Session
from vaultrelay.policy.budgets import charge_traffic
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.core import (
    AVERAGED_READS,
    BUSY_CORE_SECONDS,
    HOLD_SECONDS,
    MAX_CHARGED_SECONDS,
    MAX_SWEEP_SECONDS,
    QUANTUM_SECONDS,
    SHARED_CORE_SECONDS,
    TURN_BYTES,
    TURN_DELIVERIES,
    TURN_FRAMES,
    UNMEASURED_READS,
)
from vaultrelay.policy.network_limits import BYTES, CORE, DELIVERIES

_TURN = Spending(TURN_DELIVERIES, TURN_BYTES, TURN_FRAMES)
_UNCOUNTED = "no network"
"""The network of all connections without an address: their channels take turns."""


class SharingReader(Protocol):
    """A connection, as its reading is controlled here."""

    @property
    def session(self) -> Session | None:
        """None after the end of the connection."""


class CoreShares:
    """Gives networks the core in turn. `begin` and `end` enclose each read while `is_busy`."""

    def __init__(
        self, clock: Clock, ledger: Ledger, connections: Collection[SharingReader]
    ) -> None:
        self.is_busy = False
        self.waits = 0
        """How often a device waited for its turn."""
        self._clock = clock
        self._ledger = ledger
        self._connections = connections
        self._queue: ReaderQueue[Session] = ReaderQueue(QUANTUM_SECONDS)
        self._busy_until = self._shared_until = self._began = 0.0
        self._charged = 0.0
        """Seconds of the present read that are charged already."""
        self._is_shared = False
        self._held_at = -inf
        self._last_address: object = None
        self._average = 0.0
        """Seconds of a read of a network that has the core for itself."""
        self._unmeasured = 0
        """So many of these reads are not measured now."""
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
        """Begin the turn of a device; return whether it is measured."""
        if session is None or session.channel is None:
            return False
        address = session.budgets[0] if session.budgets else _UNCOUNTED
        is_same = address is self._last_address
        if is_same and not self._is_shared:
            if address is _UNCOUNTED:
                return False
            if self._unmeasured:
                self._unmeasured -= 1
                return False
        now = self._clock.seconds()
        self._began, self._charged = now, 0.0
        if not is_same:
            if self._last_address is not None:
                self._shared_until = now + SHARED_CORE_SECONDS
            self._last_address = address
        self._set_shared(now < self._shared_until)
        if self._is_shared:
            session.rates.begin_turn(_TURN)
        return True

    def end(self, session: Session) -> None:
        """End the turn: charge what it took, and let the device wait if that was too much."""
        if session.channel is None:
            return
        now = self._clock.seconds()
        took = min(now - self._began, MAX_CHARGED_SECONDS)
        if not self._is_shared and self._is_quick(session, took):
            return
        network = session.budgets[-1] if session.budgets else _UNCOUNTED
        self._queue.charge(network, max(took - self._charged, 0.0))
        spent = session.rates.end_turn()
        excess = 0.0
        if spent is not None:
            amounts = {DELIVERIES: spent.messages, BYTES: spent.bytes, CORE: took}
            excess = charge_traffic(session.budgets, amounts, now)
        if excess > 0:
            # After give_way it is in the queue, which would resume it before the debt is paid.
            self._queue.remove(session)
            session.flow.gate.add_reason(OUT_OF_TURN)
            self._debts[session] = self._clock.callLater(excess, partial(self._paid, session))
        elif self._must_wait(network) or session.flow.gate.has_reason(OUT_OF_TURN):
            self._wait(session)
            self._hold_all(now)
        else:
            self._was_read = self._is_limited(network)

    def give_way(self, session: Session, seconds: float) -> None:
        """Pause a device in the middle of a read until its turn.

        Charges its network `seconds`, an estimate: not every read is measured.
        """
        self._queue.charge(session.budgets[-1] if session.budgets else _UNCOUNTED, seconds)
        self._charged += seconds
        self._wait(session)

    def forget(self, session: Session) -> None:
        """Drop an ended session."""
        self._queue.remove(session)
        timer = self._debts.pop(session, None)
        if timer is not None:
            timer.cancel()

    def _set_shared(self, is_shared: bool) -> None:
        if is_shared is not self._is_shared:
            self._is_shared = is_shared
            self._ledger.make_reads_small(is_shared)

    def _is_quick(self, session: Session, took: float) -> bool:
        """Return whether the reads of a network alone are short enough to need no turns, which
        would cost as much as these reads."""
        self._average += (took - self._average) / AVERAGED_READS
        network = session.budgets[-1] if session.budgets else None
        is_quick = network is not None and self._average * network.devices < MAX_SWEEP_SECONDS
        self._unmeasured = UNMEASURED_READS if is_quick else 0
        return is_quick

    def _is_limited(self, network: object) -> bool:
        return self._is_shared or network is not _UNCOUNTED

    def _must_wait(self, network: object) -> bool:
        return self._is_limited(network) and self._queue.is_ahead(network)

    def _hold_all(self, now: float) -> None:
        """Let all devices wait that have to, or each would be read once before others."""
        if now - self._held_at < HOLD_SECONDS * max(1, len(self._connections) / 1000):
            return
        self._held_at = now
        for connection in self._connections:
            session = connection.session
            if session is not None and session.channel is not None and session.flow.gate.is_open:
                network = session.budgets[-1] if session.budgets else _UNCOUNTED
                if self._must_wait(network):
                    self._wait(session)

    def _paid(self, session: Session) -> None:
        del self._debts[session]
        self._wait(session)

    def _wait(self, session: Session) -> None:
        if session.channel is None:
            # Closed: its gate would not let the answer be read.
            return
        session.flow.gate.add_reason(OUT_OF_TURN)
        networks = reversed(session.budgets or (_UNCOUNTED,))
        self.waits += self._queue.push((*networks, session.channel.key), session)
        self._call_next()

    def _call_next(self) -> None:
        if self._next_call is None:
            self._next_call = self._clock.callLater(0, self._next_turn)

    def _next_turn(self) -> None:
        """Let the next device be read, unless its network is ahead of those that are read."""
        self._next_call = None
        was_read, self._was_read = self._was_read, False
        if not (was_read and self._queue.is_next_ahead):
            session = self._queue.pop()
            if session is not None:
                session.flow.gate.remove_reason(OUT_OF_TURN)
        if self._queue:
            self._call_next()
        elif not self.is_busy:
            self._queue = ReaderQueue(QUANTUM_SECONDS)

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
