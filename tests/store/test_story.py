"""Random stories: every engine does what the model does, and no device misses an item unawares."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.store.disks import FAST_FOLDER
from tests.store.engines import ENGINES, Engine, MemoryEngine, SqliteEngine
from tests.store.samples import DAY, NOW, WEEK, erase
from tests.store.sqlite_file import sums_differ
from vaultrelay.store.store import Cursor, Page, Put, Stored, StoreLimits
from vaultrelay.wire.control.mailbox import Gap

CHANNELS = st.sampled_from((b"a" * 32, b"b" * 32))
DEVICES = st.integers(0, 3)
STORIES = int(os.environ.get("MAILBOX_STORIES", "25"))
LIMITS = StoreLimits(channel_items=12, channel_bytes=12 * 300, total_bytes=8_000, payer_bytes=5_000)


class Entry(NamedTuple):
    """A PUT that was stored. `number` is never used again, as an id may be."""

    number: int
    id: bytes
    key: bytes | None


@dataclass
class History:
    """Our own record of what was stored in each channel, and of what was replaced."""

    entries: defaultdict[bytes, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    replaced: set[int] = field(default_factory=set)

    def add(self, number: int, put: Put, place: int) -> None:
        """Add an item. A channel that begins again has no history."""
        if place == 1:
            self.entries[put.channel] = []
        log = self.entries[put.channel]
        self.replaced.update(each.number for each in log if put.key and each.key == put.key)
        log.append(Entry(number, put.id, put.key))
        assert len(log) == place


@dataclass
class Device:
    """A reader of a channel: its cursors in engine and model, and what they stand for."""

    cursors: tuple[Cursor | None, Cursor | None] = (None, None)
    past: list[Entry] = field(default_factory=list)


class Story(RuleBasedStateMachine):
    """Two stores that go through the same; `engine_type` is what is tested."""

    engine_type: Callable[[Path], Engine] = MemoryEngine

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST_FOLDER)
        self.engine = self.engine_type(Path(self.folder.name))
        self.model = MemoryEngine(Path())
        self.now = NOW
        self.ids = self.stored = 0
        self.history = History()
        self.devices: defaultdict[tuple[bytes, int], Device] = defaultdict(Device)
        self.copies: list[tuple[object, object, History]] = []
        self.open()

    def open(self) -> None:
        """Open both stores."""
        self.store = self.engine.open(LIMITS)
        self.reference = self.model.open(LIMITS)

    def teardown(self) -> None:
        """Close what a failed rule may have closed."""
        self.store.close()
        self.folder.cleanup()

    @rule(
        channel=CHANNELS,
        size=st.integers(0, 400),
        key=st.sampled_from((None, None, b"k" * 16)),
        ttl=st.sampled_from((0, 0, 60, DAY)),
        payer=st.sampled_from((None, b"p", b"q")),
        again=st.booleans(),
    )
    def put(
        self,
        channel: bytes,
        size: int,
        key: bytes | None,
        ttl: int,
        payer: bytes | None,
        again: bool,
    ) -> None:
        """Store an item, and another one of the same transaction; perhaps with an old id."""
        puts = []
        for _ in range(2):
            self.ids += not again
            id = self.ids.to_bytes(16, "big")
            puts.append(Put(channel, id, id * (size // 16), key, ttl, payer))
        results = self.store.put(puts, self.now)
        assert _plain(results) == _plain(self.reference.put(puts, self.now))
        for each, result in zip(puts, results, strict=True):
            if isinstance(result, Stored) and result.is_new:
                self.stored += 1
                self.history.add(self.stored, each, result.cursor.place)

    @rule(channel=CHANNELS, device=DEVICES, most=st.sampled_from((0, 300, 1 << 20)))
    def read(self, channel: bytes, device: int, most: int) -> None:
        """Let a device read a page."""
        reader = self.devices[channel, device]
        mine, other = reader.cursors
        page = self.store.page(channel, mine, most, self.now)
        expected = self.reference.page(channel, other, most, self.now)
        assert _plain(page) == _plain(expected)
        assert all(item.payload == item.id * (len(item.payload) // 16) for item in page.items)
        self.check_gap(channel, reader, page)
        reader.cursors = (page.cursor, expected.cursor)
        reader.past = self.history.entries[channel][: page.cursor.place] if page.cursor else []

    def check_gap(self, channel: bytes, reader: Device, page: Page) -> None:
        """Whether a device is told of everything that it misses."""
        cursor = reader.cursors[0]
        if page.gap is Gap.UNKNOWN:
            return
        log = self.history.entries[channel]
        place = 0 if cursor is None else cursor.place
        assert log[:place] == reader.past, "a cursor of another history was accepted"
        if page.gap is None and page.cursor is not None:
            assert [item.id for item in page.items] == [
                entry.id
                for entry in log[place : page.cursor.place]
                if entry.number not in self.history.replaced
            ]

    @rule(channel=CHANNELS, device=DEVICES, all=st.booleans())
    def erase(self, channel: bytes, device: int, all: bool) -> None:
        """Erase all, or what a device has seen."""
        mine, other = (None, None) if all else self.devices[channel, device].cursors
        end = erase(self.store, channel, mine)
        assert _plain(end) == _plain(erase(self.reference, channel, other))

    @rule(seconds=st.sampled_from((30, 60, DAY, WEEK)))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(behind=st.sampled_from((0, 0, DAY)))
    def housekeep(self, behind: int) -> None:
        """Delete what has expired."""
        for store in (self.store, self.reference):
            while store.housekeep(self.now - behind, self.now):
                pass

    @rule()
    def restart(self) -> None:
        """Close and open."""
        self.close()
        self.open()

    @rule()
    def copy(self) -> None:
        """Make a backup."""
        self.close()
        self.copies.append((self.engine.copy(), self.model.copy(), deepcopy(self.history)))
        self.open()

    @rule(back=st.integers(1, 3))
    def restore(self, back: int) -> None:
        """Restore a backup, once there is one."""
        if len(self.copies) >= back:
            mine, other, history = self.copies[-back]
            self.close()
            self.engine.restore(mine)
            self.model.restore(other)
            self.history = deepcopy(history)
            self.open()

    @rule(channel=CHANNELS)
    def damage(self, channel: bytes) -> None:
        """Damage the newest item. It is found at the next reading, and deleted."""
        page = self.store.page(channel, None, 1 << 20, self.now)
        if not page.items:
            return
        place = page.items[-1].cursor.place
        self.close()
        self.engine.damage(channel, place)
        self.model.damage(channel, place)
        self.open()
        self.read(channel, 0, 1 << 20)
        # Device 0 may have seen the item already.
        for store in (self.store, self.reference):
            store.page(channel, None, 1 << 20, self.now)
        self.housekeep(0)

    @invariant()
    def usage_agrees(self) -> None:
        """Both count the same."""
        mine, other = self.store.usage(), self.reference.usage()
        assert mine[:3] == other[:3]

    def close(self) -> None:
        """Close both."""
        self.store.close()
        self.reference.close()
        if isinstance(self.engine, SqliteEngine):
            assert not sums_differ(self.engine.path)


def _plain(result: Any) -> object:
    """A result without runs, which are random, and without times."""
    if isinstance(result, Cursor):
        return result.place
    if isinstance(result, list):
        return [_plain(each) for each in result]
    if isinstance(result, tuple):
        return tuple(_plain(each) for each in result)
    return result


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_does_what_the_model_does(engine: str) -> None:
    story = type("StoryOf" + engine, (Story,), {"engine_type": ENGINES[engine]})
    run_state_machine_as_test(
        story,
        settings=settings(
            max_examples=STORIES, stateful_step_count=40, suppress_health_check=list(HealthCheck)
        ),
    )
