"""CurrentShares: shares of memory, measured while it is short."""

from collections.abc import Callable, Collection, Iterable, Sized
from math import inf

from vaultrelay.broker.outbox import Clock
from vaultrelay.broker.pressed_reader import PressedReader, holding_of
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.pressure import SHARES_SECONDS
from vaultrelay.policy.memory_shares import Holding, MemoryShares


class CurrentShares:
    """The bytes that each group holds, measured again when they are older than `seconds`.

    `measure` is called with the result of `others`. The more `holders` there are, the longer a
    measurement takes, and the longer it is used.
    """

    def __init__(
        self,
        measure: Callable[[Iterable[Holding]], MemoryShares],
        clock: Clock,
        holders: Sized,
    ) -> None:
        self.others: Callable[[], Iterable[Holding]] = tuple
        """Returns the memory held for devices outside their connections."""
        self._measure = measure
        self._clock = clock
        self._holders = holders
        self._shares = MemoryShares((), 0)
        self._measured_at = -inf

    @property
    def seconds(self) -> float:
        """For how long a measurement is used."""
        return SHARES_SECONDS * max(1, len(self._holders) / 1000)

    def now(self) -> MemoryShares:
        """Return the present shares."""
        now = self._clock.seconds()
        if now - self._measured_at > self.seconds:
            self._measured_at = now
            self._shares = self._measure(self.others())
        return self._shares


def measure(
    connections: Collection[PressedReader], ledger: Ledger, others: Iterable[Holding] = ()
) -> MemoryShares:
    """Measure the bytes that each group holds."""
    holdings = [holding_of(each) for each in connections if each.held_bytes]
    return MemoryShares([*holdings, *others], ledger.full, ledger.least_share)
