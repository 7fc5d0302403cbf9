"""Reloading access rules: tokens, channels, networks and origins, and which sessions it closes."""

from pathlib import Path

import pytest

from tests.app.running_relay import KICKED, TOKEN, Running
from tests.memory import SEED
from tests.recorded_log import RecordedLog
from vaultrelay.policy.origins import Origins
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of


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
