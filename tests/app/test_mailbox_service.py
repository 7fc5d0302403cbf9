"""The mailbox of a relay: start, stop, reload, and changes of its state."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any, TypeAlias

import pytest

from tests.memory import Relay
from tests.store.memory_store import Disk, MemoryStore
from tests.store.samples import put
from vaultrelay.app import mailbox_service
from vaultrelay.app.exit_status import CannotStart
from vaultrelay.app.mailbox_service import MailboxService
from vaultrelay.store.store import (
    Put,
    Refused,
    Stored,
    StoreDamaged,
    StoreFull,
    StoreLimits,
    StoreUnavailable,
)
from vaultrelay.wire.mailbox import PutReason

Calls: TypeAlias = "Queue[Callable[[], None]]"
_WAIT_SECONDS = 20


class FaultyStore(MemoryStore):
    """A store that fails as the test wants."""

    fault: Exception | None = None

    def put(self, puts: Sequence[Put], now: int) -> list[Stored | Refused]:
        if FaultyStore.fault is not None:
            raise FaultyStore.fault
        return super().put(puts, now)

    def is_writable(self) -> bool:
        return FaultyStore.fault is None


class Streams:
    """Notes what the streams are told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: self.told.append(name)


class MailboxRelay:
    """A relay in memory, whose clerk has a thread; its calls wait for `settle`."""

    def __init__(self, calls: Calls, **settings: Any) -> None:
        self._calls = calls
        self.service = Relay(**settings).service
        assert self.service.mailbox is not None
        self.mailbox: MailboxService = self.service.mailbox

    def put(self, item: Put) -> Stored | Refused:
        """The answer to a PUT."""
        answers: list[Stored | Refused] = []
        assert self.mailbox.clerk.put(item, answers.append)
        while not answers:
            self.settle()
        return answers[0]

    def settle(self) -> None:
        """Make the next call of the clerk's."""
        self._calls.get(timeout=_WAIT_SECONDS)()

    def slugs(self) -> list[str]:
        return [each.slug for each in self.service.warnings()]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Starts relays with a mailbox in `tmp_path`."""
    relays: list[MailboxRelay] = []
    calls: Calls = Queue()
    monkeypatch.setattr(
        "twisted.internet.testing.MemoryReactorClock.callFromThread", calls.put, raising=False
    )

    def start(**settings: Any) -> MailboxRelay:
        ours = {"mailbox": str(tmp_path / "mailbox"), "mailbox_open": True}
        relay = MailboxRelay(calls, **ours | settings)
        relay.mailbox.startService()
        relays.append(relay)
        return relay

    yield start
    for relay in relays:
        relay.mailbox.stopService()


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FaultyStore]]:
    """The store is in memory, and fails with its `fault`."""
    disk: Disk = {}

    def open_store(folder: Path, key: Path, limits: StoreLimits, free_bytes: int) -> FaultyStore:
        if isinstance(FaultyStore.fault, StoreUnavailable):
            raise FaultyStore.fault
        return FaultyStore(disk, limits)

    monkeypatch.setattr(mailbox_service, "open_sqlite_store", open_store)
    yield FaultyStore
    FaultyStore.fault = None


Start = Callable[..., MailboxRelay]


def test_it_makes_its_folder_and_stores(started: Start, tmp_path: Path) -> None:
    relay = started()
    assert relay.mailbox.health.state == "open"
    assert relay.service.broker.mailbox is relay.mailbox.streams
    assert isinstance(relay.put(put(1)), Stored)
    assert {"key", "lock", "mailbox.db"} <= {path.name for path in (tmp_path / "mailbox").iterdir()}
    assert "mailbox" not in relay.slugs()


def test_its_figures_are_those_of_the_pages(started: Start) -> None:
    relay = started()
    relay.put(put(1))
    found = relay.mailbox.snapshot()
    assert (found.state, found.commits, found.waiting_bytes) == ("open", 1, 0)
    assert found.limit_bytes == relay.service.settings.total_bytes


def test_its_key_may_lie_elsewhere(started: Start, tmp_path: Path) -> None:
    started(mailbox_key=str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "mailbox" / "key").exists()


def test_after_a_stop_another_one_may_start(started: Start) -> None:
    first = started()
    first.put(put(1))
    first.mailbox.stopService()
    second = started()
    assert second.put(put(1)) == second.put(put(1))


def test_what_must_not_be_opened_is_an_error_of_the_start(started: Start, tmp_path: Path) -> None:
    (tmp_path / "mailbox").mkdir(mode=0o755)
    with pytest.raises(CannotStart, match="cannot open the mailbox: others can enter the folder"):
        started()


def test_a_reload_changes_the_limits(started: Start) -> None:
    relay = started()
    settings = relay.service.settings
    assert isinstance(relay.put(put(1, payload=bytes(2000))), Stored)
    relay.service.change(replace(settings, item_bytes=1024, retention=120, address_bytes=7))
    assert relay.mailbox.streams.limits.retention == 120
    assert relay.mailbox.payers.address_bytes == 7
    while relay.put(put(2, payload=bytes(2000))) != Refused(PutReason.TOO_BIG):
        pass


def test_addresses_are_not_charged_any_more_once_a_reload_limits_who_may_store(
    started: Start,
) -> None:
    relay = started()
    assert relay.mailbox.payers.is_open
    relay.service.change(replace(relay.service.settings, channels=frozenset([bytes(32)])))
    assert not relay.mailbox.payers.is_open


@pytest.mark.parametrize(
    ("fault", "state", "told"),
    [
        (StoreFull("no room"), "full", []),
        (StoreUnavailable("I/O error"), "away", ["store_left"]),
        (StoreDamaged("row 7"), "off", ["store_left"]),
    ],
)
def test_a_fault_is_a_warning_and_devices_are_told(
    started: Start, faulty: type[FaultyStore], fault: Exception, state: str, told: list[str]
) -> None:
    relay = started()
    relay.settle()
    streams: Any = Streams()
    relay.mailbox.streams = streams
    faulty.fault = fault
    assert relay.put(put(1)) == Refused(PutReason.AWAY)
    assert (relay.mailbox.health.state, relay.mailbox.health.fault) == (state, str(fault))
    assert streams.told == told
    [warning] = [each for each in relay.service.warnings() if each.slug == "mailbox"]
    assert str(fault) in warning.text


def test_when_it_is_over_devices_are_told_too(
    started: Start, faulty: type[FaultyStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultrelay.store.supervisor.RETRY_SECONDS", 0)
    relay = started()
    relay.settle()
    streams: Any = Streams()
    relay.mailbox.streams = streams
    for fault in (StoreFull("no room"), StoreUnavailable("I/O error")):
        faulty.fault = fault
        assert relay.put(put(1)) == Refused(PutReason.AWAY)
        faulty.fault = None
        # The clerk tries again with its next request.
        while relay.put(put(1)) == Refused(PutReason.AWAY):
            pass
        assert relay.mailbox.health.state == "open"
        assert relay.mailbox.health.fault == ""
    assert streams.told == ["store_returned", "store_left", "store_returned"]


def test_a_disk_that_does_not_respond_does_not_hold_the_start(
    started: Start, faulty: type[FaultyStore]
) -> None:
    faulty.fault = StoreUnavailable("I/O error")
    relay = started()
    assert "mailbox" in relay.slugs()
    assert relay.mailbox.streams._puts.is_away
