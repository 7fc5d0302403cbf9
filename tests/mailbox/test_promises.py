"""What the mailbox promises to devices, in random stories of several devices and two vaults.

Each device gets the items of its channel once and in order, unless a gap is reported; each PUT has
one answer, or the connection ends; a saved cursor skips nothing. When all faults are over, every
device has all, and was told so.
"""

import os
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.broker.fakes import Nack
from tests.mailbox.relay import MailDevice, MailRelay
from tests.store.memory_store import Disk, MemoryStore
from vaultrelay.broker.outbox import Room
from vaultrelay.policy.limits.mailbox import ROOM_SECONDS
from vaultrelay.store.store import Cursor, Put, Refused, Stored, StoreUnavailable
from vaultrelay.wire import mailbox as wire
from vaultrelay.wire.control.mailbox import Erased, Gap, MailboxState
from vaultrelay.wire.control.mailbox import State as Told
from vaultrelay.wire.mailbox import NO_CURSOR, NO_KEY, PutReason

STORIES = int(os.environ.get("MAILBOX_STORIES", "80"))
NAMES = [(1, 1), (1, 2), (1, 3), (2, 1)]
"""Vaults and tags of the phones."""
PHONES = st.sampled_from(NAMES)
KEY = b"k" * 16
RETRIED = (PutReason.BUSY, PutReason.FULL, PutReason.AWAY)


@dataclass
class History:
    """The log of a channel: what was ever stored in it, by places from 1."""

    ids: list[bytes] = field(default_factory=list)
    keys: dict[bytes, int] = field(default_factory=dict)
    replaced: set[int] = field(default_factory=set)

    def add(self, put: Put, cursor: Cursor) -> None:
        """Add an item."""
        self.ids.append(put.id)
        assert len(self.ids) == cursor.place
        if put.key is not None:
            self.replaced.add(self.keys.get(put.key, 0))
            self.keys[put.key] = cursor.place

    def missed(self, after: int, before: int) -> list[int]:
        """The places between two that a device should have got."""
        return [place for place in range(after + 1, before) if place not in self.replaced]


class RecordingStore(MemoryStore):
    """A store that writes the histories of its channels."""

    histories: dict[bytes, History]

    def put(self, puts: Any, now: int) -> list[Stored | Refused]:
        results = super().put(puts, now)
        for put, result in zip(puts, results, strict=True):
            if isinstance(result, Stored) and result.is_new:
                self.histories.setdefault(put.channel, History()).add(put, result.cursor)
        return results


class RecordedRelay(MailRelay):
    """A relay with such a store."""

    def __init__(self, disk: Disk, histories: dict[bytes, History]) -> None:
        super().__init__(channel_items=12)
        self.disk, self.histories = disk, histories

    def _open(self) -> MemoryStore:
        if self.fault is not None:
            raise self.fault
        self.store = RecordingStore(self.disk, self.store_limits)
        self.store.histories = self.histories
        return self.store


class Phone:
    """A device that keeps its cursor, and checks all that it is sent."""

    def __init__(self, vault: int, tag: int) -> None:
        self.vault, self.tag = vault, tag
        self.cursor = b""
        self.device: MailDevice | None = None

    @property
    def place(self) -> int:
        """The place of its cursor."""
        return Cursor.read(self.cursor).place if self.cursor else 0

    def connect(self, relay: MailRelay) -> None:
        """Open the mailbox."""
        self.device = relay.mail_device(self.tag, self.vault).open(self.cursor)
        channel = self.device._session.channel
        assert channel is not None
        self.history = relay.histories.setdefault(channel.key, History())  # type: ignore[attr-defined]
        self.is_open = self.is_live = self.waits_for_room = self.waits_for_erased = False
        self.gap: str | None = None
        self.puts: dict[int, bool] = {}
        """Whether each has its answer."""
        self.last_stored = 0

    def read(self) -> None:
        """Check what came."""
        if self.device is None:
            return
        for each in self.device.read():
            if isinstance(each, MailboxState):
                self.read_state(each)
            elif isinstance(each, wire.Item):
                assert self.is_open
                self.move(each.cursor)
                assert self.history.ids[self.place - 1] == each.item_id
            elif isinstance(each, wire.Stored):
                self.answered(each.id)
                assert each.id > self.last_stored
                self.last_stored = each.id
                if each.cursor != NO_CURSOR:
                    assert self.is_live
                    self.move(each.cursor)
            elif isinstance(each, Nack):
                self.answered(each.id)
                self.waits_for_room |= each.reason in RETRIED
            elif isinstance(each, Erased):
                self.waits_for_erased = False
        if self.device.closed():
            self.device = None

    def read_state(self, told: MailboxState) -> None:
        """Check a state."""
        if told.state == Told.OPEN:
            assert told.gap is None or told.gap != self.gap, "the same gap twice in a replay"
            self.is_open, self.gap = True, told.gap
            if told.gap == Gap.UNKNOWN:
                self.cursor = b""
        elif told.state == Told.LIVE:
            assert self.is_open
            end = Cursor.read(told.cursor).place if told.cursor else 0
            assert self.gap or not self.history.missed(self.place, end + 1)
            self.cursor = told.cursor or b""
            self.is_live, self.gap = True, None
        elif told.state == Told.AWAY:
            self.is_open, self.is_live, self.gap = False, False, None
        self.waits_for_room &= told.state not in (Told.OPEN, Told.ROOM)

    def move(self, cursor: bytes) -> None:
        """Move on to a place, between which and the last one nothing is missing."""
        place = Cursor.read(cursor).place
        assert place > self.place, "twice, or out of order"
        assert self.gap or not self.history.missed(self.place, place), "skipped"
        self.cursor = cursor

    def answered(self, id: int) -> None:
        """Note the answer to a PUT."""
        assert not self.puts[id], "a second answer"
        self.puts[id] = True


