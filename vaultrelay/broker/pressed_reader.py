"""PressedReader: a connection, as its reading is controlled while memory is short."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator
from operator import attrgetter
from typing import Protocol

from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.broker.session import Session
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.memory_shares import Holding, MemoryShares, groups_of


class PartialMessage(Protocol):
    """A message of which a part has come, and which can be reserved."""

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still to come."""

    @property
    def is_reserved(self) -> bool:
        """Whether these are counted in the ledger."""

    def reserve(self) -> None:
        """Count the missing bytes, and allow them to be read even from a full relay."""

    def unreserve(self) -> None:
        """Undo that."""


class Source(Protocol):
    """The transport of a connection."""

    def read_again(self) -> None:
        """Read what is allowed now."""


class PressedReader(Protocol):
    """A connection, as Backpressure uses it."""

    received_since_tick: bool
    """See Outbox."""
    transport: Source

    session: Session | None
    """None after the end of the connection."""

    @property
    def held_bytes(self) -> int:
        """The bytes in memory for it."""

    @property
    def shared_bytes(self) -> int:
        """Those of broadcasts, which other receivers may hold, too."""

    @property
    def partial(self) -> PartialMessage | None:
        """A message of known size that has begun."""

    @property
    def partial_bytes(self) -> int | None:
        """See Outbox."""

    def relieve(self) -> None:
        """Close the device, or cut it off if that does not free enough."""


def gate_of(reader: PressedReader) -> ReadGate | None:
    """Return the gate of a joined device; None for another connection."""
    session = reader.session
    return None if session is None or session.channel is None else session.flow.gate


def holding_of(reader: PressedReader) -> Holding:
    """Return the bytes held for a connection, and its groups."""
    session, shared = reader.session, reader.shared_bytes
    own = reader.held_bytes - shared
    if session is None:
        return Holding(None, (), own, shared)
    channel = None if session.channel is None else session.channel.key
    return Holding(channel, session.budgets, own, shared)


def missing_bytes(reader: PressedReader) -> int:
    """Return the bytes still to come of a message that has begun; 0 without one."""
    return 0 if reader.partial is None else reader.partial.missing_bytes


def is_reserved(reader: PressedReader) -> bool:
    """Return whether such bytes are reserved."""
    return reader.partial is not None and reader.partial.is_reserved


def measure(connections: Collection[PressedReader], ledger: Ledger) -> MemoryShares:
    """Measure what is held by whom."""
    holdings = (holding_of(each) for each in connections if each.held_bytes)
    return MemoryShares(holdings, ledger.full, ledger.least_share)


def largest_first(
    connections: Collection[PressedReader], ledger: Ledger
) -> Iterator[PressedReader]:
    """Yield the connections that hold anything: of the group with most shares first, and of its
    connections the one that holds most."""
    shares = measure(connections, ledger)
    holders = [each for each in connections if each.held_bytes]
    holders.sort(key=attrgetter("held_bytes"), reverse=True)
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


def close_largest(connections: Collection[PressedReader], ledger: Ledger) -> None:
    """Close connections until the ledger is within its limit."""
    for reader in largest_first(connections, ledger):
        if not ledger.is_over:
            return
        reader.relieve()
