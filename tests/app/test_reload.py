"""Reloading: what a running relay takes of changed files, what not, and what it says."""

import os
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent

from tests.authority import chain, write_pair
from tests.memory import SEED, Wire
from tests.recorded_log import RecordedLog
from tests.transport.tls_client import lenient_context, shake
from vaultrelay.app.reload import Reloader
from vaultrelay.app.service import RelayService
from vaultrelay.config.settings_loader import SettingsLoader
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.limits.files import READ_AGAIN_SECONDS, TICKET_KEY_SECONDS, WATCH_SECONDS
from vaultrelay.policy.origins import Origins
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of

TOKEN = "a-token-of-the-operators"
KICKED = (4510, "kicked")


@pytest.fixture
def log(logged_errors: list[LogEvent]) -> Iterator[RecordedLog]:
    """The log of the relay."""
    yield RecordedLog()
    # They are among its lines, for the tests to look at.
    logged_errors.clear()


class Reactor(MemoryReactorClock):
    """Time, and calls from threads."""

    def callFromThread(self, call: Callable[..., object], *arguments: object) -> None:
        call(*arguments)


class Running:
    """A relay whose options stand in a file, and time to notice its changes."""

    def __init__(
        self,
        folder: Path,
        config: str,
        log: RecordedLog,
        start: Callable[[Callable[[], None]], None] = lambda work: work(),
    ) -> None:
        self.config = folder / "relay.toml"
        self.config.write_text(config)
        self.log = log
        self.clock: Any = Reactor()
        reader = SettingsReader({"config": [str(self.config)]}, {}, self.clock)
        self.service = RelayService(reader.read(), self.clock, log=log)
        self.broker = self.service.broker
        self.loader = SettingsLoader(reader, self.service.settings)
        self.reloader = Reloader(
            self.service,
            self.loader,
            reactor=self.clock,
            fit=lambda settings: settings,
            start=start,
            log=log,
        )
        self.reloader.startService()
        self.service._watch.look()
        self._rounds = 0

    @property
    def lines(self) -> list[str]:
        """What the relay logged, each line with its level."""
        return [
            f"{event['log_level'].name}: {line}"
            for event, line in zip(self.log.events, self.log.lines, strict=True)
        ]

    def connect(self, **headers: str) -> Wire:
        door = self.service.dispatcher.buildProtocol(None)
        assert door is not None
        wire = Wire(door)
        wire.answer = wire.upgrade(**headers)  # type: ignore[attr-defined]
        return wire

    def join(self, device: bytes = b"device-a", **headers: str) -> Wire:
        wire = self.connect(**headers)
        wire.hello(device)
        assert wire.session
        return wire

    def write(self, text: str, path: Path | None = None) -> list[str]:
        """Write a file; what the relay says when it has noticed."""
        path = path or self.config
        path.write_text(text)
        self._rounds += 1
        # However coarse the times of this file system are.
        os.utime(path, (self._rounds, self._rounds))
        return self.wait()

    def wait(self) -> list[str]:
        self.log.events.clear()
        for _ in range(3):
            self.clock.advance(WATCH_SECONDS)
        return self.lines

    def stop(self) -> None:
        self.reloader.stopService()
        assert not [call for call in self.clock.getDelayedCalls() if "_look" in str(call.func)]


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


