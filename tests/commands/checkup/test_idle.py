"""The step of silence, on a clock that the test moves."""

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import DeferredQueue, ensureDeferred
from twisted.internet.task import Clock

from vaultrelay.client import Closed, Draining, Keepalive, Left
from vaultrelay.commands.checkup import idle
from vaultrelay.commands.checkup.messages import STOPPING
from vaultrelay.commands.checkup.result import StepResult


class FakeDevice:
    """A device whose relay grants a ping interval, as long as there is one."""

    def __init__(self, granted: int = 600, ping: int = 50) -> None:
        self.events: DeferredQueue[Any] = DeferredQueue()
        self.ping_seconds = ping
        self.granted = granted
        self.asked: list[int] = []
        self.answers = True
        self.closed: Closed | None = None

    def keep_alive(self, seconds: int) -> None:
        if self.closed is not None:
            raise self.closed
        self.asked.append(seconds)
        if self.answers:
            self.events.put(Keepalive(min(seconds, self.granted)))

    async def receive(self) -> Any:
        event = await self.events.get()
        if isinstance(event, Closed):
            self.closed = event
            raise event
        return event

    def end(self) -> None:
        """The connection is cut, as when a relay is killed."""
        self.closed = Closed(1006, "")
        self.events.put(self.closed)


class Scene:
    """One silence of 130 s, and what came of it."""

    def __init__(self, device: FakeDevice | None = None, seconds: int = 130) -> None:
        self.clock = Clock()
        self.device = device or FakeDevice()
        self.told: list[str] = []
        self.found: list[StepResult] = []
        self.failed: list[BaseException] = []
        self.other = FakeDevice()

        async def pair() -> Any:
            return SimpleNamespace(devices=[self.device, self.other])

        devices: Any = SimpleNamespace(pair=pair)
        work = ensureDeferred(idle.check_idle(self.clock, devices, seconds, self.told.append))
        work.addCallbacks(self.found.append, lambda failure: self.failed.append(failure.value))

    def advance(self, seconds: int) -> None:
        self.clock.pump([1] * seconds)


def test_a_connection_that_outlives_the_silence_is_good() -> None:
    scene = Scene()
    assert scene.device.asked == [600]
    scene.advance(129)
    assert scene.found == []
    scene.advance(1)
    assert scene.device.asked == [600, 50]
    (found,) = scene.found
    assert found.detail == "an idle connection was still open after 130 s"
    assert found.warnings == ()
    assert found.facts == {
        "silent_seconds": 130,
        "ping_seconds": 50,
        "cut_after_seconds": None,
        "forgotten": False,
    }
    assert scene.told[0].startswith("sends nothing for 130 s, to detect a proxy that cuts")
    assert scene.told[1:] == [f"still open, another {left} s to wait" for left in (100, 70, 40, 10)]
    assert scene.clock.getDelayedCalls() == []


def test_what_still_comes_is_not_the_end() -> None:
    scene = Scene()
    scene.device.events.put(Left(2, "closed"))
    scene.advance(130)
    assert len(scene.found) == 1


def test_a_cut_before_the_ping_is_a_warning() -> None:
    scene = Scene()
    scene.advance(30)
    scene.device.events.put(Closed(1006, ""))
    (found,) = scene.found
    assert found.facts["cut_after_seconds"] == 30
    assert found.detail == "an idle connection was cut after 30 s; the relay pings every 50 s"
    (warning,) = found.warnings
    assert warning.slug == "idle_cut"
    assert "raise that limit above 50 s, or start the relay with --ping-seconds 24" in warning.text
    assert "Google Cloud" in warning.text
    assert "nginx" not in warning.text


@pytest.mark.parametrize(
    ("lasted", "ping", "is_warned", "said"),
    [
        (5, 50, True, "nginx's proxy_read_timeout"),
        (50, 50, True, "HAProxy"),
        (51, 50, False, "which is often enough"),
        (60, 50, False, "which is often enough"),
        (60, 90, True, "above 90 s, or start the relay with --ping-seconds 48 (common limits: n"),
        (100, 120, True, "Cloudflare 100 s"),
    ],
)
def test_a_cut_after_the_ping_is_but_a_note(
    lasted: int, ping: int, is_warned: bool, said: str
) -> None:
    found = idle.cut_result(lasted, ping, {})
    assert bool(found.warnings) is is_warned
    assert said in (found.warnings[0].text if is_warned else found.detail)
    if lasted * 0.8 < 20:
        assert "--ping-seconds" not in found.warnings[0].text


def test_a_connection_that_is_forgotten_without_a_word_is_found() -> None:
    scene = Scene()
    scene.device.answers = False
    scene.advance(130 + idle.ANSWER_SECONDS)
    (found,) = scene.found
    assert found.facts["forgotten"] is True
    assert [warning.slug for warning in found.warnings] == ["idle_forgotten"]
    assert scene.clock.getDelayedCalls() == []


@pytest.mark.parametrize("lasted", [0, 1, 30, 75, 129])
def test_a_relay_that_is_killed_in_the_silence_is_a_failure(lasted: int) -> None:
    scene = Scene()
    scene.advance(lasted)
    scene.other.end()
    scene.device.end()
    (error,) = scene.failed
    assert str(error).startswith(f"After {lasted} s the relay answered on neither connection")
    assert scene.clock.getDelayedCalls() == []


def test_a_relay_that_stands_still_in_the_silence_is_a_failure() -> None:
    scene = Scene()
    scene.advance(15)
    scene.device.answers = scene.other.answers = False
    scene.advance(5 + idle.ANSWER_SECONDS)
    assert "the relay stopped or restarted, or the network failed" in str(scene.failed[0])


def test_a_network_that_fails_at_the_end_is_not_a_forgotten_connection() -> None:
    scene = Scene(seconds=5)
    scene.advance(2 * idle.BEAT_SECONDS)
    scene.device.answers = scene.other.answers = False
    scene.advance(1 + 2 * idle.ANSWER_SECONDS)
    assert str(scene.failed[0]).startswith("After 5 s the relay answered on neither connection")


@pytest.mark.parametrize("to_other", [False, True])
def test_a_drain_in_the_silence_is_told(to_other: bool) -> None:
    scene = Scene()
    (scene.other if to_other else scene.device).events.put(Draining("restart", 20, (2, 12)))
    scene.advance(idle.BEAT_SECONDS)
    assert [str(error) for error in scene.failed] == [STOPPING]


def test_a_relay_that_pings_sooner_shortens_the_silence() -> None:
    scene = Scene(FakeDevice(granted=100))
    scene.advance(89)
    assert scene.found[0].facts["silent_seconds"] == 89


def test_the_relays_own_end_of_a_silence_is_no_proxys() -> None:
    scene = Scene()
    scene.advance(60)
    scene.device.events.put(Closed(4001, "idle"))
    (found,) = scene.found
    assert "the relay's own --session-ttl" in found.detail
    assert (found.warnings, found.facts["silent_seconds"]) == ((), 60)


def test_other_ends_are_failures() -> None:
    scene = Scene()
    scene.device.events.put(Closed(4000, "restart"))
    assert [str(error) for error in scene.failed] == ["closed with 4000 restart"]
