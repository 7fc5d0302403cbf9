"""Relative names stay those of the folder of the start, wherever the process goes (--rundir)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from tests.authority import issue, write_pair
from vaultrelay.config.file_watcher import FileWatcher
from vaultrelay.config.settings import Settings
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

KEYS = "privateKey=tls/privkey.pem:certKey=tls/fullchain.pem"
CHAIN = f"ssl:0:{KEYS}:extraCertChain=tls/fullchain.pem"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """In a folder with all kinds of files; call it to be in another one."""
    start, other = tmp_path / "start", tmp_path / "other"
    (start / "tls").mkdir(parents=True)
    other.mkdir()
    monkeypatch.chdir(start)
    renew(start)
    return lambda: monkeypatch.chdir(other)


def renew(start: Path) -> None:
    """Make every file, or make it another one."""
    is_new = not (start / "relay.toml").exists()
    write_pair(start / "tls", issue(["relay.example.org"]))
    (start / "tokens").write_text("a-token-of-the-operators" if is_new else "another-one-of-theirs")
    (start / "channels").write_text(("A" if is_new else "B") + "A" * 42)
    (start / "relay.toml").write_text(f'access-token-file = "tokens"\nsession-ttl = {7 + is_new}')


@pytest.mark.parametrize(
    "flags",
    [
        {"access-token-file": "tokens"},
        {"allow-channels": "./channels"},
        {"tls-cert": "tls/fullchain.pem", "tls-key": "tls/../tls/privkey.pem"},
        {"config": "relay.toml"},
        {"listen": f"ssl:0:{KEYS}"},
        {"listen": CHAIN},
        {"listen": f"haproxy:ssl:0:{KEYS}"},
        {"listen": "tls:tls:0"},
        {"listen": "haproxy:tls:port=0:path=tls"},
    ],
    ids=lambda flags: " ".join(flags.values())[:30],
)
@pytest.mark.parametrize("by_variable", [False, True])
def test_what_is_renewed_is_read_and_watched(
    elsewhere: Callable[[], None], tmp_path: Path, flags: dict[str, str], by_variable: bool
) -> None:
    variables = {f"RELAY_{name.upper().replace('-', '_')}": text for name, text in flags.items()}
    given = {} if by_variable else {name: [text] for name, text in flags.items()}
    reader = SettingsReader(given, variables if by_variable else {}, MemoryReactorClock())
    settings = reader.read()
    elsewhere()
    changes = FileWatcher(*reader.files(settings))
    renew(tmp_path / "start")
    changes.changed()
    assert changes.changed()
    again, errors = reader.read_all(settings)
    assert errors == []
    assert again != settings
    assert again.taken_over_by(settings)[1] == []


def test_sockets_are_made_and_dialled_where_the_relay_was_started(
    elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    start = tmp_path / "start"
    found = [read_endpoint(None, text) for text in ("unix:a.sock", "haproxy:unix:./a.sock")]
    elsewhere()
    for listening in found:
        assert listening.unix_path == str(start / "a.sock")
        where: Any = listening.where
        assert where.path == str(start / "a.sock")


def test_nodes_and_runtime_folder_are_those_of_the_start(
    elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    start = tmp_path / "start"
    flags = {"admin": ["tcp:0"], "admin-node": ["unix:b.sock", "unix:/c.sock", "http://a:1/x"]}
    reader = SettingsReader(flags, {"TMPDIR": "t", "RELAY_RUNTIME_FOLDER": "run"}, None)
    default = SettingsReader({}, {"TMPDIR": "t"}, None)
    settings, by_default = reader.read(), default.read()
    assert [url.path for url in settings.admin_nodes] == [f"{start}/b.sock", "/c.sock", "/x"]
    assert settings.runtime_folder == f"{start}/run"
    assert by_default.runtime_folder.startswith(f"{start}/t/vault-relay-")
    elsewhere()
    for each, before in ((reader, settings), (default, by_default)):
        again, errors = each.read_all(before)
        assert errors == []
        assert again.taken_over_by(before)[1] == []


def test_the_runtime_folder_is_that_of_the_user_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before twistd changes the user, and after it."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    reader = SettingsReader({}, {"TMPDIR": str(tmp_path)}, None, user=1234)
    before = reader.read()
    assert before.runtime_folder == "/tmp/vault-relay-1234"  # noqa: S108
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    assert reader.read_all(before)[0].runtime_folder == before.runtime_folder


def test_a_start_in_a_folder_that_is_gone_finds_no_relative_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert SettingsReader({}, {}, None).read() == Settings(
            runtime_folder=SettingsReader({}, {}, None).read().runtime_folder,
            memory=SettingsReader({}, {}, None).read().memory,
        )
        with pytest.raises(BadEndpoint, match="no such file or directory"):
            read_endpoint(None, f"ssl:0:{KEYS}")
    finally:
        monkeypatch.chdir(tmp_path)
