"""CoreShares: a crowd has the core for itself while others leave it, and a share while not."""

from collections.abc import Callable
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from tests.broker.fakes import RecordingOutbox
from vaultrelay.broker.core_shares import CoreShares
from vaultrelay.broker.session import Session
from vaultrelay.policy.access import Admission
from vaultrelay.policy.budgets import BudgetBook
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.core import (
    BUSY_BURST_SECONDS,
    BUSY_CORE_SECONDS,
    BUSY_DEVICES_PER_ADDRESS,
    TURN_DELIVERIES,
    TURN_FRAMES,
)
from vaultrelay.policy.limits.defaults import DEFAULT_MESSAGES_PER_SECOND
from vaultrelay.policy.limits.networks import SHARE_PER_ADDRESS
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.limits.streams import EVENTS_AT_ONCE, MAX_READ_BYTES, MIN_READ_BYTES

MESSAGE_SECONDS = 0.0001
RECEIVERS = 20
TURN_SECONDS = 0.00002
"""What a turn of the reactor takes without any read."""
UNLIMITED = SessionLimits(messages_per_second=0, bytes_per_second=0)


class CoreClock:
    """Time that passes as the core works, and calls that are made between two turns."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[list[Any]] = []

    def seconds(self) -> float:
        return self.now

    def callLater(self, delay: float, call: Callable[[], None], /) -> Any:
        entry = [self.now + delay, call]
        self._calls.append(entry)
        return SimpleNamespace(cancel=lambda: self._calls.remove(entry))

    def skip(self, until: float) -> None:
        """Let the core sleep until the next call."""
        self.now = max(self.now, min([until, *(at for at, _ in self._calls)]))

    def run_due(self) -> None:
        due = [entry for entry in self._calls if entry[0] <= self.now]
        self._calls = [entry for entry in self._calls if entry[0] > self.now]
        for _, call in due:
            call()


class Core:
    """The hub and the reactor, as CoreShares sees them, and devices that send without end."""

    def __init__(self, limits: SessionLimits = UNLIMITED, max_devices: int = 1000) -> None:
        self.clock = CoreClock()
        self.ledger = Ledger(1 << 30)
        self.devices: list[Device] = []
        self.shares = CoreShares(self.clock, self.ledger, self.devices)
        self.book = BudgetBook(max_devices, 20_000, 20_000, limits)
        self.limits = limits

    def device(self, address: str | None, channel: bytes = b"channel") -> "Device":
        """A joined device; without an address it is on loopback."""
        self.devices.append(Device(self, address, channel))
        return self.devices[-1]

    def turn(self) -> None:
        """One turn of the reactor: calls that are due, and a round of the hub."""
        self.clock.now += TURN_SECONDS
        self.clock.run_due()
        for device in [each for each in self.devices if each.is_ready][:EVENTS_AT_ONCE]:
            if device.is_read:
                device.read()
                # As the kernel does with a stream that it has reported.
                self.devices.remove(device)
                self.devices.append(device)

    def run(self, seconds: float) -> None:
        until = self.clock.now + seconds
        while self.clock.now < until:
            if not any(each.is_ready for each in self.devices):
                self.clock.skip(until)
            self.turn()


class Device:
    """Has `messages` to send, each to RECEIVERS."""

    def __init__(self, core: Core, address: str | None, channel: bytes) -> None:
        self._core = core
        budgets = core.book.arrive(ip_address(address) if address else None, core.clock.now)
        core.book.enter(budgets)
        owner: Any = SimpleNamespace(clock=core.clock, limits=core.limits)
        outbox: Any = RecordingOutbox()
        self.session = Session(owner, outbox, None, Admission(budgets))
        joined: Any = SimpleNamespace(key=channel)
        self.session.channel = joined
        self.messages = 1_000_000
        self.sent = 0
        self.used = 0.0

    @property
    def is_ready(self) -> bool:
        return self.messages > 0 and self.is_read

    @property
    def is_read(self) -> bool:
        return self.session.flow.gate.is_open

    def read(self) -> None:
        shares, session, began = self._core.shares, self.session, self._core.clock.now
        has_turn = shares.is_busy and shares.begin(session)
        for _ in range(min(self.messages, 200)):
            self._core.clock.now += MESSAGE_SECONDS
            self.messages -= 1
            self.sent += 1
            session.rates.charge_deliveries(RECEIVERS, RECEIVERS * 100)
            if not self.is_read:
                break
        if has_turn:
            shares.end(session)
        self.used += self._core.clock.now - began


@pytest.fixture
def core() -> Core:
    return Core()


def busy_with(core: Core, *addresses: str) -> list[Device]:
    """A core with one device of each address that sends without end."""
    devices = [core.device(address) for address in addresses]
    core.shares.round_was_long()
    return devices


def ping(core: Core, device: Device) -> float:
    """How long the message of a device waits for the core."""
    device.messages, began = 1, core.clock.now
    while device.messages:
        core.turn()
    return core.clock.now - began


def test_nothing_is_measured_before_a_round_was_long(core: Core) -> None:
    assert not core.shares.is_busy
    core.shares.round_was_long()
    core.shares.round_was_long()
    assert core.shares.is_busy
    core.run(BUSY_CORE_SECONDS * 2.5)
    assert not core.shares.is_busy


def test_a_device_that_has_not_joined_has_no_turn(core: Core) -> None:
    device = core.device("198.51.100.1")
    device.session.channel = None
    assert not core.shares.begin(None)
    assert not core.shares.begin(device.session)


def test_an_address_has_an_idle_core_for_itself(core: Core) -> None:
    crowd = [core.device("198.51.100.1", b"%d" % (number % 4)) for number in range(60)]
    core.shares.round_was_long()
    core.run(0.5)
    began = core.clock.now
    used = sum(each.used for each in crowd)
    core.run(2)
    took = core.clock.now - began
    assert sum(each.used for each in crowd) - used >= 0.95 * took
    assert core.ledger.read_bytes == MAX_READ_BYTES
    sent = [each.sent for each in crowd]
    assert max(sent) <= 2 * min(sent)


@pytest.mark.parametrize(("messages", "devices", "waits"), [(1, 60, 0), (1, 300, 1), (9, 60, 1)])
def test_short_reads_of_an_address_alone_need_no_turns(
    core: Core, messages: int, devices: int, waits: int
) -> None:
    """Reads of all its devices take 6, 30 and 54 ms."""
    crowd = [core.device("198.51.100.1", b"%d" % (number % 4)) for number in range(devices)]
    core.shares.round_was_long()
    for each in crowd:
        each.messages = 0
    for each in crowd * 2:
        if each.is_read:
            each.messages = messages
            each.read()
    assert bool(core.shares.waits) == bool(core.shares.waiting) == bool(waits)


def test_short_reads_alone_are_not_held_against_an_address_later(core: Core) -> None:
    crowd = [core.device("198.51.100.1") for _ in range(60)]
    core.shares.round_was_long()
    for each in crowd:
        each.messages = 1
        each.read()
    honest, first = core.device("203.0.113.1"), crowd[0]
    honest.messages = first.messages = 1
    honest.read()
    first.read()
    assert honest.is_read
    assert first.is_read
    assert not core.shares.waits


def test_connections_without_an_address_are_not_paused_for_each_other(core: Core) -> None:
    crowd = [core.device(None, b"%d" % number) for number in range(3)]
    core.shares.round_was_long()
    for each in crowd:
        each.messages = 10 * TURN_DELIVERIES
    for _ in range(3):
        core.turn()
    assert not any(each.session.outbox.switches for each in crowd)  # type: ignore[attr-defined]


def test_a_device_without_an_address_whose_turn_is_over_has_another(core: Core) -> None:
    one, other = core.device(None), core.device(None, b"other")
    core.shares.round_was_long()
    core.run(1)
    assert one.sent
    assert other.sent
    assert max(one.sent, other.sent) < 1.2 * min(one.sent, other.sent)


@pytest.mark.parametrize("addresses", [1, 20])
def test_others_wait_for_one_short_turn(core: Core, addresses: int) -> None:
    crowd = [
        core.device(f"198.51.100.{number % addresses}", b"%d" % (number % 4))
        for number in range(60)
    ]
    honest = core.device("203.0.113.1", b"honest")
    honest.messages = 0
    core.shares.round_was_long()
    core.run(0.5)
    ping(core, honest)
    one_turn = (TURN_DELIVERIES // RECEIVERS + 1) * MESSAGE_SECONDS
    for _ in range(30):
        assert ping(core, honest) <= one_turn + MESSAGE_SECONDS + 4 * TURN_SECONDS
        assert honest.is_read
        core.run(0.01)
    assert sum(each.sent for each in crowd) > 0
    assert core.ledger.read_bytes == MIN_READ_BYTES


def test_an_address_has_its_share_of_the_core_while_others_want_it(core: Core) -> None:
    (crowd,) = busy_with(core, "198.51.100.1")
    honest = core.device("203.0.113.1")
    honest.messages = 0
    core.run(0.1)
    ping(core, honest)
    used, began = crowd.used, core.clock.now
    for _ in range(100):
        core.run(0.01)
        ping(core, honest)
    took = core.clock.now - began
    share = took / SHARE_PER_ADDRESS
    assert 0.9 * share <= crowd.used - used <= share + BUSY_BURST_SECONDS


def test_an_address_does_not_pay_for_time_in_which_the_relay_did_not_run(core: Core) -> None:
    device, other = busy_with(core, "198.51.100.1", "203.0.113.1")
    device.messages = other.messages = 0
    core.run(0.1)
    ping(core, other)
    core.shares.begin(device.session)
    core.clock.now += 1
    core.shares.end(device.session)
    assert not device.is_read
    core.run(0.2)
    assert device.is_read


def test_deliveries_of_an_address_are_limited_while_others_want_the_core() -> None:
    core = Core(SessionLimits(messages_per_second=400, bytes_per_second=0))
    crowd = [core.device("198.51.100.1") for _ in range(40)]
    honest = core.device("203.0.113.1")
    honest.messages = 0
    core.shares.round_was_long()
    core.run(0.2)
    for _ in range(30):
        core.shares.round_was_long()
        core.run(0.1)
        ping(core, honest)
    sent, began = sum(each.sent for each in crowd), core.clock.now
    for _ in range(20):
        core.shares.round_was_long()
        core.run(0.1)
        ping(core, honest)
    delivered = (sum(each.sent for each in crowd) - sent) * RECEIVERS
    limit = 400 * BUSY_DEVICES_PER_ADDRESS * (core.clock.now - began)
    assert 0.9 * limit <= delivered <= 1.1 * limit


def test_a_device_alone_may_use_its_announced_rates() -> None:
    core = Core(SessionLimits())
    crowd = [core.device("198.51.100.1") for _ in range(50)]
    device = core.device("203.0.113.1")
    device.messages = 0
    core.shares.round_was_long()
    core.run(0.5)
    rate = DEFAULT_MESSAGES_PER_SECOND // RECEIVERS
    began, before = core.clock.now, device.sent
    while core.clock.now < began + 2:
        device.messages = int((core.clock.now - began) * rate) - (device.sent - before)
        core.turn()
    assert device.sent - before >= 2 * rate - 2
    assert sum(each.sent for each in crowd) > 0


def test_sites_that_want_the_whole_core_have_equal_shares(core: Core) -> None:
    sizes = 1, 1, 2, 4, 8, 12
    for site, size in enumerate(sizes):
        for number in range(size):
            core.device(f"198.51.{site}.{number % 4 + 1}", b"%d %d" % (site, number % 3))
    core.shares.round_was_long()
    # Until each has used what it may at once.
    core.run(0.5)
    sites = [
        [each for each in core.devices if each.session.budgets[-1].key[2] == site]
        for site in range(len(sizes))
    ]
    before = [sum(each.used for each in devices) for devices in sites]
    began = core.clock.now
    core.run(0.5)
    took = core.clock.now - began
    used = [
        sum(each.used for each in devices) - old for devices, old in zip(sites, before, strict=True)
    ]
    assert sum(used) <= took
    share = took / len(sizes)
    assert all(0.8 * share <= each <= 1.2 * share for each in used)


def test_frames_of_autobahn_are_limited_in_a_turn(core: Core) -> None:
    device, other = busy_with(core, "198.51.100.1", "203.0.113.1")
    other.read()
    core.shares.begin(device.session)
    frames = 0
    while device.is_read:
        frames += 1
        if device.session.rates.charge_frame():
            device.session.rates.pause_if_in_debt()
    assert frames == TURN_FRAMES + 1
    core.shares.end(device.session)
    assert not device.is_read
    assert core.shares.waiting


def test_a_closed_device_waits_no_longer(core: Core) -> None:
    crowd = busy_with(core, "198.51.100.1", "198.51.100.1", "203.0.113.1")
    core.run(1)
    assert core.shares.waiting
    for each in crowd:
        each.session.channel = None
        each.messages = 0
        core.shares.forget(each.session)
        core.shares.forget(each.session)
    assert core.shares.waiting == 0
    core.run(BUSY_CORE_SECONDS * 2.5)
    assert not core.shares.is_busy
    assert core.ledger.read_bytes == MAX_READ_BYTES


def test_a_device_that_closed_within_its_turn_is_not_paused(core: Core) -> None:
    (device,) = busy_with(core, "198.51.100.1")
    core.shares.begin(device.session)
    core.clock.now += 1
    device.session.channel = None
    core.shares.end(device.session)
    assert device.is_read
    assert core.shares.waiting == 0


def test_the_look_at_all_connections_is_rarer_with_more_of_them() -> None:
    """It would take 40 % of the core with 20 000 otherwise."""
    core = Core()

    class Crowd(list[Device]):
        looks = 0

        def __len__(self) -> int:
            return 20_000

        def __iter__(self) -> Any:
            self.looks += 1
            return super().__iter__()

    crowd = core.shares._connections = Crowd()
    core.shares.round_was_long()
    flood, other = core.device("192.0.2.1"), core.device("198.51.100.1")
    other.messages = 100
    core.run(2)
    assert flood.used > other.used > 0
    assert 1 <= crowd.looks <= 3