class Promises(RuleBasedStateMachine):
    """Phones that come and go, are slow, store and erase; a store that fails and comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.phones = {(vault, tag): Phone(vault, tag) for vault, tag in NAMES}
        self.disk: Disk = {}
        self.histories: dict[bytes, History] = {}
        self.number = self.pressed = 0
        self.start()
        for phone in self.phones.values():
            phone.connect(self.relay)

    def start(self) -> None:
        """Start a relay on the disk."""
        self.relay = RecordedRelay(self.disk, self.histories)
        self.pressed = 0

    def online(self, name: tuple[int, int]) -> MailDevice | None:
        """The connection of a phone, whose messages are all read."""
        phone = self.phones[name]
        phone.read()
        return phone.device

    @rule(name=PHONES)
    def connect(self, name: tuple[int, int]) -> None:
        """Connect, perhaps in the place of an older connection."""
        self.online(name)
        self.phones[name].connect(self.relay)

    @rule(name=PHONES, has_read=st.booleans())
    def leave(self, name: tuple[int, int], has_read: bool) -> None:
        """Go, perhaps before what was sent has come."""
        phone = self.phones[name]
        if has_read:
            phone.read()
        if phone.device is not None:
            phone.device.leave()
            phone.device = None

    @rule(
        name=PHONES,
        size=st.sampled_from((0, 0, 30_000, 60_000)),
        key=st.sampled_from((NO_KEY, NO_KEY, KEY)),
        again=st.booleans(),
        count=st.integers(1, 8),
    )
    def put(self, name: tuple[int, int], size: int, key: bytes, again: bool, count: int) -> None:
        """Send PUTs, perhaps with an id that was used."""
        if (device := self.online(name)) is None:
            return
        for _ in range(count):
            self.number += not (again and self.number)
            self.phones[name].puts[device.put(self.number, bytes(size), key)] = False

    @rule(name=PHONES, all=st.booleans())
    def erase(self, name: tuple[int, int], all: bool) -> None:
        """Erase all, or what the phone has seen."""
        if (device := self.online(name)) is not None:
            phone = self.phones[name]
            phone.waits_for_erased = True
            device.erase(None if all else phone.cursor or None)

    @rule(name=PHONES, room=st.sampled_from((Room.HIGH, Room.FULL)))
    def stall(self, name: tuple[int, int], room: Room) -> None:
        """Take nothing."""
        if (device := self.online(name)) is not None:
            device.outbox.room, device.outbox.is_empty = room, False

    @rule(name=PHONES)
    def take_all(self, name: tuple[int, int]) -> None:
        """Take what waits."""
        if (device := self.online(name)) is not None:
            device.take_all()

    @rule(rounds=st.integers(1, 4), seconds=st.sampled_from((0.0, 0.02, 10.0)))
    def work(self, rounds: int, seconds: float) -> None:
        """Let the clerk do some rounds, of which the relay does not hear yet."""
        for _ in range(rounds):
            self.relay.clock.advance(seconds)
            self.relay.clerk.round()

    @rule()
    def work_and_hear(self) -> None:
        """Let the clerk do all."""
        self.relay.work()

    @rule(count=st.integers(1, 3))
    def hear(self, count: int) -> None:
        """Let the relay hear of some results."""
        for _ in range(min(count, len(self.relay.calls))):
            self.relay.calls.popleft()()

    @rule()
    def tick(self) -> None:
        """Let a second pass: memory is free again, and the disk can be opened."""
        self.free()
        self.relay.fault = None
        self.relay.clock.advance(1)
        self.relay.streams.tick()

    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """Let an item expire."""
        kept = [kept for log in self.disk.values() for kept in log.items.values()]
        if kept:
            data.draw(st.sampled_from(kept)).expires = 0

    @rule(can_open=st.booleans())
    def fail(self, can_open: bool) -> None:
        """Let the disk fail, now or also when it is opened again."""
        if self.relay.clerk.state.value == "open":
            self.relay.store.fault = StoreUnavailable("unplugged")
            self.relay.fault = None if can_open else self.relay.store.fault

    @rule()
    def press(self) -> None:
        """Let memory be short."""
        self.pressed += self.relay.ledger.limit
        self.relay.ledger.add(self.relay.ledger.limit)

    def free(self) -> None:
        """Let memory be free again."""
        self.relay.ledger.add(-self.pressed)
        self.pressed = 0

    @rule()
    def restart(self) -> None:
        """Kill the relay, and start another one, to which the phones come back."""
        self.start()
        for phone in self.phones.values():
            if phone.device is not None:
                phone.read()
                phone.connect(self.relay)

    @rule()
    def settle(self) -> None:
        """End all faults: everybody gets everything."""
        self.free()
        self.relay.fault = None
        for _ in range(3):
            self.relay.clock.advance(ROOM_SECONDS)
            self.relay.work()
            for phone in self.phones.values():
                if phone.device is not None:
                    phone.device.take_all()
            self.relay.work()
            self.relay.streams.tick()
        for phone in self.phones.values():
            phone.read()
            if phone.device is not None:
                assert phone.is_live
                assert not phone.history.missed(phone.place, len(phone.history.ids) + 1)
                assert all(phone.puts.values()), "no answer"
                assert not phone.waits_for_room
                assert not phone.waits_for_erased
        assert not self.relay.ledger.held

    def teardown(self) -> None:
        self.settle()


def test_the_mailbox_keeps_its_promises() -> None:
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=STORIES, stateful_step_count=60, suppress_health_check=list(HealthCheck)
        ),
    )
