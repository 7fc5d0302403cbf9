"""ReaderQueue: the order in which networks have the core, by the time that each has used.

Start-time fair queuing: each network has a virtual time, which its use advances. The network that
is furthest behind is next, and its time is the present. One that was idle starts at the present,
so that it neither saves up time nor owes any. Inside a network the narrower ones, their channels,
and the readers of a channel take turns.
"""

from collections import OrderedDict
from collections.abc import Hashable
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Any, Generic, TypeAlias, TypeVar

Reader = TypeVar("Reader", bound=Hashable)

Path: TypeAlias = tuple[Hashable, ...]
"""The groups of a reader, the widest first; times are counted for the widest."""

_Level: TypeAlias = OrderedDict[Any, Any]
"""The waiting members of a group in the order of their turns: a _Level of each group inside it, or
None for each reader."""


class ReaderQueue(Generic[Reader]):
    """Readers that wait for the core, and the seconds that networks have used.

    A network may be `quantum` seconds ahead of the present before its readers have to wait.
    """

    def __init__(self, quantum: float) -> None:
        self._quantum = quantum
        self._present = 0.0
        self._times: dict[Hashable, float] = {}
        """The virtual times of networks that are ahead of the present, or were."""
        self._order: list[tuple[float, int, Hashable]] = []
        """Heap of the networks with waiting readers. A time in it may be out of date: earlier than
        the network's own."""
        self._serial = count()
        self._waiting: dict[Hashable, _Level] = {}
        self._paths: dict[Reader, Path] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def charge(self, network: Hashable, seconds: float) -> None:
        """Count time that a network has used."""
        self._times[network] = self._time(network) + seconds

    def is_ahead(self, network: Hashable) -> bool:
        """Return whether the readers of a network have to wait."""
        return self._time(network) > self._present + self._quantum

    @property
    def is_next_ahead(self) -> bool:
        """Whether the network of the next reader has to wait; False without one."""
        return bool(self._order) and self.is_ahead(self._order[0][2])

    def push(self, path: Path, reader: Reader) -> bool:
        """Let a reader wait; return False if it does already."""
        if reader in self._paths:
            return False
        self._paths[reader] = path
        network, *inner = path
        if network not in self._waiting:
            self._waiting[network] = OrderedDict()
            heappush(self._order, (self._time(network), next(self._serial), network))
        level = self._waiting[network]
        for group in inner:
            level = level.setdefault(group, OrderedDict())
        level[reader] = None
        return True

    def pop(self) -> Reader | None:
        """Return the next reader, which waits no longer; None without one."""
        while self._order:
            time, _, network = self._order[0]
            if self._time(network) > time:
                heapreplace(self._order, (self._time(network), next(self._serial), network))
                continue
            self._present = max(self._present, time)
            level = self._waiting[network]
            reader: Reader = _take_turn(level)
            del self._paths[reader]
            if not level:
                heappop(self._order)
                del self._waiting[network]
            return reader
        return None

    def remove(self, reader: Reader) -> None:
        """Let a reader wait no longer. Does nothing for one that does not wait."""
        path = self._paths.pop(reader, None)
        if path is not None:
            network, *inner = path
            _remove(self._waiting[network], [*inner, reader])
            if not self._waiting[network]:
                del self._waiting[network]
                self._order = [entry for entry in self._order if entry[2] != network]
                heapify(self._order)

    def forget(self) -> None:
        """Drop the times that are past. To be called periodically."""
        present = self._present
        self._times = {group: time for group, time in self._times.items() if time > present}

    def _time(self, network: Hashable) -> float:
        return max(self._times.get(network, 0.0), self._present)


def _take_turn(level: _Level) -> Any:
    """Remove and return the next reader."""
    member, inside = next(iter(level.items()))
    if inside is None:
        del level[member]
        return member
    reader = _take_turn(inside)
    if inside:
        level.move_to_end(member)
    else:
        del level[member]
    return reader


def _remove(level: _Level, names: list[Hashable]) -> None:
    """Remove the reader that the last name is, and the groups that become empty."""
    name, *inner = names
    if inner:
        _remove(level[name], inner)
    if not level[name]:
        del level[name]
