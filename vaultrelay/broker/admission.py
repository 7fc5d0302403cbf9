"""Admission: whether there is room for one more connection, and which one makes room for it.

What that costs does not grow with the connections that there are.
"""

from vaultrelay.broker.channel import Channel
from vaultrelay.broker.counters import Counters
from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.reserved import ReservedSlots, Share
from vaultrelay.broker.session import Session
from vaultrelay.policy.budgets import Budget, BudgetBook, Budgets, Excess, first_full
from vaultrelay.policy.limits import (
    RESERVED_PER_CHANNEL,
    RESERVED_SLOTS,
    RETRY_FULL_SECONDS,
    RETRY_RESERVED_SECONDS,
    WAITING_SURE_SECONDS,
)
from vaultrelay.wire import refusal

_RELAY = b""
"""The key of the whole relay among the groups that hold reserved slots."""


class AdmissionControl:
    """Counts connections against what the relay and each network may have.

    Where one of these is full, a few connections are admitted to reserved slots: they may replace
    a device that is there.
    """

    max_connections: int

    def __init__(self, clock: Clock, counters: Counters, book: BudgetBook) -> None:
        self._book = book
        self._clock = clock
        self._counters = counters
        self._count = 0
        self.reserved = ReservedSlots()
        self._unjoined: dict[Session, None] = {}
        """Without a reserved slot, the oldest first."""
        self._named: dict[bytes, int] = {}
        """By channel: how many connections that have not joined named it."""

    def configure(self, max_connections: int, per_address: int, waiting_per_address: int) -> None:
        """Admit so many from now on, and so many of one address. Those beyond it stay."""
        self.max_connections = max_connections
        self._book.change(per_address, max_connections, waiting_per_address)

    def admit(self, name: bytes | None, channel: Channel | None, budgets: Budgets) -> None:
        """Let an upgrade pass; raises Refusal when there is no room.

        It may name a channel; `channel` is that one if it has devices here. A proxy in front tries
        the next relay after a 503: there is none for a channel that is held here, as it would be
        parted.
        """
        full = first_full(budgets)
        if full is None and not self._is_full:
            return
        if channel is not None and _may_replace(channel, full):
            shares = self._shares(name, budgets)
            if self.reserved.make_room(shares, self._clock.seconds()):
                return
        if full is not None:
            self._counters.refused[full.slug(Excess.FULL)] += 1
            raise refusal.rate_limited(RETRY_FULL_SECONDS)
        if self._close_a_silent_one():
            return
        self._counters.refused["relay_full"] += 1
        if channel is not None or name in self._named:
            raise refusal.relay_full_of_peers(RETRY_RESERVED_SECONDS)
        raise refusal.relay_full(RETRY_FULL_SECONDS)

    def opened(self, session: Session) -> None:
        """Count an admitted session, which has not joined."""
        name, budgets = session.named_channel, session.budgets
        if self._is_full or first_full(budgets) is not None:
            shares = self._shares(name, budgets)
            session.slot = self.reserved.take(session, shares, self._clock.seconds())
        else:
            self._unjoined[session] = None
        if name is not None:
            self._named[name] = self._named.get(name, 0) + 1
        self._count += 1
        self._book.enter(budgets)

    def joined(self, session: Session) -> None:
        """The session is about to join, and is an ordinary one from now on."""
        slot, session.slot = session.slot, None
        if slot is not None:
            self.reserved.release(slot, self._clock.seconds())
        self._unjoined.pop(session, None)
        name = session.named_channel
        if name is not None:
            self._named[name] -= 1
            if not self._named[name]:
                del self._named[name]

    def ended(self, session: Session) -> None:
        """The session is gone."""
        if session.channel is None:
            self.joined(session)
        self._count -= 1
        self._book.depart(session.budgets)

    def full_network(self, session: Session, older: Session | None) -> Budget | None:
        """The network that has no room for a join on a reserved slot, which replaces `older` or
        none; if there is such a network."""
        if session.slot is None:
            return None
        there = older.budgets if older is not None else ()
        return next((each for each in session.budgets if each.is_over and each not in there), None)

    def is_full_for(self, session: Session) -> bool:
        """Whether the relay has no room for a join that replaces no device."""
        return session.slot is not None and self._is_full

    def tick(self, now: float) -> None:
        """Forget what need not be known any more. To be called now and then."""
        self._book.forget(now)
        self.reserved.forget(now)

    @property
    def _is_full(self) -> bool:
        most = self.max_connections
        return self._count >= most and self._count - self.reserved.taken(_RELAY) >= most

    def _shares(self, name: bytes | None, budgets: Budgets) -> list[Share]:
        """The groups in whose name a connection takes a reserved slot."""
        shares = [(budget.key, budget.allowance.reserved) for budget in budgets]
        if name is not None:
            shares.append((name, RESERVED_PER_CHANNEL))
        if self._is_full:
            shares.append((_RELAY, RESERVED_SLOTS))
        return shares

    def _close_a_silent_one(self) -> bool:
        """Make room in a full relay: the oldest that has not joined goes, if it had its time.

        Else connections that never say hello would keep devices out.
        """
        oldest = next(iter(self._unjoined), None)
        if oldest is None or oldest.lasted_seconds < WAITING_SURE_SECONDS:
            return False
        oldest.close_without_hello()
        return True


def _may_replace(channel: Channel, full: Budget | None) -> bool:
    """Whether a channel has a device of a full network, if one is full."""
    return full is None or any(full in each.budgets for each in channel.sessions.values())