class TestTokens:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "tokens"
        path.write_text(f"{TOKEN}\nanother-of-the-tokens\n")
        return path

    def test_removing_a_token_closes_its_sessions_alone(
        self, tmp_path: Path, file: Path, log: RecordedLog
    ) -> None:
        relay = Running(tmp_path, f"access-token-file = '{file}'\n", log)
        assert relay.connect().answer.startswith(b"HTTP/1.1 401 ")  # type: ignore[attr-defined]
        goes = relay.join(b"device-a", Authorization=f"Bearer {TOKEN}")
        stays = relay.join(b"device-b", Authorization="Bearer another-of-the-tokens")
        said = relay.write("another-of-the-tokens\n", file)
        assert "changed: access-token-file=(1 token)" in "".join(said)
        assert "info: Connections closed because the new access rules do not admit them: 1" in said
        assert goes.closed_with() == KICKED
        assert '"left"' in stays.control().__repr__().replace("'", '"')
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert relay.connect(**headers).answer.startswith(b"HTTP/1.1 401 ")  # type: ignore[attr-defined]
        assert TOKEN not in "".join(said)
        relay.stop()

    @pytest.mark.parametrize("text", ["", "\n \n", "# Nobody for now\n", "\ufeff", "\r\n"])
    def test_an_emptied_file_lets_nobody_in(
        self, tmp_path: Path, file: Path, log: RecordedLog, text: str
    ) -> None:
        relay = Running(tmp_path, f"access-token-file = '{file}'\n", log)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        joined = relay.join(b"device-a", **headers)
        unjoined = relay.connect(**headers)
        said = relay.write(text, file)
        for device in joined, unjoined:
            assert device.closed_with() == KICKED
        for given in headers, {}, {"Authorization": "Bearer"}, {"Authorization": "Basic Og=="}:
            assert relay.connect(**given).answer.startswith(b"HTTP/1.1 401 ")  # type: ignore[attr-defined]
        assert (
            said[-3] == "info: Connections closed because the new access rules do not admit them: 2"
        )
        assert said[-2] == (
            "error: NO DEVICE IS ADMITTED: the file of --access-token-file contains no token. "
            "All devices were disconnected. Create one (vault-relay token new --file FILE). Until "
            "then the relay cannot start again either."
        )
        assert said[-1] == ("info: Options reloaded; changed: access-token-file=(0 tokens)")
        assert [each.slug for each in relay.service.warnings()] == ["nobody", "no_name"]
        assert "Resolved: an empty access list" in "".join(relay.write(TOKEN, file))
        assert relay.join(b"device-a", **headers).session
        relay.stop()

    @pytest.mark.parametrize("loss", ["deleted", "unreadable", "folder", "renamed", "zeros"])
    def test_a_file_that_is_lost_closes_nobody(
        self, tmp_path: Path, file: Path, log: RecordedLog, loss: str
    ) -> None:
        relay = Running(tmp_path, f"access-token-file = '{file}'\n", log)
        stays = relay.join(Authorization=f"Bearer {TOKEN}")
        if loss == "renamed":
            file.rename(tmp_path / "tokens~")
        elif loss == "zeros":
            file.write_bytes(bytes(64))
        else:
            file.unlink()
        if loss == "folder":
            file.mkdir()
        elif loss == "unreadable":
            # As root reads every file: one that leads to itself.
            file.symlink_to(file)
        (said, _) = relay.wait()
        assert said.startswith(f"error: {relay.config}: access-token-file: '{file}' ")
        assert said.endswith(". The previous settings remain in force.")
        assert stays.frames() == []
        assert relay.join(b"device-b", Authorization=f"Bearer {TOKEN}").session
        relay.stop()

    @pytest.mark.parametrize(
        "text", ["short\n", f"{TOKEN}\nbad line\n", f"TOKEN={TOKEN}\n", f"# x\n'{TOKEN}'\n"]
    )
    def test_a_bad_file_closes_nobody(
        self, tmp_path: Path, file: Path, log: RecordedLog, text: str
    ) -> None:
        relay = Running(tmp_path, f"access-token-file = '{file}'\n", log)
        stays = relay.join(Authorization=f"Bearer {TOKEN}")
        said = relay.write(text, file)
        assert said[0].startswith(f"error: {relay.config}: access-token-file: '{file}' ")
        assert stays.frames() == []
        assert relay.join(b"device-b", Authorization=f"Bearer {TOKEN}").session
        relay.stop()

    def test_other_tokens_of_the_same_number_are_told_of(
        self, tmp_path: Path, file: Path, log: RecordedLog
    ) -> None:
        relay = Running(tmp_path, f"access-token-file = '{file}'\n", log)
        said = relay.write("one-of-other-tokens\ntwo-of-other-tokens\n", file)
        assert said == ["info: Options reloaded; changed: 2 different tokens"]
        relay.stop()

    def test_asking_for_tokens_closes_who_came_without(
        self, tmp_path: Path, file: Path, log: RecordedLog
    ) -> None:
        relay = Running(tmp_path, "", log)
        goes = relay.join()
        relay.write(f"access-token-file = '{file}'\n")
        assert goes.closed_with() == KICKED
        # A file that the options did not name before is looked at, too.
        relay.write("yet-another-access-token\n", file)
        assert relay.join(Authorization="Bearer yet-another-access-token").session
        relay.stop()


