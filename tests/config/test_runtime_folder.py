"""The runtime folder: which it is, and when it is refused."""

import os
from pathlib import Path

import pytest

from vaultrelay.config.runtime_folder import (
    UnsafeFolder,
    check_folder,
    folders_to_search,
    make_folder,
    runtime_folder,
    socket_path,
    sockets,
)


def test_the_first_that_there_is_counts(tmp_path: Path) -> None:
    variables = {
        "RUNTIME_DIRECTORY": "/run/first:/run/second",
        "XDG_RUNTIME_DIR": str(tmp_path),
        "TMPDIR": "/scratch",
    }
    assert runtime_folder("/run/named/", variables) == "/run/named"
    assert runtime_folder("", variables) == "/run/first"
    del variables["RUNTIME_DIRECTORY"]
    assert runtime_folder("", variables) == f"{tmp_path}/vault-relay"
    del variables["XDG_RUNTIME_DIR"]
    assert runtime_folder("", variables) == f"/scratch/vault-relay-{os.geteuid()}"
    assert runtime_folder("", {}) == f"/tmp/vault-relay-{os.geteuid()}"  # noqa: S108


def test_a_named_folder_does_not_depend_on_where_the_relay_is_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runtime_folder("run", {}) == f"{tmp_path}/run"


def test_another_users_session_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": "/t"}
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert runtime_folder("", variables).startswith("/t/vault-relay-")
    assert runtime_folder("", {"XDG_RUNTIME_DIR": "/nowhere", "TMPDIR": "/t"}).startswith("/t/")


def test_for_another_user_it_is_one_that_can_be_that_users(tmp_path: Path) -> None:
    """Under twistd --uid, with the variables of the user before."""
    other = tmp_path.stat().st_uid + 1
    own = str(tmp_path)
    for variables in ({"RUNTIME_DIRECTORY": own}, {"XDG_RUNTIME_DIR": own}, {"TMPDIR": own}, {}):
        assert runtime_folder("", variables, user=other) == f"/tmp/vault-relay-{other}"  # noqa: S108
    assert runtime_folder(own, {}, user=other) == own
    tmp_path.chmod(0o1777)
    assert runtime_folder("", {"RUNTIME_DIRECTORY": own}, user=other) == own
    gone = {"RUNTIME_DIRECTORY": f"{own}/gone"}
    assert runtime_folder("", gone, user=other) == f"/tmp/vault-relay-{other}"  # noqa: S108


def test_a_relative_folder_is_meant_in_that_of_the_start() -> None:
    assert runtime_folder("run", {}, "/start") == "/start/run"
    assert runtime_folder("", {"RUNTIME_DIRECTORY": "run"}, "/start") == "/start/run"
    assert runtime_folder("", {"TMPDIR": "t"}, "/start").startswith("/start/t/vault-relay-")


def test_a_relay_is_searched_for_wherever_its_user_may_have_started_it(tmp_path: Path) -> None:
    user = os.geteuid()
    session = {"XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": "/scratch"}
    assert folders_to_search("", session) == [
        f"{tmp_path}/vault-relay",
        f"/scratch/vault-relay-{user}",
        f"/tmp/vault-relay-{user}",  # noqa: S108
        f"/run/user/{user}/vault-relay",
    ]
    own, sessions = f"/tmp/vault-relay-{user}", f"/run/user/{user}/vault-relay"  # noqa: S108
    assert folders_to_search("", {}) == [own, sessions]
    assert folders_to_search("/run/named", session) == ["/run/named"]
    assert folders_to_search("", session | {"RUNTIME_DIRECTORY": "/run/it"}) == ["/run/it"]


def test_it_is_made_for_its_user_alone_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    make_folder(str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    make_folder(str(folder))


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(UnsafeFolder, match="is writable by other users"):
        make_folder(str(tmp_path))


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(UnsafeFolder, match="belongs to another user"):
        check_folder(str(tmp_path))


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(UnsafeFolder, match="is not a folder"):
        make_folder(runtime_folder(f"{link}/", {}))


def test_sockets_are_named_by_the_ports(tmp_path: Path) -> None:
    folder = str(tmp_path)
    expected = {
        socket_path(folder, [8080]): ["8080"],
        socket_path(folder, [80, 443]): ["80", "443"],
        socket_path(folder, []): [],
    }
    for path in expected:
        Path(path).touch()
    (tmp_path / "other").touch()
    assert sockets(folder) == expected
    assert sockets(f"{folder}/nowhere") == {}
