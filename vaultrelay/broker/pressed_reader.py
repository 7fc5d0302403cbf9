"""PressedReader: a connection, as its reading is controlled while memory is short."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator
from operator import attrgetter
from typing import Protocol

from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.policy.memory_shares import Holding, MemoryShares, groups_of


class PressedReader(Protocol):
    """A connection, as Backpressure uses it."""

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
    def partial_bytes(self) -> int | None:
        """See Outbox."""

    @property
    def missing_bytes(self) -> int:
        """Bytes still to come of a message that has begun, as far as its size is known."""

    @property
    def is_reserved(self) -> bool:
        """Whether these are counted in the ledger."""

    def reserve(self) -> None:
        """Count the missing bytes, and read them even from a full relay."""

    def unreserve(self) -> None:
        """Undo that."""

    def relieve(self) -> None:
        """Close the device, or cut it off if that does not free enough."""


def measure(connections: Collection[PressedReader], limit: int) -> MemoryShares:
    """Measure what is held by whom."""
    return MemoryShares((each.holding for each in connections if each.held_bytes), limit)


def largest_first(connections: Collection[PressedReader], limit: int) -> Iterator[PressedReader]:
    """Yield the connections that hold anything: of the group with most shares first, and of its
    connections the one that holds most."""
    shares = measure(connections, limit)
    holders = [each for each in connections if each.held_bytes]
    holders.sort(key=attrgetter("held_bytes"), reverse=True)
    members: dict[Hashable, list[PressedReader]] = defaultdict(list)
    for reader in holders:
        holding = reader.holding
        for group in groups_of(holding.channel, holding.budgets):
            members[group].append(reader)
    # Each once: one that was cut off may hold something until its transport is gone.
    done: set[PressedReader] = set()
    for group_members in (*map(members.__getitem__, shares.by_excess()), holders):
        for reader in group_members:
            if reader not in done and reader.held_bytes:
                done.add(reader)
                yield reader
