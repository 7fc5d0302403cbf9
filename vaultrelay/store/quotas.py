"""Quotas: how much each payer and all channels together may hold."""

from collections import Counter
from collections.abc import Iterable

from vaultrelay.policy.limits.mailbox import CHANNEL_COST
from vaultrelay.store.store import StoreLimits
from vaultrelay.wire.mailbox import PutReason

Payer = bytes | None
"""The name of a payer, or None if nobody pays."""


class Quotas:
    """Sums over the channels, kept in memory. Changes count at once, and are undone by `cancel`.

    `bytes` are those of items and channels, with their costs.
    """

    def __init__(self, channels: Iterable[tuple[Payer, int, int]]) -> None:
        """Start with the payer, the bytes and the number of items of each channel."""
        self.channels = self.items = self.bytes = 0
        self._payers: Counter[Payer] = Counter()
        """As many as there were access tokens in one retention."""
        self._changes: list[tuple[Payer, int, int, int]] = []
        for payer, size, items in channels:
            self._add(payer, size + CHANNEL_COST, items, 1)

    def refusal(
        self, limits: StoreLimits, payer: Payer, growth: int, moved: int = 0
    ) -> PutReason | None:
        """Return why a payer may not store `growth` bytes, and take over the `moved` ones of a
        channel; None if it may."""
        if growth > 0 and self.bytes + growth > limits.total_bytes:
            return PutReason.AWAY
        if (
            payer is not None
            and growth + moved > 0
            and self._payers[payer] + growth + moved > limits.payer_bytes
        ):
            return PutReason.RATE
        return None

    def change(self, payer: Payer, size: int, items: int = 0, channels: int = 0) -> None:
        """Count bytes, items and channels more, or fewer."""
        self._changes.append((payer, size, items, channels))
        self._add(payer, size, items, channels)

    def keep(self) -> None:
        """Keep the changes: the transaction is committed."""
        self._changes.clear()

    def cancel(self) -> None:
        """Undo the changes since the last `keep`: the transaction is rolled back."""
        for payer, size, items, channels in self._changes:
            self._add(payer, -size, -items, -channels)
        self._changes.clear()

    def _add(self, payer: Payer, size: int, items: int, channels: int) -> None:
        self.bytes += size
        self.items += items
        self.channels += channels
        if payer is not None:
            self._payers[payer] += size
            if not self._payers[payer]:
                del self._payers[payer]
