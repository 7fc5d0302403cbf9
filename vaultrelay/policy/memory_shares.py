"""MemoryShares: which channels and networks hold more than their share of the memory.

The share of a channel is the memory divided by the channels that hold anything and one more, and
that of a network the memory divided by the networks of its width that do and one more: those that
hold their whole shares leave one to the next that comes. No share is below `least`, which is larger
than a message. A broadcast is in memory once for all receivers of a channel: the queue of the
slowest has all of it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from math import inf
from typing import NamedTuple

from vaultrelay.policy.budgets import Budgets

_CHANNELS = "channels"
"""The kind of group beside the widths of networks."""


class Holding(NamedTuple):
    """The bytes held for one connection, and its groups; no channel before the join."""

    channel: bytes | None
    budgets: Budgets
    own_bytes: int
    shared_bytes: int
    """Those of broadcasts, which other receivers may hold, too."""


class MemoryShares:
    """The groups of connections at one moment. A group is a channel's key or a network's Budget."""

    def __init__(self, holdings: Iterable[Holding], limit: int, minimum: int = 0) -> None:
        held: dict[Hashable, int] = defaultdict(int)
        shared: dict[tuple[Hashable, bytes | None], int] = defaultdict(int)
        for channel, budgets, own_bytes, shared_bytes in holdings:
            for group in groups_of(channel, budgets):
                held[group] += own_bytes
                if shared_bytes > shared[group, channel]:
                    held[group] += shared_bytes - shared[group, channel]
                    shared[group, channel] = shared_bytes
        members: dict[Hashable, int] = defaultdict(int)
        for group, size in held.items():
            members[_kind(group)] += bool(size)
        self._held = held
        self._share = {
            kind: max(limit / (count + 1), minimum, 1) for kind, count in members.items()
        }
        """Bytes, by the kind of group."""

    def is_over(self, holding: Holding, size: int = 0) -> bool:
        """Return whether a connection is of a group above its share, or would be with `size` bytes
        more."""
        groups = groups_of(holding.channel, holding.budgets)
        return any(self._shares_of(group, size) > 1 for group in groups)

    def most_shares(self, holding: Holding) -> float:
        """Return how many shares the largest group of a connection holds."""
        groups = groups_of(holding.channel, holding.budgets)
        return max(map(self._shares_of, groups), default=0)

    def add(self, holding: Holding, size: int) -> None:
        """Count `size` bytes more for the groups of a connection."""
        for group in groups_of(holding.channel, holding.budgets):
            self._held[group] += size

    def by_shares(self) -> list[Hashable]:
        """Return all groups, the one that holds most shares first."""
        return sorted(self._held, key=self._shares_of, reverse=True)

    def _shares_of(self, group: Hashable, size: int = 0) -> float:
        # No group of its kind held anything when the shares were measured.
        share = self._share.get(_kind(group), inf)
        return (self._held.get(group, 0) + size) / share


def groups_of(channel: bytes | None, budgets: Budgets) -> tuple[Hashable, ...]:
    """Return the groups of a connection."""
    return budgets if channel is None else (channel, *budgets)


def _kind(group: Hashable) -> Hashable:
    return _CHANNELS if isinstance(group, bytes) else group.limits  # type: ignore[attr-defined]  # the others are budgets