def test_an_emptied_list_of_channels_lets_nobody_join(tmp_path: Path, log: RecordedLog) -> None:
    listed = tmp_path / "channels"
    listed.write_text(base64url.encode(channel_of(SEED)))
    relay = Running(tmp_path, f"allow-channels = '{listed}'\n", log)
    goes = relay.join()
    said = relay.write("# none", listed)
    assert said[-2].startswith(
        "error: NO DEVICE IS ADMITTED: the file of --allow-channels contains no channel. "
    )
    assert goes.closed_with() == KICKED
    wire = relay.connect()
    wire.hello(b"device-a")
    assert wire.closed_with() == (4506, "not_allowed")
    relay.stop()


def test_origins_change_while_it_runs(tmp_path: Path, log: RecordedLog) -> None:
    app, evil = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
    relay = Running(tmp_path, "allow-origin = 'https://app.example'\n", log)
    native, page = relay.join(b"device-a"), relay.join(b"device-b", **app)
    assert b"403 Forbidden" in relay.connect(**evil).answer  # type: ignore[attr-defined]
    assert "origin_refused" in [warning.slug for warning in relay.service.warnings()]
    said = relay.write("allow-origin = 'https://evil.example'\n")
    assert page.closed_with() == KICKED
    assert said[-1].endswith("changed: allow-origin=https://evil.example")
    assert "origin_refused" not in [warning.slug for warning in relay.service.warnings()]
    page = relay.join(b"device-b", **evil)
    relay.write("allow-origin = []\n")
    assert page.closed_with() == KICKED
    assert b"403 Forbidden" in relay.connect(**evil).answer  # type: ignore[attr-defined]
    assert native.session in {session.number for session in relay.broker.sessions}
    relay.stop()


def test_addresses_that_are_listed_shut_web_pages_out_at_once(
    tmp_path: Path, log: RecordedLog
) -> None:
    relay = Running(tmp_path, "allow-origin = 'https://app.example'\n", log)
    relay.write("allow-from = ['0.0.0.0/0']\n")
    assert relay.service.settings.access.origins == Origins()
    said = relay.write("")
    taken = [line for line in said if "restart the relay" in line]
    assert taken == [f"warn: {relay.config}: allow-from has changed; restart the relay to apply it"]
    assert relay.service.settings.access.origins == Origins()
    relay.stop()


def test_an_emptied_list_of_networks_lets_nobody_in(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "allow-from = ['0.0.0.0/0', 'unix']\n", log)
    before = relay.service.settings
    assert before.effective["allow-from"] == "0.0.0.0/0 unix"
    said = relay.write("allow-from = []\n")
    assert "error: NO DEVICE IS ADMITTED: --allow-from lists no network" in said[0]
    assert said[1] == "info: Options reloaded; changed: allow-from=nobody"
    assert b"403 Forbidden" in relay.connect().answer  # type: ignore[attr-defined]
    relay.stop()


def test_a_list_that_is_named_later_and_empty_lets_nobody_in(
    tmp_path: Path, log: RecordedLog
) -> None:
    listed = tmp_path / "tokens"
    listed.touch()
    relay = Running(tmp_path, "", log)
    goes = relay.join()
    relay.write(f"access-token-file = '{listed}'\n")
    assert goes.closed_with() == KICKED
    assert b"401 Unauthorized" in relay.connect().answer  # type: ignore[attr-defined]
    relay.stop()


