"""FragmentedMessage: a message that Autobahn reads, such as one in fragments."""

from sys import getsizeof

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.floods import FRAGMENTS_PER_MESSAGE
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES


class FragmentedMessage:
    """An incomplete message, counted in the ledger: its bytes, and the memory of the pieces
    themselves."""

    __slots__ = ("_fragments", "_ledger", "_parts", "announced", "held_bytes", "is_binary", "size")

    def __init__(self, is_binary: bool, ledger: Ledger) -> None:
        self.is_binary = is_binary
        self.size = 0
        """Bytes of payload that came."""
        self.announced = 0
        """Bytes of payload by the headers of the fragments."""
        self.held_bytes = 0
        self._fragments = 0
        self._parts: list[bytes] = []
        self._ledger = ledger

    def begin_fragment(self, size: int) -> Rule | None:
        """Count a fragment by its header; return the rule that it breaks, if any."""
        self.announced += size
        self._fragments += 1
        if not self.is_binary and self.announced > CONTROL_BYTES:
            return Rule.CONTROL_SIZE
        return Rule.FRAGMENTS if self._fragments > FRAGMENTS_PER_MESSAGE else None

    def add(self, data: bytes) -> None:
        """Add bytes of a fragment."""
        self.size += len(data)
        self._parts.append(data)
        self.held_bytes += getsizeof(data)
        self._ledger.add(getsizeof(data))

    def take(self) -> bytes:
        """Return the whole message, and hold nothing any more."""
        payload = b"".join(self._parts)
        self.drop()
        return payload

    def drop(self) -> None:
        """Hold nothing any more."""
        self._parts = []
        self._ledger.add(-self.held_bytes)
        self.held_bytes = 0
