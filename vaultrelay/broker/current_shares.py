"""CurrentShares: the shares of the memory, measured while it is short."""

from collections.abc import Collection
from math import inf

from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.pressed_reader import PressedReader, holding_of
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.pressure import SHARES_SECONDS
from vaultrelay.policy.memory_shares import MemoryShares


class CurrentShares:
    """The bytes that each group holds, measured again when they are older than `seconds`."""

    def __init__(
        self, connections: Collection[PressedReader], ledger: Ledger, clock: Clock
    ) -> None:
        self._connections = connections
        self._ledger = ledger
        self._clock = clock
        self._shares = MemoryShares((), 0)
        self._measured_at = -inf

    @property
    def seconds(self) -> float:
        """The longest use of a measurement, which takes longer with more connections."""
        return SHARES_SECONDS * max(1, len(self._connections) / 1000)

    def now(self) -> MemoryShares:
        """Return the present shares."""
        now = self._clock.seconds()
        if now - self._measured_at > self.seconds:
            self._measured_at = now
            self._shares = measure(self._connections, self._ledger)
        return self._shares


def measure(connections: Collection[PressedReader], ledger: Ledger) -> MemoryShares:
    """Measure the bytes that each group holds."""
    holdings = (holding_of(each) for each in connections if each.held_bytes)
    return MemoryShares(holdings, ledger.full, ledger.least_share)
