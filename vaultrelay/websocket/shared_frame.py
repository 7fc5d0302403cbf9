"""SharedFrame: the frame of a broadcast, counted once for all receivers that wait for it."""

from vaultrelay.policy.ledger import Ledger


class SharedFrame:
    """One frame, counted in the ledger while at least one receiver holds it."""

    __slots__ = ("_holders", "_ledger", "frame")

    def __init__(self, frame: bytes, ledger: Ledger) -> None:
        self.frame = frame
        self._ledger = ledger
        self._holders = 0

    def hold(self) -> None:
        """Count one more receiver."""
        if not self._holders:
            self._ledger.add(len(self.frame))
        self._holders += 1

    def release(self) -> None:
        """Count one receiver less."""
        self._holders -= 1
        if not self._holders:
            self._ledger.add(-len(self.frame))
