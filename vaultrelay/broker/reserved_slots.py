"""Reserved slots: they let devices replace their own dead connections when the relay is full."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from vaultrelay.broker.deadlines import close_without_hello
from vaultrelay.broker.session import Session
from vaultrelay.policy.limits.reserved import (
    RESERVED_DEBT_SECONDS,
    RESERVED_GRACE_SECONDS,
    RESERVED_GROUPS,
)

_DECAY = RESERVED_DEBT_SECONDS / RESERVED_GRACE_SECONDS

Share: TypeAlias = tuple[bytes, int]
"""The key of a group (a network, a channel, or the relay), and its limit on slots. No limit is
above RESERVED_SLOTS, and a connection is in five groups at most; loops over these are short."""


@dataclass(slots=True, eq=False)
class _Group:
    """The slots of one group, the oldest first.

    Its recent holding time is kept as the time at which it expires.
    """

    key: bytes
    slots: dict["Slot", None] = field(default_factory=dict)
    _forgotten_at: float = 0.0

    def held_lately(self, now: float) -> float:
        """Return the recent holding time in seconds, RESERVED_GRACE_SECONDS at most."""
        return max(0.0, self._forgotten_at - now) / _DECAY

    def release(self, slot: "Slot", now: float) -> None:
        """Take a slot back."""
        del self.slots[slot]
        since = max(self._forgotten_at, now)
        self._forgotten_at = min(since + (now - slot.since) * _DECAY, now + RESERVED_DEBT_SECONDS)


@dataclass(slots=True, eq=False)
class Slot:
    """The reserved slot of one session until it has joined."""

    session: Session
    groups: tuple[_Group, ...]
    since: float

    def claim(self, now: float) -> float:
        """Return the priority for eviction: how long it and all of its groups have held slots."""
        return now - self.since + _held_lately(self.groups, now)


class ReservedSlots:
    """All reserved slots, each held by a session and counted in several groups.

    A device that finds no free slot evicts a session if its groups have held slots for longer
    lately: connections that never join cannot keep others out by reconnecting, from few networks or
    for few channels. A channel's record outlives its last device, since it could leave and join
    again. Above RESERVED_GROUPS groups, the one without a slot for the longest is dropped.
    """

    def __init__(self) -> None:
        self._holding: dict[bytes, _Group] = {}
        self._released: OrderedDict[bytes, _Group] = OrderedDict()
        """Groups without a slot, the first to have lost its last one first."""

    @property
    def count(self) -> int:
        """Return the number of groups on record."""
        return len(self._holding) + len(self._released)

    def taken(self, key: bytes) -> int:
        """Return the number of slots of a group."""
        return len(self._holding[key].slots) if key in self._holding else 0

    def make_room(self, shares: Sequence[Share], now: float) -> bool:
        """Return whether all these groups have room for a slot; may close another session for
        it."""
        pairs = [(self._find(key), maximum) for key, maximum in shares]
        grace = RESERVED_GRACE_SECONDS + _held_lately((group for group, _ in pairs if group), now)
        leaving: set[Slot] = set()
        for group, maximum in pairs:
            if group is not None and len(group.slots.keys() - leaving) >= maximum:
                slot = max(group.slots, key=lambda slot: slot.claim(now))
                if slot.claim(now) < grace:
                    return False
                leaving.add(slot)
        for slot in leaving:
            close_without_hello(slot.session)
        return True

    def take(self, session: Session, shares: Sequence[Share], now: float) -> Slot:
        """Give a session a slot, counted in all these groups."""
        groups = tuple(self._find(key) or _Group(key) for key, _ in shares)
        slot = Slot(session, groups, now)
        for group in groups:
            group.slots[slot] = None
            self._holding[group.key] = group
            self._released.pop(group.key, None)
        while self._released and self.count > RESERVED_GROUPS:
            self._released.popitem(last=False)
        return slot

    def release(self, slot: Slot, now: float) -> None:
        """Release the slot of a session that has joined or ended."""
        for group in slot.groups:
            group.release(slot, now)
            if not group.slots:
                self._released[group.key] = self._holding.pop(group.key)

    def forget(self, now: float) -> None:
        """Drop groups that held no slots lately. To be called every tick.

        Checks only the first of them: it delays the next ones by RESERVED_DEBT_SECONDS at most.
        """
        while self._released and not next(iter(self._released.values())).held_lately(now):
            self._released.popitem(last=False)

    def _find(self, key: bytes) -> _Group | None:
        return self._holding.get(key) or self._released.get(key)


def _held_lately(groups: Iterable[_Group], now: float) -> float:
    return sum(group.held_lately(now) for group in groups)
