"""PressedReader: a connection, as its reading is controlled while memory is short."""

from typing import Protocol

from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.broker.session import Session
from vaultrelay.policy.memory_shares import Holding


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


class PressedReader(Protocol):
    """A connection, as Backpressure uses it."""

    received_since_tick: bool
    """See Outbox."""
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

    def read_again(self) -> None:
        """Read what is allowed now."""

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
