"""Admission: whether there is room for a connection, and which other one is closed for it.

The cost grows neither with the pending connections nor with the devices of a channel. The loops
here are over the budgets of one connection, of which there are three at most.
"""

from collections import Counter, OrderedDict

from vaultrelay.broker.channel import Channel
from vaultrelay.broker.counters import Counters
from vaultrelay.broker.deadlines import close_without_hello
from vaultrelay.broker.hello import JoinRefusal
from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.reserved_slots import ReservedSlots, Share, Slot
from vaultrelay.broker.session import Session
from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.policy.budgets import BudgetBook, Budgets, Excess, first_full
from vaultrelay.policy.limits.networks import RESERVED_PER_CHANNEL
from vaultrelay.policy.limits.pending import (
    PENDING_GRACE_SECONDS,
    RETRY_DRAINING_SECONDS,
    RETRY_FULL_SECONDS,
)
from vaultrelay.policy.limits.reserved import RESERVED_SLOTS, RETRY_RESERVED_SECONDS
from vaultrelay.wire import refusal
from vaultrelay.wire.close_codes import CloseCode

_RELAY = b""
"""The key of the whole relay among the groups that hold reserved slots."""


class AdmissionControl:
    """Counts connections against the capacity of the relay and the shares of networks.

    If one of these is full, a few connections are admitted to reserved slots: they may replace a
    device that is there. `is_draining`: no upgrade is admitted.
    """

    def __init__(self, clock: Clock, counters: Counters, book: BudgetBook) -> None:
        self.is_draining = False
        self.reserved = ReservedSlots()
        self._book = book
        self._clock = clock
        self._counters = counters
        self._count = 0
        self._slots: dict[Session, Slot] = {}
        """Reserved ones, until their sessions have joined."""
        self._waiting: OrderedDict[Session, None] = OrderedDict()
        """Sessions that have neither joined nor a reserved slot, the oldest first."""
        self._named: Counter[bytes] = Counter()
        """By channel: how many connections that have not joined named it."""

    def configure(self, settings: BrokerSettings) -> None:
        """Apply new limits. Connections above these stay."""
        self.max_connections = settings.max_connections
        self._channel_devices = settings.limits.channel_devices
        self._book.change(
            settings.per_address,
            settings.max_connections,
            settings.pending_per_address,
            settings.limits,
        )

    def admit(
        self, name: bytes | None, channel: Channel | None, budgets: Budgets, retry_seconds: int
    ) -> None:
        """Admit an upgrade. Raises Refusal if there is no room, or the relay drains, or with
        `retry_seconds` above 0.

        `name` is the channel that the upgrade names, if any, and `channel` that one if it has
        devices here. A proxy in front tries the next relay after a 503: the refusal for a channel
        that is held here is another, as the channel would be split.
        """
        if self.is_draining:
            self._refuse_draining(channel, budgets)
        is_held = channel is not None or name in self._named
        if retry_seconds:
            self._counters.refused["overloaded"] += 1
            raise refusal.overloaded(retry_seconds, is_held)
        full = first_full(budgets)
        if full is None and not self._is_full:
            return
        if (
            channel is not None
            and (full is None or channel.has_device_of(full))
            and self.reserved.make_room(self._shares(name, budgets), self._clock.seconds())
        ):
            return
        if full is not None:
            self._counters.refused[full.slug(Excess.FULL)] += 1
            raise refusal.rate_limited(RETRY_FULL_SECONDS)
        if self._close_oldest_waiting():
            return
        self._counters.refused["relay_full"] += 1
        if is_held:
            raise refusal.relay_full_of_peers(RETRY_RESERVED_SECONDS)
        raise refusal.relay_full(RETRY_FULL_SECONDS)

    def opened(self, session: Session) -> None:
        """Count an admitted session, which has not joined."""
        name, budgets = session.named_channel, session.budgets
        if self._is_full or first_full(budgets) is not None:
            shares = self._shares(name, budgets)
            self._slots[session] = self.reserved.take(session, shares, self._clock.seconds())
        else:
            self._waiting[session] = None
        if name is not None:
            self._named[name] += 1
        self._count += 1
        self._book.enter(budgets)

    def check_join(
        self, session: Session, channel: Channel | None, device: bytes
    ) -> JoinRefusal | None:
        """Return why there is no room for a join, or None.

        To be called after the device has proved that it holds the key: the answer depends on the
        channel. `channel` is the one to join, if it has devices here.
        """
        older = channel.devices.get(device) if channel is not None else None
        if session in self._slots:
            for budget in session.budgets:
                if budget.is_over and (older is None or budget not in older.budgets):
                    return JoinRefusal(CloseCode.RATE, counted=budget.slug(Excess.FULL))
            if older is None and self._is_full:
                return JoinRefusal(CloseCode.RELAY_FULL)
        # An older session of the device is replaced, which takes no more room.
        maximum = self._channel_devices + (older is not None)
        if channel is not None and not channel.has_room(maximum):
            return JoinRefusal(CloseCode.CHANNEL_FULL)
        return None

    def joined(self, session: Session) -> None:
        """Release the reserved slot of a session that is about to join."""
        slot = self._slots.pop(session, None)
        if slot is not None:
            self.reserved.release(slot, self._clock.seconds())
        self._waiting.pop(session, None)
        name = session.named_channel
        if name is not None:
            self._named[name] -= 1
            if not self._named[name]:
                del self._named[name]

    def ended(self, session: Session) -> None:
        """Stop counting a session."""
        if session.channel is None:
            self.joined(session)
        self._count -= 1
        self._book.depart(session.budgets)

    def tick(self, now: float) -> None:
        """Drop expired records. To be called every tick."""
        self._book.forget(now)
        self.reserved.forget(now)

    @property
    def _is_full(self) -> bool:
        maximum = self.max_connections
        return self._count >= maximum and self._count - self.reserved.taken(_RELAY) >= maximum

    def _refuse_draining(self, channel: Channel | None, budgets: Budgets) -> None:
        """Raises Refusal, and closes a named channel before its turn.

        A proxy in front routes the new device to another relay, and its peers must follow. But
        naming takes no proof, so each address can end only a few channels in this way.
        """
        self._counters.refused["draining"] += 1
        if channel is not None and self._book.drains_channel(budgets, self._clock.seconds()):
            for session in tuple(channel.sessions.values()):
                session.close(CloseCode.RESTART)
        raise refusal.draining(RETRY_DRAINING_SECONDS)

    def _shares(self, name: bytes | None, budgets: Budgets) -> list[Share]:
        """Return the groups that a reserved slot of a connection counts in."""
        shares = [(budget.key, budget.limits.reserved) for budget in budgets]
        if name is not None:
            shares.append((name, RESERVED_PER_CHANNEL))
        if self._is_full:
            shares.append((_RELAY, RESERVED_SLOTS))
        return shares

    def _close_oldest_waiting(self) -> bool:
        """Close the oldest session that has not joined, if its time is over; return whether it did.

        Otherwise connections that never send a hello would keep devices out of a full relay.
        """
        oldest = next(iter(self._waiting), None)
        if oldest is None or oldest.lasted_seconds < PENDING_GRACE_SECONDS:
            return False
        close_without_hello(oldest)
        return True
