"""Reloading: what a running relay takes of changed files, what not, and what it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import LogEvent

from tests.app.running_relay import TOKEN, Running
from tests.memory import Wire
from tests.recorded_log import RecordedLog


def test_limits_change_for_those_to_come_and_not_for_those_who_are_here(
    tmp_path: Path, log: RecordedLog
) -> None:
    relay = Running(tmp_path, "session-ttl = 100\nmax-buffer = 5000000\n", log)
    old = relay.join()
    said = relay.write(
        "session-ttl = 200\nrate-messages = 7\nmax-connections = 9\nmax-per-address = 3\n"
        "trusted-proxy = '10.0.0.1'\nmax-buffer = 6000000\nping-seconds = 30\nlog-level = 'warn'\n"
        "public-url = 'wss://relay.test'\ndrain-seconds = 3\nchannel-devices = 5\n"
        "node-name = 'relay-2'\n"
    )
    assert said == []  # as the level is now
    new = relay.join(b"device-b")
    assert old.welcome["limits"]["messages_per_second"] == 2000
    assert new.welcome["limits"]["messages_per_second"] == 7
    assert (old.welcome["session_ttl"], new.welcome["session_ttl"]) == (100, 200)
    assert (old.welcome["ping_seconds"], new.welcome["ping_seconds"]) == (50, 30)
    assert (old.welcome.get("node"), new.welcome["node"]) == (None, "relay-2")
    assert b'"node":"relay-2"' in Wire(relay.service.dispatcher.buildProtocol(None)).request(
        "/health"
    )
    ttls = {session.limits.session_ttl for session in relay.broker.sessions}
    assert ttls == {100, 200}
    assert relay.broker.admission.max_connections == 9
    assert relay.broker.budgets.max_devices == 3
    assert relay.broker.audiences.hosts == {"relay.test"}
    assert relay.service.devices.ledger.limit == 6_000_000
    assert relay.service.settings.drain_seconds == 3
    assert str(relay.service.clients._proxies.networks) == "10.0.0.1/32"
    assert b"wss://relay.test" in Wire(relay.service.dispatcher.buildProtocol(None)).request("/")
    relay.write("log-level = 'info'\n")
    relay.stop()


def test_what_changed_is_said(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "", log)
    assert relay.write("session-ttl = 7\n") == ["info: Options reloaded; changed: session-ttl=7"]
    relay.reloader.request()
    assert relay.wait() == ["info: Options reloaded; changed: nothing"]
    assert relay.wait() == []
    relay.stop()


def test_what_takes_a_restart_is_named_and_stays(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "", log)
    said = relay.write("port = 81\nbind = '127.0.0.1'\nmessage-bytes = 2000\nsession-ttl = 7\n")
    assert [
        f"warn: {relay.config}: {name} has changed; restart the relay to apply it" in said
        for name in ("port", "bind", "message-bytes", "session-ttl")
    ] == [True] * 3 + [False]
    assert relay.join().welcome["limits"]["message_bytes"] == 1024 * 1024
    assert relay.service.settings.port == 8080
    assert relay.service.settings.limits.session_ttl == 7
    relay.stop()


def test_a_bad_value_keeps_the_old_one_and_no_other(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "max-connections = 5\nsession-ttl = 70\n", log)
    said = relay.write("max-connections = 'many'\nsession-ttl = 71\n")
    assert said[0].startswith(f"error: {relay.config}: max-connections: 'many' must be a whole")
    assert said[0].endswith("The previous settings remain in force.")
    assert (relay.broker.admission.max_connections, relay.broker.limits.session_ttl) == (5, 71)
    assert [warning.slug for warning in relay.service.warnings()] == ["not_read", "no_name"]
    relay.write("max-connections = 6\n")
    assert relay.broker.admission.max_connections == 6
    assert [warning.slug for warning in relay.service.warnings()] == ["no_name"]
    relay.stop()


@pytest.mark.parametrize("text", ["port = ", "no-option = 1\n"])
def test_a_file_that_cannot_be_read_changes_nothing(
    tmp_path: Path, log: RecordedLog, text: str
) -> None:
    relay = Running(tmp_path, "session-ttl = 70\n", log)
    before = relay.service.settings
    assert str(relay.config) in relay.write(text)[0]
    assert relay.service.settings == before
    relay.config.unlink()
    assert "cannot be read: no such file or directory" in relay.wait()[0]
    assert relay.service.settings == before
    relay.write("session-ttl = 72\n")
    assert relay.service.settings.limits.session_ttl == 72
    relay.stop()


def test_a_relay_that_is_stopping_takes_nothing_new(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "", log)
    relay.broker.drain(5)
    assert relay.write("session-ttl = 7\n") == []
    assert relay.broker.limits.session_ttl == 3600
    relay.stop()


def test_who_asks_often_is_answered_once(tmp_path: Path, log: RecordedLog) -> None:
    """A reload takes longer than a signal: each on its own, they would hold the relay up."""
    relay = Running(tmp_path, "", log)
    for _ in range(1000):
        relay.reloader.request()
    assert relay.wait() == ["info: Options reloaded; changed: nothing"]
    assert relay.wait() == []
    relay.stop()


def test_a_folder_named_as_a_file_is_not_searched(
    tmp_path: Path, log: RecordedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be /, and a look at all that is in it takes longer than the second between two."""
    relay = Running(tmp_path, "", log)

    def search(folder: Path, pattern: str) -> Iterator[Path]:
        raise AssertionError(folder)

    monkeypatch.setattr(Path, "rglob", search)
    said = relay.write("access-token-file = '/'\n")
    assert "'/' cannot be read: is a directory" in said[0]
    assert relay.wait() == []
    relay.stop()


def test_a_folder_that_becomes_the_file_is_noticed(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "", log)
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    assert relay.write(f"access-token-file = '{tokens}'\n")
    tokens.rmdir()
    assert "changed: access-token-file=(1 token)" in relay.write(TOKEN, tokens)[-1]
    relay.stop()


def test_a_look_that_fails_is_not_the_last(
    tmp_path: Path,
    log: RecordedLog,
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[LogEvent],
) -> None:
    relay = Running(tmp_path, "", log)

    def fail() -> frozenset[Path]:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(relay.loader._files, "changed", fail)
        relay.wait()
    assert len(logged_errors) == 3
    logged_errors.clear()
    assert relay.write("session-ttl = 7\n")
    relay.stop()
