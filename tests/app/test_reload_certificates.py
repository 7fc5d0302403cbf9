"""Reloading certificates, and replacing the keys of session tickets."""

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.app.running_relay import Running
from tests.authority import chain, write_pair
from tests.recorded_log import RecordedLog
from tests.transport.tls_client import lenient_context, shake
from vaultrelay.policy.limits.files import READ_AGAIN_SECONDS, TICKET_KEY_SECONDS, WATCH_SECONDS
from vaultrelay.transport.server_tls import ServerTls


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
