"""Files that do not answer: the relay goes on with its old settings, and takes a late answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from twisted.logger import LogEvent

from tests.app.running_relay import Running
from tests.recorded_log import RecordedLog
from vaultrelay.policy.limits.files import READ_SECONDS, WATCH_SECONDS

TOKENS = "a-token-of-the-operators\nanother-of-the-tokens\n"


class Hanging(Running):
    """A relay whose threads run when the test lets them."""

    def __init__(self, folder: Path, config: str, log: RecordedLog) -> None:
        self.threads: list[Callable[[], None]] = []
        super().__init__(folder, config, log, self.threads.append)

    def run(self) -> list[str]:
        """Let the thread that waits come to its end; what the relay logs for it."""
        self.log.events.clear()
        (work,) = self.threads
        self.threads.clear()
        work()
        return self.lines

    def pass_time(self, seconds: int) -> list[str]:
        """What the relay logs meanwhile."""
        self.log.events.clear()
        for _ in range(seconds // WATCH_SECONDS):
            self.clock.advance(WATCH_SECONDS)
        return self.lines

    def begin_read(self, text: str) -> None:
        """Write the file of options, and let the thread begin that is to read it."""
        self.config.write_text(text)
        self.clock.advance(WATCH_SECONDS)
        # The first check sees the change, the second that it has settled.
        self.run()
        self.clock.advance(WATCH_SECONDS)


@pytest.fixture
def relay(tmp_path: Path, logged_errors: list[LogEvent]) -> Iterator[Hanging]:
    hanging = Hanging(tmp_path, "session-ttl = 70\n", RecordedLog())
    yield hanging
    hanging.stop()
    logged_errors.clear()


def test_devices_join_and_talk_while_a_read_hangs(relay: Hanging) -> None:
    one = relay.join()
    relay.begin_read("session-ttl = 71\n")
    other = relay.join(b"device-b")
    assert other.welcome["session_ttl"] == 70
    assert one.control()["type"] == "joined"
    assert relay.run() == ["info: Options reloaded; changed: session-ttl=71"]
    assert relay.join(b"device-c").welcome["session_ttl"] == 71


def test_a_late_read_is_warned_of_and_taken_when_it_ends(relay: Hanging) -> None:
    relay.begin_read("session-ttl = 71\n")
    assert relay.pass_time(READ_SECONDS - 1) == []
    (warning,) = relay.pass_time(1)
    assert warning.startswith("error: ")
    assert f"could not be read within {READ_SECONDS} s. Does its file system respond?" in warning
    assert warning.endswith(" The previous settings remain in force.")
    assert [each.slug for each in relay.service.warnings()] == ["not_read", "no_name"]
    assert relay.pass_time(3 * READ_SECONDS) == []
    assert len(relay.threads) == 1
    assert relay.broker.limits.session_ttl == 70
    assert relay.run() == [
        "info: Resolved: options that could not be read",
        "info: Options reloaded; changed: session-ttl=71",
    ]
    assert [each.slug for each in relay.service.warnings()] == ["no_name"]


def test_a_check_that_hangs_and_finds_no_change_resolves_the_warning(relay: Hanging) -> None:
    assert relay.pass_time(READ_SECONDS + 1) != []
    assert relay.run() == ["info: Resolved: options that could not be read"]
    assert relay.pass_time(1) == []
    assert len(relay.threads) == 1


def test_the_warning_names_the_file_and_other_errors_stay(
    relay: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.begin_read("session-ttl = 'long'\n")
    assert "'long' must be a whole number" in relay.run()[0]
    relay.clock.advance(WATCH_SECONDS)
    monkeypatch.setattr(relay.loader._files, "current", relay.config)
    (warning,) = relay.pass_time(READ_SECONDS)
    assert warning.startswith(f"error: '{relay.config}' could not be read within")
    texts = [each.text for each in relay.service.warnings() if each.slug == "not_read"]
    assert len(texts) == 2
    monkeypatch.undo()
    relay.run()
    texts = [each.text for each in relay.service.warnings() if each.slug == "not_read"]
    assert len(texts) == 1
    assert "'long'" in texts[0]


def test_a_request_during_a_read_is_answered_by_the_next(relay: Hanging) -> None:
    relay.clock.advance(WATCH_SECONDS)
    relay.reloader.request()
    assert relay.run() == []
    relay.clock.advance(WATCH_SECONDS)
    assert relay.run() == ["info: Options reloaded; changed: nothing"]


@pytest.mark.parametrize("stop", ["drain", "stopService"])
def test_a_read_that_ends_after_the_relay_is_dropped(relay: Hanging, stop: str) -> None:
    relay.begin_read("session-ttl = 71\n")
    if stop == "drain":
        relay.broker.drain(5)
    else:
        relay.reloader.stopService()
    assert relay.run() == []
    assert relay.broker.limits.session_ttl == 70
    relay.reloader.startService()


def test_a_manager_that_waits_for_the_reload_hears_of_its_end(relay: Hanging) -> None:
    heard = []

    @contextmanager
    def around() -> Iterator[None]:
        heard.append("reloading")
        yield
        heard.append("ready")

    relay.reloader._around = around
    relay.reloader.request()
    relay.clock.advance(WATCH_SECONDS)
    assert heard == []
    relay.pass_time(READ_SECONDS)
    assert heard == ["reloading", "ready"]
    relay.run()
    assert heard == ["reloading", "ready"] * 2


def test_an_error_in_the_thread_is_logged_and_the_next_read_begins(
    relay: Hanging, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    def fail() -> frozenset[Path]:
        raise RuntimeError

    relay.clock.advance(WATCH_SECONDS)
    with monkeypatch.context() as patched:
        patched.setattr(relay.loader._files, "changed", fail)
        relay.run()
    assert len(logged_errors) == 1
    relay.clock.advance(WATCH_SECONDS)
    assert relay.run() == []


def test_without_a_thread_the_next_check_tries_again(
    relay: Hanging, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    def fail(work: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    relay.reloader.request()
    with monkeypatch.context() as patched:
        patched.setattr(relay.reloader, "_start", fail)
        relay.clock.advance(WATCH_SECONDS)
    assert len(logged_errors) == 1
    relay.clock.advance(WATCH_SECONDS)
    assert relay.run() == ["info: Options reloaded; changed: nothing"]
