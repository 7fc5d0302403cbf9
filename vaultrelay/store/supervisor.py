"""Supervisor: opens the store, and decides what follows from its faults.

========= =============================================== ======================================
state     requests                                        ends
========= =============================================== ======================================
opening   wait                                            with the first attempt to open
open      are done                                        with a fault of the store
full      PUTs are refused, all others are done           when there is room again
away      are refused; the store is closed                when it is opened again
off       are refused; the store is closed                with a restart of the relay
========= =============================================== ======================================
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from vaultrelay.policy.limits.mailbox import RETRY_SECONDS
from vaultrelay.store.clock import StoreClock
from vaultrelay.store.store import (
    Refused,
    Store,
    StoreDamaged,
    StoreFull,
    StoreLimits,
    StoreRefused,
)
from vaultrelay.wire.mailbox import PutReason

Result = TypeVar("Result")
Work = Callable[[Store, StoreClock], Result]
AWAY = Refused(PutReason.AWAY)


class State(Enum):
    """What can be done with the store."""

    OPENING = "opening"
    OPEN = "open"
    FULL = "full"
    AWAY = "away"
    OFF = "off"


class Supervisor:
    """Owns the store and its clock. `on_state` gets each new state, and each new fault behind
    it."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        make_clock: Callable[[int | None], StoreClock],
        on_state: Callable[[State, Exception | None], object],
        monotonic: Callable[[], float],
    ) -> None:
        self.state = State.OPENING
        self.fault: Exception | None = None
        self._limits: StoreLimits | None = None
        """Those of the latest reload, if any."""
        self.retry_at = monotonic()
        """When the next attempt is due, to open the store or to store again."""
        self._open_store = open_store
        self._make_clock = make_clock
        self._on_state = on_state
        self._monotonic = monotonic
        self._store: Store | None = None
        self._clock: StoreClock | None = None
        """Goes on while the store is closed."""

    def retry(self) -> None:
        """Open the store, or look for room, if that is due."""
        now = self._monotonic()
        if now < self.retry_at:
            return
        if self.state in (State.OPENING, State.AWAY):
            self.retry_at = now + RETRY_SECONDS
            self._open()
        elif self.state is State.FULL:
            self.retry_at = now + RETRY_SECONDS
            if self.attempt(lambda store, _: store.is_writable()) is True:
                self._set_state(State.OPEN, None)

    def attempt(self, work: Work[Result]) -> Result | Refused:
        """Return what some work returns; a refusal after a fault, or if the store is closed."""
        if self._store is None or self._clock is None:
            return AWAY
        try:
            return work(self._store, self._clock)
        except StoreFull as error:
            self.retry_at = self._monotonic() + RETRY_SECONDS
            self._set_state(State.FULL, error)
        except StoreDamaged as error:
            self._fail(State.OFF, error)
        except Exception as error:
            # Closed even for a bug: what is in memory may differ from what is on the disk.
            self._fail(State.AWAY, error)
        return AWAY

    def configure(self, limits: StoreLimits) -> None:
        """Apply other limits, also to a store that is opened later. From any thread."""
        self._limits = limits
        self._apply_limits()

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def is_closed(self) -> bool:
        """Whether there is no open store."""
        return self._store is None

    def _open(self) -> None:
        try:
            store = self._open_store()
            try:
                self._clock = self._clock or self._make_clock(store.saved_time())
            except BaseException:
                store.close()
                raise
        except StoreRefused as error:
            # One that was open before may be again: its disk may have gone for a while.
            self._fail(State.OFF if self.state is State.OPENING else State.AWAY, error)
        except StoreDamaged as error:
            self._fail(State.OFF, error)
        except Exception as error:
            self._fail(State.AWAY, error)
        else:
            self._store = store
            self._apply_limits()
            self._set_state(State.OPEN, None)

    def _apply_limits(self) -> None:
        store = self._store
        if store is not None and self._limits is not None:
            store.limits = self._limits

    def _fail(self, state: State, error: Exception) -> None:
        self.retry_at = self._monotonic() + RETRY_SECONDS
        self.close()
        # Work within other work may have turned it off already.
        if self.state is not State.OFF:
            self._set_state(state, error)

    def _set_state(self, state: State, fault: Exception | None) -> None:
        # The operator must know the latest fault.
        if state is not self.state or str(fault) != str(self.fault):
            self.state, self.fault = state, fault
            self._on_state(state, fault)
