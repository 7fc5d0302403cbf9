"""ChannelList: a large, immutable set of channels, packed into a few objects."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator

from vaultrelay.policy.rest import Rest
from vaultrelay.wire.proof import CHANNEL_BYTES

_PARTS = 256


class ChannelList(Collection[bytes]):
    """Channels by their first byte, sorted and joined.

    A frozenset of 100,000 takes three times the memory, and its growth and its end take
    milliseconds each, in which no other thread runs. `rest` is called often while it is made.
    """

    def __init__(self, channels: Iterable[bytes], rest: Rest) -> None:
        sets = [set[bytes]() for _ in range(_PARTS)]
        for channel in channels:
            sets[channel[0]].add(channel)
        parts = []
        while sets:
            # Freed one by one, too.
            parts.append(b"".join(sorted(sets.pop())))
            rest()
        parts.reverse()
        self._parts = tuple(parts)

    def __len__(self) -> int:
        return sum(map(len, self._parts)) // CHANNEL_BYTES

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            for at in range(0, len(part), CHANNEL_BYTES):
                yield part[at : at + CHANNEL_BYTES]

    def __contains__(self, channel: object) -> bool:
        if not isinstance(channel, bytes) or len(channel) != CHANNEL_BYTES:
            return False
        part = self._parts[channel[0]]
        places = range(0, len(part), CHANNEL_BYTES)
        index = bisect_left(places, channel, key=lambda at: part[at : at + CHANNEL_BYTES])
        return part.startswith(channel, index * CHANNEL_BYTES)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChannelList) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)
