"""NetworkLimits: the shares and rates of networks of one width: an address, or one around it."""

from typing import TypeAlias

from vaultrelay.policy.limits.core import BUSY_BURST_SECONDS, BUSY_DEVICES_PER_ADDRESS
from vaultrelay.policy.limits.networks import (
    ARRIVALS_PER_JOIN,
    DRAIN_CHANNEL_SECONDS,
    DRAIN_CHANNELS_PER_ADDRESS,
    JOIN_SECONDS_PER_DEVICE,
    JOINS_AT_ONCE_PER_DEVICE,
    MIN_PER_ADDRESS,
    RESERVED_PER_ADDRESS,
    SHARE_PER_ADDRESS,
)
from vaultrelay.policy.limits.session import SessionLimits

ARRIVALS, JOINS, DRAINED_CHANNELS, DELIVERIES, BYTES, CORE = range(6)
"""The events with a rate, as indexes into `NetworkLimits.rates`. The last three are charged while
others want the core; that of CORE is a second."""
PACED = 6

Rate: TypeAlias = tuple[float, float]
"""The seconds that each event takes to be paid, and the most seconds that may be owed."""


class NetworkLimits:
    """The limits of a network: `factor` times those of an address.

    It has at most as many devices as `addresses` addresses could have. `word` is the prefix of the
    reasons for refusals.
    """

    __slots__ = ("_addresses", "_factor", "max_devices", "rates", "reserved", "waiting", "word")

    def __init__(self, word: str, factor: float = 1, addresses: int = 1) -> None:
        self.word = word
        self._factor = factor
        self._addresses = addresses
        self.reserved = int(RESERVED_PER_ADDRESS * factor)

    def change(self, per_address: int, capacity: int, waiting: int, device: SessionLimits) -> None:
        """Derive the limits from the devices of an address and the capacity of the relay.

        With 0 devices per address, a network may fill the relay. `waiting` is the limit on pending
        connections of an address, `device` has the rates of one device.
        """
        self.waiting = int(waiting * self._factor)
        per_address = per_address or capacity
        share = int(self._factor * capacity / SHARE_PER_ADDRESS)
        self.max_devices = max(per_address, min(per_address * self._addresses, share))
        size = max(self.max_devices, MIN_PER_ADDRESS)
        joins, every = size * JOINS_AT_ONCE_PER_DEVICE, JOIN_SECONDS_PER_DEVICE / size
        self.rates: tuple[Rate, ...] = (
            _rate(every / ARRIVALS_PER_JOIN, joins * ARRIVALS_PER_JOIN),
            _rate(every, joins),
            _rate(
                DRAIN_CHANNEL_SECONDS / self._factor, int(DRAIN_CHANNELS_PER_ADDRESS * self._factor)
            ),
            self._traffic(device.messages_per_second),
            self._traffic(device.bytes_per_second),
            (SHARE_PER_ADDRESS / self._factor, BUSY_BURST_SECONDS),
        )

    def _traffic(self, of_device: int) -> Rate:
        """Return the rate of deliveries or bytes."""
        per_second = BUSY_DEVICES_PER_ADDRESS * self._factor * of_device
        return (1 / per_second, BUSY_BURST_SECONDS) if per_second else (0.0, 0.0)


def _rate(every: float, at_once: int) -> Rate:
    # Half an event more, so that rounding loses none.
    return every, (at_once + 0.5) * every
