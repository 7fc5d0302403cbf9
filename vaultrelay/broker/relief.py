"""Relief: which connections are closed if memory does not become free otherwise."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator
from operator import attrgetter

from vaultrelay.broker.current_shares import measure
from vaultrelay.broker.pressed_reader import PressedReader, holding_of
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.pressure import STUCK_SHARES
from vaultrelay.policy.memory_shares import MemoryShares, groups_of

_held_bytes = attrgetter("held_bytes")


def relieve(connections: Collection[PressedReader], ledger: Ledger) -> None:
    """Close connections until the ledger is within its limit."""
    if ledger.held > ledger.limit:
        for reader in largest_first(connections, ledger):
            reader.relieve()
            if not ledger.is_over:
                return


def close_largest(connections: Collection[PressedReader], ledger: Ledger) -> None:
    """Close the connection that holds most of the largest group."""
    largest = next(largest_first(connections, ledger), None)
    if largest is not None:
        largest.relieve()


def close_late(late: Iterable[PressedReader], shares: MemoryShares) -> None:
    """Close those of groups that hold more than STUCK_SHARES, until these hold less: nothing else
    would free it. The largest is first: the neighbor of an attacker is late as well."""
    for reader in sorted(late, key=_held_bytes, reverse=True):
        holding = holding_of(reader)
        if shares.most_shares(holding) > STUCK_SHARES:
            shares.add(holding, -reader.held_bytes)
            reader.relieve()


def largest_first(
    connections: Collection[PressedReader], ledger: Ledger
) -> Iterator[PressedReader]:
    """Yield the connections that hold anything: of the group with most shares first, and of its
    connections the one that holds most. PUTs that wait for the disk do not count: closing their
    connections does not free them."""
    shares = measure(connections, ledger)
    holders = [each for each in connections if each.held_bytes]
    holders.sort(key=_held_bytes, reverse=True)
    members: dict[Hashable, list[PressedReader]] = defaultdict(list)
    for reader in holders:
        holding = holding_of(reader)
        for group in groups_of(holding.channel, holding.budgets):
            members[group].append(reader)
    # Each once: one that was cut off may hold something until its transport is gone.
    done: set[PressedReader] = set()
    for group_members in (*map(members.__getitem__, shares.by_shares()), holders):
        for reader in group_members:
            if reader not in done and reader.held_bytes:
                done.add(reader)
                yield reader
