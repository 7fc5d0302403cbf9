"""The steps that pass messages, over lines and relays of many kinds, on a clock of the test's."""

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import DeferredQueue, ensureDeferred
from twisted.internet.task import Clock

from tests.client.world import InMemory, World
from vaultrelay.client import (
    Busy,
    Closed,
    Draining,
    Joined,
    Left,
    Message,
    Nack,
    Ready,
)
from vaultrelay.commands.checkup import devices as devices_module
from vaultrelay.commands.checkup import traffic
from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.explain import explain
from vaultrelay.commands.checkup.messages import STOPPING, Pair
from vaultrelay.commands.checkup.result import StepResult
from vaultrelay.commands.checkup.traffic import Traffic
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.announced import MESSAGE_BYTES, Limits
from vaultrelay.wire.control.joining import Peer
from vaultrelay.wire.data import HEADER_BYTES, Reason
from vaultrelay.wire.relay_url import RelayUrl


class Line:
    """Carries messages both ways at so many bytes a second; at 0 it carries nothing."""

    def __init__(self, rate: float, limits: Limits | None = None) -> None:
        self.clock = Clock()
        self.rate = rate
        self.free_at = 0.0
        self.under_way = self.most_under_way = 0
        self.sent: list[int] = []
        self.left = False
        self.ends = [End(self, number, limits) for number in (1, 2)]

    async def pair(self) -> Any:
        ends: Any = self.ends
        return Pair(ends, self.clock)

    async def leave(self) -> None:
        self.left = True

    def carry(self, sender: "End", payload: bytes) -> None:
        size = HEADER_BYTES + len(payload)
        self.sent.append(size)
        self.under_way += size
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.rate:
            self.free_at = max(self.free_at, self.clock.seconds()) + size / self.rate
            self.clock.callLater(
                self.free_at - self.clock.seconds(), self._arrive, sender, payload, size
            )

    def _arrive(self, sender: "End", payload: bytes, size: int) -> None:
        self.under_way -= size
        other = self.ends[2 - sender.session]
        other.events.put(Message(sender.session, other.session, 1, payload))

    def result(self, step: str, seconds: float = 100) -> Any:
        """What a step found, or why it failed."""
        devices: Any = self
        done: list[Any] = []
        work = ensureDeferred(getattr(Traffic(self.clock, devices), step)())
        work.addCallbacks(done.append, lambda failure: done.append(failure.value))
        while not done and self.clock.seconds() < seconds:
            self.clock.advance(0.05)
        return done[0]


class End:
    """A device at one end of a line."""

    is_sending = False

    def __init__(self, line: Line, session: int, limits: Limits | None) -> None:
        self.line = line
        self.session = session
        self.limits = limits or Limits(1024 * 1024, None, None, 64)
        self.events: DeferredQueue[Any] = DeferredQueue()

    @property
    def last_received_at(self) -> float:
        return self.line.clock.seconds() if self.line.rate else 0.0

    def send(self, payload: bytes, to: int) -> None:
        self.line.carry(self, payload)

    async def receive(self) -> Any:
        event = await self.events.get()
        if isinstance(event, Exception):
            raise event
        return event


@pytest.mark.parametrize("rate", [3e3, 8e3, 125e3, 2e6])
def test_a_slow_line_is_measured(rate: float) -> None:
    line = Line(rate)
    found = line.result("throughput")
    assert isinstance(found, StepResult)
    measured: Any = found.facts["megabytes_per_second"]
    assert measured * 1e6 == pytest.approx(rate, rel=0.2)
    assert line.most_under_way <= traffic.FIRST_WINDOW + 2 * rate + traffic.FLOOD_BYTES
    assert line.clock.seconds() < traffic.ARRIVE_SECONDS + 1


def test_a_line_that_carries_nothing_has_failed() -> None:
    error = Line(0).result("throughput")
    assert str(error) == "No message of 16384 bytes arrived within 15 s."


@pytest.mark.parametrize("rate", [20e3, 125e3])
def test_the_largest_message_has_the_time_that_a_slow_line_takes(rate: float) -> None:
    found = Line(rate).result("largest")
    assert (found.detail, found.warnings) == ("a message of 1048576 bytes arrived unchanged", ())


@pytest.mark.parametrize("rate", [2e3, 10e3])
def test_a_message_that_is_still_under_way_is_a_warning(rate: float) -> None:
    line = Line(rate)
    found = line.result("largest")
    assert [warning.slug for warning in found.warnings] == ["slow_line"]
    assert found.facts == {"bytes": None}
    assert line.left, "the next step has a free line"


def test_a_large_message_that_is_held_back_has_failed() -> None:
    error = Line(0).result("largest")
    assert "did not arrive within 60 s, though small ones did" in str(error)


