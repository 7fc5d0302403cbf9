"""PartialMessage: a message of a device of which a part has come."""

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.wire.masking import apply_mask


class PartialMessage:
    """The payload of a frame that several reads bring; it exists until its last byte has come.

    It grows with the bytes that come: an announced size costs no memory. The ledger counts these
    bytes, or all of the message with a reservation.
    """

    __slots__ = ("_key", "_ledger", "_payload", "_size", "held_bytes")

    def __init__(self, start: memoryview, size: int, key: bytes, ledger: Ledger) -> None:
        self._payload = bytearray(start)
        self._size = size
        self._key = key
        self._ledger = ledger
        self.held_bytes = 0
        """As the ledger counts them."""
        self._count(len(self._payload))

    @property
    def received_bytes(self) -> int:
        """Bytes that came."""
        return len(self._payload)

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still to come."""
        return self._size - len(self._payload)

    @property
    def is_reserved(self) -> bool:
        """Whether the ledger counts bytes that are still to come."""
        return self.held_bytes > len(self._payload)

    @property
    def bytes_allowed(self) -> int:
        """The size of the next read while memory is full: what is reserved may come."""
        return min(self.missing_bytes, MAX_READ_BYTES) if self.is_reserved else 0

    def reserve(self) -> None:
        """Count the whole message: it may come now."""
        self._count(self._size)

    def unreserve(self) -> None:
        """Count only what came."""
        self._count(len(self._payload))

    def drop(self) -> int:
        """Count nothing any more; return the number of missing bytes."""
        self._count(0)
        return self.missing_bytes

    def fill(self, data: memoryview) -> bytes | None:
        """Add bytes, at most the missing ones; return the unmasked message if it is complete."""
        if len(data) < self.missing_bytes:
            self._payload += data
            if len(self._payload) > self.held_bytes:
                self._count(len(self._payload))
            return None
        self._count(0)
        self._payload += data
        return apply_mask(self._payload, self._key)

    def _count(self, size: int) -> None:
        self._ledger.add(size - self.held_bytes)
        self.held_bytes = size
