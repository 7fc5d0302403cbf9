"""MailMemory: for which devices the mailbox may hold more bytes while memory or the disk is short.

Its bytes count towards the shares of channels and networks, like the messages of connections. Pages
that a device has not read are in its send queue; PUTs that wait for the disk are counted here.
While many PUTs wait, each group has a share of those, too, even if there is memory. All PUTs
together hold at most a part of the memory, so messages between devices do not wait for the disk.
"""

from vaultrelay.broker.current_shares import CurrentShares
from vaultrelay.broker.outbox import Clock
from vaultrelay.mailbox.device_stream import DeviceStream
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.mailbox import (
    FEW_PUTS_SHARE,
    MAX_WAITING_BYTES,
    PUT_MEMORY_SHARE,
    WAITING_PUT_BYTES,
)
from vaultrelay.policy.limits.pressure import PRESSED_SHARE
from vaultrelay.policy.memory_shares import Holding, MemoryShares


class MailMemory:
    """Counts waiting PUTs in the ledger and in `shares`, the shares of the memory for messages."""

    def __init__(self, ledger: Ledger, shares: CurrentShares, clock: Clock) -> None:
        self._ledger = ledger
        self._shares = shares
        self._putting: dict[DeviceStream, None] = {}
        """Streams with PUTs that wait for the disk, including closed ones."""
        self._put_bytes = 0
        """Bytes of all PUTs that wait."""
        self._put_shares = CurrentShares(
            lambda others: MemoryShares(others, self._put_limit), clock, self._putting
        )
        shares.others = self._put_shares.others = self._holdings

    @property
    def is_pressed(self) -> bool:
        """Whether memory is short."""
        return self._ledger.is_pressed

    @property
    def has_few_puts(self) -> bool:
        """Whether so few PUTs wait that every refused device may send again."""
        return self._put_bytes <= self._put_limit // FEW_PUTS_SHARE

    @property
    def seconds(self) -> float:
        """Time until a device that is short may have room: the shares are measured again."""
        return self._shares.seconds

    def is_short(self, stream: DeviceStream, size: int) -> bool:
        """Return whether memory is short, and `size` more bytes would exceed it or the shares of
        the device's groups."""
        if not self._ledger.is_pressed:
            return False
        return not self._ledger.has_room(size) or self._shares.now().is_over(
            _groups_of(stream), size
        )

    def may_put(self, stream: DeviceStream, size: int) -> bool:
        """Return whether a PUT of the device may wait for the disk."""
        if self._put_bytes + size > self._put_limit or self.is_short(stream, size):
            return False
        return not (self._is_crowded and self.is_over_put_share(stream))

    def is_over_put_share(self, stream: DeviceStream, size: int = 0) -> bool:
        """Return whether the waiting PUTs of the device's channel or network exceed its share, or
        would with `size` more bytes."""
        return self._put_shares.now().is_over(_groups_of(stream), size)

    def reserve(self, stream: DeviceStream, size: int) -> None:
        """Count bytes that are about to be read for a device."""
        self._ledger.add(size)
        if self._ledger.is_pressed:
            # Many may reserve before the shares are measured again.
            self._shares.now().add(_groups_of(stream), size)

    def release(self, size: int) -> None:
        """Stop counting reserved bytes: from now on the connection counts them."""
        self._ledger.add(-size)

    def hold_put(self, stream: DeviceStream, size: int) -> None:
        """Count a PUT of a device that waits for the disk."""
        held = size + WAITING_PUT_BYTES
        # Before the PUT is among the holdings: a measurement would count it twice.
        self.reserve(stream, held)
        if self._is_crowded:
            self._put_shares.now().add(_groups_of(stream), held)
        stream.unanswered += size
        stream.waiting += 1
        self._putting[stream] = None
        self._put_bytes += held

    def release_put(self, stream: DeviceStream, size: int) -> None:
        """Stop counting a PUT that was answered."""
        stream.unanswered -= size
        stream.waiting -= 1
        if not stream.waiting:
            del self._putting[stream]
        self._put_bytes -= size + WAITING_PUT_BYTES
        self._ledger.add(-size - WAITING_PUT_BYTES)

    @property
    def _put_limit(self) -> int:
        return min(self._ledger.limit // PUT_MEMORY_SHARE, MAX_WAITING_BYTES)

    @property
    def _is_crowded(self) -> bool:
        return self._put_bytes > self._put_limit // PRESSED_SHARE

    def _holdings(self) -> list[Holding]:
        return [
            _groups_of(each)._replace(own_bytes=each.unanswered + each.waiting * WAITING_PUT_BYTES)
            for each in self._putting
        ]


def _groups_of(stream: DeviceStream) -> Holding:
    # Not session.channel: a closed session has none.
    return Holding(stream.channel, stream.session.budgets, 0, 0)
