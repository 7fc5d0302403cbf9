"""NetworkLimits: the shares and rates of a network of one width: an address, or one around it."""

from typing import TypeAlias

from vaultrelay.policy.limits import (
    ARRIVALS_PER_JOIN,
    DRAIN_CHANNEL_SECONDS,
    DRAIN_CHANNELS_PER_ADDRESS,
    JOIN_SECONDS_PER_DEVICE,
    JOINS_AT_ONCE_PER_DEVICE,
    LEAST_PER_ADDRESS,
    RESERVED_PER_ADDRESS,
    SHARE_PER_ADDRESS,
)

ARRIVALS, JOINS, DRAINED_CHANNELS = range(3)
"""What has a rate: the place in `NetworkLimits.rates`."""
PACED = 3

Rate: TypeAlias = tuple[float, float]
"""The seconds that each takes to be paid, and for how many seconds may be owed at most."""


class NetworkLimits:
    """What a network may have: `factor` times what an address may.

    Of devices it has no more than so many of its `addresses` could have. `word` begins the reasons
    for refusals.
    """

    __slots__ = ("_addresses", "_factor", "places", "rates", "reserved", "waiting", "word")

    def __init__(self, word: str, factor: float = 1, addresses: int = 1) -> None:
        self.word = word
        self._factor = factor
        self._addresses = addresses
        self.reserved = int(RESERVED_PER_ADDRESS * factor)

    def change(self, per_address: int, capacity: int, waiting: int) -> None:
        """Follow from the devices that an address may have, and those that the relay may have.

        0 is no limit, and then a network may have as many as the relay. `waiting` is how many
        connections of an address may be at the front door.
        """
        self.waiting = int(waiting * self._factor)
        per_address = per_address or capacity
        share = int(self._factor * capacity / SHARE_PER_ADDRESS)
        self.places = max(per_address, min(per_address * self._addresses, share))
        size = max(self.places, LEAST_PER_ADDRESS)
        joins, every = size * JOINS_AT_ONCE_PER_DEVICE, JOIN_SECONDS_PER_DEVICE / size
        self.rates: tuple[Rate, Rate, Rate] = (
            _rate(every / ARRIVALS_PER_JOIN, joins * ARRIVALS_PER_JOIN),
            _rate(every, joins),
            _rate(
                DRAIN_CHANNEL_SECONDS / self._factor, int(DRAIN_CHANNELS_PER_ADDRESS * self._factor)
            ),
        )


def _rate(every: float, at_once: int) -> Rate:
    # Half a one more, so that rounding takes none away.
    return every, (at_once + 0.5) * every
