"""Reserved slots: by them devices replace their own dead connections where all else is full."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from vaultrelay.broker.session import Session
from vaultrelay.policy.limits import (
    RESERVED_DEBT_SECONDS,
    RESERVED_GROUPS,
    RESERVED_SURE_SECONDS,
)

_DECAY = RESERVED_DEBT_SECONDS / RESERVED_SURE_SECONDS

Share: TypeAlias = tuple[bytes, int]
"""The key of a group (a network, a channel, or the relay), and how many slots it may have."""


class _Group:
    """The sessions of one group that hold a slot, the oldest first.

    For how long the group held slots lately is kept as the moment at which it will be forgotten.
    """

    __slots__ = ("_forgotten_at", "slots")

    def __init__(self) -> None:
        self.slots: dict[Slot, None] = {}
        self._forgotten_at = 0.0

    def held_lately(self, now: float) -> float:
        """Seconds, RESERVED_SURE_SECONDS at most."""
        return max(0.0, self._forgotten_at - now) / _DECAY

    def release(self, slot: "Slot", now: float) -> None:
        """Take a slot back."""
        del self.slots[slot]
        since = max(self._forgotten_at, now)
        self._forgotten_at = min(since + (now - slot.since) * _DECAY, now + RESERVED_DEBT_SECONDS)

    def is_forgotten(self, now: float) -> bool:
        """Whether there is nothing to know of it."""
        return not self.slots and self._forgotten_at <= now


class Slot:
    """What one session holds until it has joined."""

    __slots__ = ("groups", "session", "since")

    def __init__(self, session: Session, groups: tuple[_Group, ...], now: float) -> None:
        self.session = session
        self.groups = groups
        self.since = now

    def claim(self, now: float) -> float:
        """How much it is due to give way: how long it and all of its groups have held slots."""
        return now - self.since + _held_lately(self.groups, now)


class ReservedSlots:
    """All reserved slots, each held by a session in the name of several groups.

    A device that finds no slot free gets that of a session whose groups have held slots for longer
    lately: nobody keeps others out by renewing connections that never join, from few networks or
    for few channels. A channel is remembered beyond its last device, since it could leave and join
    again. Of more than RESERVED_GROUPS the oldest group without a slot is forgotten.
    """

    def __init__(self) -> None:
        self._groups: OrderedDict[bytes, _Group] = OrderedDict()

    @property
    def count(self) -> int:
        """How many groups are remembered."""
        return len(self._groups)

    def taken(self, key: bytes) -> int:
        """How many slots a group has."""
        group = self._groups.get(key)
        return 0 if group is None else len(group.slots)

    def make_room(self, shares: Sequence[Share], now: float) -> bool:
        """Whether there is a slot in the name of all these groups; others may be closed for it."""
        pairs = [(self._groups.get(key), most) for key, most in shares]
        sure = RESERVED_SURE_SECONDS + _held_lately((group for group, _ in pairs if group), now)
        leaving: set[Slot] = set()
        for group, most in pairs:
            if group is None or len(group.slots) - len(leaving & group.slots.keys()) < most:
                continue
            slot = max(group.slots, key=lambda slot: slot.claim(now))
            if slot.claim(now) < sure:
                return False
            leaving.add(slot)
        for slot in leaving:
            slot.session.close_without_hello()
        return True

    def take(self, session: Session, shares: Sequence[Share], now: float) -> Slot:
        """Give a session a slot, in the name of all these groups."""
        groups = tuple(self._groups.setdefault(key, _Group()) for key, _ in shares)
        slot = Slot(session, groups, now)
        for group in groups:
            group.slots[slot] = None
        for _ in range(len(self._groups) - RESERVED_GROUPS):
            key, oldest = self._groups.popitem(last=False)
            if oldest.slots:
                self._groups[key] = oldest
        return slot

    def release(self, slot: Slot, now: float) -> None:
        """The session has joined, or is gone."""
        for group in slot.groups:
            group.release(slot, now)

    def forget(self, now: float) -> None:
        """Forget groups of which there is nothing to know. To be called now and then."""
        for key in [key for key, group in self._groups.items() if group.is_forgotten(now)]:
            del self._groups[key]


def _held_lately(groups: Iterable[_Group], now: float) -> float:
    return sum(group.held_lately(now) for group in groups)
