"""HeldMessages: messages read from a device before it was paused, to be relayed later."""

from sys import getsizeof

from vaultrelay.policy.ledger import Ledger


class HeldMessages:
    """Messages that were read before a pause, and the size of the bytes after them.

    These, `rest_bytes` so far, are the `rest` of the FrameReader. `held_bytes` has both, and is
    counted in the ledger until `take`.
    """

    __slots__ = ("_ledger", "_messages", "held_bytes")

    def __init__(self, messages: list[bytes], rest_bytes: int, ledger: Ledger) -> None:
        self._messages = messages
        self._ledger = ledger
        self.held_bytes = 0
        # Of small messages the objects take more than the bytes.
        self.count(sum(map(getsizeof, messages)) + rest_bytes)

    def count(self, size: int) -> None:
        """Count bytes read after the pause."""
        self.held_bytes += size
        self._ledger.add(size)

    def take(self) -> list[bytes]:
        """Return the messages, and hold nothing any more."""
        self.count(-self.held_bytes)
        messages, self._messages = self._messages, []
        return messages
