"""MemoryShares: which channels and networks hold more than their share of the memory.

The share of a channel is the memory divided by the channels that hold anything and one more, and
that of a network the memory divided by the networks of its width that do and one more: those that
hold their whole shares leave one to the next that comes. A broadcast is in memory once for all
receivers of a channel: the queue of the slowest has all of it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
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

    def __init__(self, holdings: Iterable[Holding], limit: int) -> None:
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
        self._excess = {
            group: size * (members[_kind(group)] + 1)
            for group, size in held.items()
            if size * (members[_kind(group)] + 1) > limit
        }
        """By group above its share: a number in proportion to the shares that it holds."""

    def is_over(self, channel: bytes | None, budgets: Budgets) -> bool:
        """Return whether a connection is of a group above its share."""
        return not self._excess.keys().isdisjoint(groups_of(channel, budgets))

    def by_excess(self) -> list[Hashable]:
        """Return the groups above their shares, the one with the most of them first."""
        return sorted(self._excess, key=self._excess.__getitem__, reverse=True)


def groups_of(channel: bytes | None, budgets: Budgets) -> tuple[Hashable, ...]:
    """Return the groups of a connection."""
    return budgets if channel is None else (channel, *budgets)


def _kind(group: Hashable) -> Hashable:
    return _CHANNELS if isinstance(group, bytes) else group.limits  # type: ignore[attr-defined]
