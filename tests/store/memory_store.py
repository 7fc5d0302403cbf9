"""MemoryStore: a Store in memory, as a model of the others and for tests of what uses one."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vaultrelay.policy.limits.mailbox import CHANNEL_COST
from vaultrelay.store.store import Cursor, Item, Page, Put, Refused, Stored, StoreLimits, Usage
from vaultrelay.wire.control.mailbox import Gap
from vaultrelay.wire.mailbox import PutReason


@dataclass
class Kept:
    """A stored item."""

    put: Put
    expires: int


@dataclass
class Log:
    """A channel. `spans` are the first places of runs."""

    payer: bytes | None = None
    head: int = 0
    lost: int = 0
    used: int = 0
    items: dict[int, Kept] = field(default_factory=dict)
    spans: list[tuple[int, bytes]] = field(default_factory=list)
    birth: bytes = field(default_factory=lambda: secrets.token_bytes(8))

    @property
    def size(self) -> int:
        """The bytes of the items."""
        return sum(kept.put.cost for kept in self.items.values())

    def cursor(self, place: int) -> Cursor:
        """The cursor of a place."""
        return Cursor([run for first, run in self.spans if first <= place][-1], place)

    def knows(self, cursor: Cursor) -> bool:
        """Whether the same run has written this place."""
        in_range = self.spans[0][0] <= cursor.place <= self.head
        return in_range and self.cursor(cursor.place) == cursor

    def delete(self, places: list[int]) -> None:
        """Delete items that some devices may not have seen."""
        for place in places:
            del self.items[place]
        self.lost = max([self.lost, *places])
        oldest = min([self.lost, *self.items])
        while len(self.spans) > 1 and self.spans[1][0] <= oldest:
            del self.spans[0]


Disk = dict[bytes, Log]
"""What is left after a store is closed: the channels."""


class MemoryStore:
    """The simplest store: one opening of a "disk"."""

    def __init__(self, disk: Disk | None = None, limits: StoreLimits | None = None) -> None:
        self.limits = limits or StoreLimits()
        self.disk = {} if disk is None else disk
        self.fault: Exception | None = None
        """Raised by each method, if any."""
        self.has_room = True
        self.is_closed = False
        self.slices = 0
        """Slices of housekeeping that remain."""
        self.batches: list[list[Put]] = []
        self._time: int | None = None
        self._expired = 0
        self._runs: dict[bytes, bytes] = {}

    def put(self, puts: Sequence[Put], now: int) -> list[Stored | Refused]:
        """Store items."""
        self._raise_fault()
        self.batches.append(list(puts))
        return [self._put(put, now) for put in puts]

    def _put(self, put: Put, now: int) -> Stored | Refused:
        if len(put.payload) > self.limits.item_bytes:
            return Refused(PutReason.TOO_BIG)
        log = self.disk.get(put.channel, Log())
        for place, kept in log.items.items():
            if kept.put.id == put.id:
                return Stored(log.cursor(place), is_new=False)
        older = [
            place
            for place, kept in log.items.items()
            if put.key is not None and kept.put.key == put.key
        ]
        changed = replace(log, items=dict(log.items), spans=list(log.spans), payer=put.payer)
        after = self.disk | {put.channel: changed}
        for place in older:
            del changed.items[place]
        run = self._runs.setdefault(log.birth, secrets.token_bytes(8))
        changed.head += 1
        if not changed.spans or changed.spans[-1][1] != run:
            changed.spans.append((changed.head, run))
        changed.items[changed.head] = Kept(put, _minute(now + self.limits.lifetime(put.ttl)))
        changed.used = now
        reason = self._refusal(put, after, changed)
        if reason is not None:
            return Refused(reason)
        self.disk[put.channel] = changed
        return Stored(changed.cursor(changed.head), is_new=True)

    def _refusal(self, put: Put, after: Disk, changed: Log) -> PutReason | None:
        """Why the store must not become so, by sums of everything."""
        limits, before = self.limits, self.disk.get(put.channel, Log())
        if len(changed.items) > max(limits.channel_items, len(before.items)):
            return PutReason.FULL
        if changed.size > max(limits.channel_bytes, before.size):
            return PutReason.FULL
        if _size(after) > max(limits.total_bytes, _size(self.disk)):
            return PutReason.AWAY
        held = _size(self.disk, put.payer)
        if put.payer and _size(after, put.payer) > max(limits.payer_bytes, held):
            return PutReason.RATE
        return None

    def page(self, channel: bytes, cursor: Cursor | None, most: int, now: int) -> Page:
        """Read items."""
        self._raise_fault()
        log = self.disk.get(channel)
        if log is None:
            return Page([], None, True, None if cursor is None else Gap.UNKNOWN)
        gap = None
        if cursor is not None and not log.knows(cursor):
            gap = Gap.UNKNOWN
        elif (0 if cursor is None else cursor.place) < log.lost:
            gap = Gap.GONE
        at = 0 if cursor is None or gap is Gap.UNKNOWN else cursor.place
        items: list[Item] = []
        size = 0
        for place in sorted(place for place in log.items if place > at):
            kept = log.items[place]
            if kept.expires <= now:
                gap = gap or Gap.GONE
            elif items and size + kept.put.cost > most:
                return Page(items, log.cursor(at), False, gap)
            else:
                items.append(Item(kept.put.id, log.cursor(place), kept.put.payload))
                size += kept.put.cost
            at = place
        return Page(items, log.cursor(log.head), True, gap)

    def erase(
        self, channel: bytes, upto: Cursor | None, between: Callable[[], None]
    ) -> Cursor | None:
        """Delete items, after a call of `between`."""
        self._raise_fault()
        between()
        log = self.disk.get(channel)
        if log is None or (upto is not None and not log.knows(upto)):
            return None
        end = log.cursor(log.head) if upto is None else upto
        log.delete([place for place in log.items if place <= end.place])
        return end

    def housekeep(self, now: int, latest: int) -> bool:
        """Do all at once, but for `slices` that tests ask for."""
        self._raise_fault()
        for name, log in list(self.disk.items()):
            for kept in log.items.values():
                kept.expires = min(kept.expires, _minute(latest + self.limits.retention))
            expired = [place for place, kept in log.items.items() if kept.expires <= now]
            self._expired += len(expired)
            if expired:
                log.delete(expired)
            if not log.items and log.used // 86400 < (now - self.limits.retention) // 86400:
                del self.disk[name]
        self.slices = max(self.slices - 1, 0)
        return bool(self.slices)

    def usage(self) -> Usage:
        """Sum up."""
        self._raise_fault()
        kept = [kept for log in self.disk.values() for kept in log.items.values()]
        return Usage(
            items=len(kept),
            channels=len(self.disk),
            bytes=_size(self.disk),
            file_bytes=0,
            expired=self._expired,
            damaged=0,
            next_expiry=min((each.expires for each in kept), default=None),
        )

    def saved_time(self) -> int | None:
        """The saved time."""
        self._raise_fault()
        return self._time

    def save_time(self, now: int) -> None:
        """Save the time."""
        self._raise_fault()
        self._time = now

    def is_writable(self) -> bool:
        """What the test says."""
        return self.has_room

    def check(self) -> None:
        """Nothing can be damaged."""
        self._raise_fault()

    def backup(self, path: Path, between: Callable[[], None]) -> None:
        """Call `between` once, and write nothing that could be read."""
        self._raise_fault()
        path.touch(exist_ok=False)
        between()

    def close(self) -> None:
        """Close."""
        self.is_closed = True

    def _raise_fault(self) -> None:
        if self.fault is not None:
            raise self.fault


def _minute(time: int) -> int:
    """The full minute at or after a time: finer times are not kept."""
    return -(-time // 60) * 60


def _size(disk: Disk, payer: bytes | None = None) -> int:
    return sum(
        log.size + CHANNEL_COST for log in disk.values() if payer is None or log.payer == payer
    )