def test_no_more_is_tried_than_this_process_can_hold() -> None:
    line = Line(1e9, Limits(MESSAGE_BYTES[1], None, None, 64))
    found = line.result("largest")
    assert line.sent == [traffic.LARGEST_BYTES]
    assert found.detail.endswith("the relay accepts up to 67108864, which this check does not try")


@pytest.mark.parametrize("step", ["echo", "largest", "throughput"])
@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Draining("restart", 20, (2, 12)), STOPPING),
        (Left(1, "lost"), "The other device lost its connection (lost)."),
        (Left(1, "a\x1bb"), "The other device lost its connection (a\\x1bb)."),
        (
            Nack(1, 1, Reason.BUSY),
            "The relay did not deliver a message; the reason in its NACK is ",
        ),
        (Nack(1, 1, 77), "The relay did not deliver a message; the reason in its NACK is 77"),
        (Closed(4000, "restart"), "closed with 4000 restart. The relay"),
        (Closed(1006, ""), "the connection ended without a close frame. The relay stopped, or a"),
    ],
)
def test_what_ends_an_exchange_is_told_in_a_sentence(step: str, event: Any, said: str) -> None:
    line = Line(0)
    for end in line.ends:
        peer = 3 - end.session
        end.events.put(Left(peer, event.reason) if isinstance(event, Left) else event)
    error = line.result(step)
    assert explain(error, step, 19).startswith(said) or str(error).startswith(said)


@pytest.mark.parametrize("step", ["echo", "largest", "throughput"])
def test_what_ends_no_exchange_is_left_alone(step: str) -> None:
    line = Line(1e6)
    for end in line.ends:
        for event in (Busy(1), Ready(1), Left(9, "lost"), Joined(Peer(8, b"device-x"))):
            end.events.put(event)
    assert isinstance(line.result(step), StepResult)


@pytest.mark.parametrize(("step", "said"), [("echo", "A message"), ("largest", "The largest")])
def test_a_message_that_comes_changed_is_found(step: str, said: str) -> None:
    line = Line(0)
    for end in line.ends:
        end.events.put(Message(9, 9, 1, b"other"))
    assert str(line.result(step)).startswith(said)


class Steps:
    """The steps in turn against a relay in memory with these limits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
        self.world = World(limits=SessionLimits(**limits))
        self.connected = 0
        monkeypatch.setattr(devices_module, "endpoint_of", self._count)
        self.devices = Devices(self.world.clock, "ws://relay.test")
        self.traffic = Traffic(self.world.clock, self.devices)

    def _count(self, reactor: Any, url: RelayUrl) -> InMemory:
        self.connected += 1
        return self.world.network

    def run(self, work: Any) -> Any:
        done: list[Any] = []
        ensureDeferred(work).addBoth(done.append)
        for _ in range(400):
            self.world.network.flush()
            if done:
                break
            self.world.clock.advance(0.05)
        return done[0]

    def all(self) -> list[Any]:
        steps = [self.devices.upgrade, self.devices.join]
        steps += [self.traffic.echo, self.traffic.largest, self.traffic.throughput]
        return [self.run(step()) for step in steps]


@pytest.mark.parametrize(
    ("limits", "connected"),
    [
        ({}, 2),
        ({"bytes_per_second": 1}, 4),
        ({"bytes_per_second": 1000}, 4),
        ({"bytes_per_second": 60_000}, 2),
        ({"messages_per_second": 1}, 2),
        ({"messages_per_second": 7}, 2),
        ({"message_bytes": 1024, "bytes_per_second": 300}, 4),
        ({"channel_devices": 2, "bytes_per_second": 50}, 4),
    ],
)
def test_low_rates_are_no_failure(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], connected: int
) -> None:
    steps = Steps(monkeypatch, **limits)
    found = steps.all()
    assert [type(each) for each in found] == [StepResult] * 5, found
    assert steps.connected >= connected
    assert steps.run(steps.devices.pair()).debt_seconds <= devices_module.DEBT_SECONDS
    steps.run(steps.devices.leave())


@pytest.mark.parametrize(
    ("bytes_per_second", "said"),
    [(40, "40 B/s"), (80_000, "80 kB/s"), (16 * 1024 * 1024, "16.8 MB/s")],
)
def test_the_rate_that_is_allowed_is_told(bytes_per_second: int, said: str) -> None:
    found = Line(1e6, Limits(65536, None, bytes_per_second, 64)).result("throughput")
    assert found.detail.endswith(f"; the relay allows {said} on average")


def test_each_device_of_a_pair_has_an_allowance_of_its_own() -> None:
    clock = Clock()
    device: Any = SimpleNamespace(
        limits=Limits(65536, 2, 1000, 64), session=1, send=lambda *a, **k: 0
    )
    pair = Pair([device, device], clock)
    assert pair.debt_seconds == 0
    pair.send(0, bytes(2984))
    assert pair.debt_seconds == pytest.approx(2)
    assert pair.allowances[1].debt_seconds == 0
    clock.advance(2)
    assert pair.debt_seconds == pytest.approx(0)