def test_channels_and_addresses_are_taken_as_they_are_now(tmp_path: Path, log: RecordedLog) -> None:
    relay = Running(tmp_path, "", log)
    goes = relay.join()
    listed = tmp_path / "channels"
    listed.write_text(base64url.encode(channel_of(bytes(32))))
    relay.write(f"allow-channels = '{listed}'\n")
    assert goes.closed_with() == KICKED
    relay.write(base64url.encode(channel_of(SEED)), listed)
    goes = relay.join()
    relay.write("allow-from = '192.0.2.0/24'\n")
    assert goes.closed_with() == KICKED
    assert b"403 Forbidden" in relay.connect().answer  # type: ignore[attr-defined]
    relay.stop()


class TestCertificates:
    def config(self, folder: Path) -> str:
        return f"tls-cert = '{folder / 'certificate.pem'}'\ntls-key = '{folder / 'key.pem'}'\n"

    def pair(self, folder: Path, days: int) -> None:
        ends = datetime.now(UTC) + timedelta(days, hours=1)
        starts = ends - timedelta(365)
        certificate, key = write_pair(folder, *chain(["relay.test"], starts=starts, ends=ends))
        certificate.rename(folder / "certificate.pem")
        key.rename(folder / "key.pem")

    def test_a_renewed_one_is_served_as_soon_as_both_files_fit(
        self, tmp_path: Path, log: RecordedLog
    ) -> None:
        self.pair(tmp_path, 5)
        relay = Running(tmp_path, self.config(tmp_path), log)
        tls = relay.service.listeners.all[0].endpoint.tls
        assert tls is not None
        before = tls.context
        stays = relay.join()
        (warning,) = relay.service.warnings()
        assert warning.slug == "certificate"
        assert "The certificate expires in 5 days" in warning.text
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        self.pair(fresh, 90)
        (fresh / "certificate.pem").replace(tmp_path / "certificate.pem")
        said = relay.wait()
        assert "does not match the certificate" in said[0]
        assert tls.context is before
        (fresh / "key.pem").replace(tmp_path / "key.pem")
        said = relay.wait()
        ends = datetime.now(UTC) + timedelta(90, hours=1)
        told = f"certificate, now valid until {ends:%Y-%m-%d}"
        assert f"info: Options reloaded; changed: {told}" in said
        assert tls.context is not before
        assert stays.frames() == []
        assert relay.service.warnings() == []
        relay.stop()

    @pytest.mark.parametrize("place", ["tls-cert", "ssl:", "tls:"])
    def test_a_good_one_does_not_give_way_to_an_expired_one(
        self, tmp_path: Path, log: RecordedLog, place: str
    ) -> None:
        folder = tmp_path / "live"
        folder.mkdir()
        self.pair(folder, 90)
        texts = {
            "ssl:": f"ssl:0:privateKey={folder / 'key.pem'}:certKey={folder / 'certificate.pem'}",
            "tls:": f"tls:{folder}:0",
        }
        config = f"listen = ['{texts[place]}']\n" if place in texts else self.config(folder)
        relay = Running(tmp_path, config, log)
        tls = relay.service.listeners.all[0].endpoint.tls
        assert tls is not None
        before = tls.context
        self.pair(folder, -3)
        said = relay.wait()
        assert said[0].startswith("error: ")
        assert str(folder) in said[0]
        good, gone = (datetime.now(UTC) + timedelta(days, hours=1) for days in (90, -3))
        assert (
            f"does not replace the certificate in use, which is valid until {good:%Y-%m-%d}: the "
            f"certificate expired on {gone:%Y-%m-%d}. The previous settings remain in force."
        ) in said[0]
        assert tls.context is before
        assert [warning.slug for warning in relay.service.warnings()] == ["not_read"]
        self.pair(folder, 91)
        relay.wait()
        assert tls.context is not before
        assert relay.service.warnings() == []
        relay.stop()

    def test_one_that_is_not_yet_valid_is_taken_when_it_is(
        self, tmp_path: Path, log: RecordedLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without another change of its file."""
        self.pair(tmp_path, 10)
        relay = Running(tmp_path, self.config(tmp_path), log)
        before = relay.service.settings.certificates
        self.pair(tmp_path, 365 + 2)
        said = relay.wait()
        assert "is not valid before" in said[0]
        assert "Check this machine's clock. The previous settings remain in force." in said[0]
        relay.log.events.clear()
        relay.clock.advance(READ_AGAIN_SECONDS)
        assert (relay.service.settings.certificates, relay.lines) == (before, [])
        later = datetime.now(UTC) + timedelta(3)
        for module in (
            "config.listener_certificates",
            "app.service",
            "certificates.server_certificate",
        ):
            monkeypatch.setattr(f"vaultrelay.{module}.utc_now", lambda: later)
        relay.clock.advance(READ_AGAIN_SECONDS)
        assert relay.service.settings.certificates != before
        assert "info: Resolved: options that could not be read" in relay.lines
        assert "changed: certificate, now valid until" in relay.lines[-1]
        relay.stop()

    def test_one_that_has_expired_itself_gives_way_to_any(
        self, tmp_path: Path, log: RecordedLog
    ) -> None:
        self.pair(tmp_path, -5)
        relay = Running(tmp_path, self.config(tmp_path), log)
        before = relay.service.settings.certificates
        self.pair(tmp_path, -3)
        relay.wait()
        assert relay.service.settings.certificates != before
        relay.stop()

    def test_another_in_the_folder_may_expire(self, tmp_path: Path, log: RecordedLog) -> None:
        """Only what it replaces counts: what serves other names goes on."""
        folder = tmp_path / "live"
        folder.mkdir()
        self.pair(folder, 90)
        relay = Running(tmp_path, f"listen = ['tls:{folder}:0']\n", log)
        (folder / "old").mkdir()
        gone = datetime.now(UTC) - timedelta(1)
        write_pair(folder / "old", *chain(["old.test"], starts=gone - timedelta(9), ends=gone))
        relay.wait()
        assert [pair.names for pair in relay.service.settings.certificates] == [
            ("relay.test",),
            ("old.test",),
        ]
        relay.stop()

    def test_the_same_certificate_again_is_no_change(
        self, tmp_path: Path, log: RecordedLog
    ) -> None:
        self.pair(tmp_path, 90)
        relay = Running(tmp_path, self.config(tmp_path), log)
        tls = relay.service.listeners.all[0].endpoint.tls
        assert tls is not None
        before = tls.context
        os.utime(tmp_path / "key.pem", (1, 1))
        assert relay.wait() == ["info: Options reloaded; changed: nothing"]
        assert tls.context is before
        relay.stop()

    def test_tls_itself_takes_a_restart(self, tmp_path: Path, log: RecordedLog) -> None:
        self.pair(tmp_path, 90)
        relay = Running(tmp_path, "", log)
        said = relay.write(self.config(tmp_path))
        assert (
            said[0] == f"warn: {relay.config}: tls-cert has changed; restart the relay to apply it"
        )
        assert relay.service.settings.certificates == ()
        relay.stop()

    def test_those_of_endpoint_strings_are_renewed_too(
        self, tmp_path: Path, log: RecordedLog
    ) -> None:
        folder = tmp_path / "live"
        folder.mkdir()
        self.pair(folder, 5)
        place = f"ssl:0:privateKey={folder / 'key.pem'}:certKey={folder / 'certificate.pem'}"
        relay = Running(tmp_path, f"listen = ['tcp:0', '{place}', 'tls:{folder}:0']\n", log)
        plain, own, whole = (listener.endpoint.tls for listener in relay.service.listeners.all)
        assert plain is None
        assert own is not None
        assert whole is not None
        fingerprint = own.certificates[0].fingerprint
        self.pair(folder, 90)
        relay.wait()
        assert own.certificates[0].fingerprint != fingerprint
        assert whole.certificates[0].names == ("relay.test",)
        assert whole.certificates[0].ends == own.certificates[0].ends
        relay.stop()


class TestTickets:
    """Session tickets of TLS 1.2: their key is replaced daily, at every place at once."""

    @pytest.fixture
    def relay(self, tmp_path: Path, log: RecordedLog) -> Iterator[Running]:
        write_pair(tmp_path, *chain(["relay.test"]))
        certificate, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
        ssl_place = f"ssl:0:privateKey={key}:certKey={certificate}"
        config = f"listen = ['{ssl_place}', 'tcp:0', 'tls:{tmp_path}:0']\n"
        relay = Running(tmp_path, config, log)
        yield relay
        relay.stop()

    @staticmethod
    def session(
        tls: ServerTls, client: ssl.SSLContext, before: ssl.SSLSession | None = None
    ) -> tuple[ssl.SSLSession | None, bool]:
        """A session as a client of TLS 1.2 has it, and whether it is the one before."""
        end = shake(tls, client, session=before)
        return end.session, bool(end.session_reused)

    def test_resume_sessions_for_a_day_and_no_longer(self, relay: Running) -> None:
        places = [
            listener.endpoint.tls
            for listener in relay.service.listeners.all
            if listener.endpoint.tls
        ]
        assert len(places) == 2
        clients = [lenient_context(ssl.TLSVersion.TLSv1_2) for _ in places]
        visits = list(zip(places, clients, strict=True))
        first = [self.session(*visit)[0] for visit in visits]
        assert all(session is not None and session.has_ticket for session in first)

        def resumed(sessions: list[ssl.SSLSession | None]) -> list[bool]:
            """Which of these a visit resumes."""
            return [
                self.session(*visit, session)[1]
                for visit, session in zip(visits, sessions, strict=True)
            ]

        assert resumed(first) == [True, True]
        relay.clock.advance(TICKET_KEY_SECONDS - 2 * WATCH_SECONDS)
        assert resumed(first) == [True, True]
        relay.log.events.clear()
        relay.clock.advance(2 * WATCH_SECONDS)
        assert relay.lines == [], "nobody asked for it, and nothing has changed"
        assert resumed(first) == [False, False]
        assert resumed([self.session(*visit)[0] for visit in visits]) == [True, True]

    def test_get_a_new_key_each_day(self, relay: Running) -> None:
        tls = relay.service.listeners.all[0].endpoint.tls
        assert tls is not None
        contexts = []
        for _ in range(3):
            relay.clock.advance(TICKET_KEY_SECONDS)
            contexts.append(tls.context)
        assert len(set(map(id, contexts))) == 3

    def test_keep_it_for_another_try_where_the_files_cannot_be_read(
        self, tmp_path: Path, relay: Running
    ) -> None:
        """The certificate goes on, and with it the key, until the files are back."""
        tls = relay.service.listeners.all[0].endpoint.tls
        assert tls is not None
        key = (tmp_path / "privkey.pem").read_bytes()
        (tmp_path / "privkey.pem").unlink()
        relay.clock.advance(TICKET_KEY_SECONDS)
        before = tls.context
        relay.clock.advance(READ_AGAIN_SECONDS)
        assert tls.context is before
        assert [warning.slug for warning in relay.service.warnings()] == ["not_read"]
        (tmp_path / "privkey.pem").write_bytes(key)
        relay.wait()
        assert tls.context is not before


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


@pytest.mark.parametrize(
    "guard", ["access-token-file", "allow-channels", "allow-from", "allow-origin"]
)
def test_what_keeps_people_out_is_not_lifted_by_a_reload(
    tmp_path: Path, log: RecordedLog, guard: str
) -> None:
    """A file that was emptied by mistake must not open a private relay."""
    listed = tmp_path / "list"
    listed.write_text(TOKEN if guard == "access-token-file" else base64url.encode(bytes(32)))
    given = {"allow-from": "192.0.2.0/24", "allow-origin": "https://app.example"}
    value = given.get(guard, str(listed))
    relay = Running(tmp_path, f"{guard} = '{value}'\n", log)
    before = relay.broker.access
    said = relay.write("session-ttl = 70\n")
    warning = f"warn: {relay.config}: {guard} has changed; restart the relay to apply it"
    assert warning in said
    assert warning in relay.write("session-ttl = 80\n")
    assert relay.broker.access == before == relay.service.settings.access
    assert relay.broker.limits.session_ttl == 80
    relay.stop()
