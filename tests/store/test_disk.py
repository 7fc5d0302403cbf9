"""Folders: locks, modes, the reserve, and file systems."""

import os
from pathlib import Path

import pytest

from vaultrelay.policy.limits.mailbox import RESERVE_BYTES
from vaultrelay.store import disk
from vaultrelay.store.disk import Folder
from vaultrelay.store.mounts import file_system, is_network
from vaultrelay.store.store import StoreFull, StoreRefused


def test_a_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    first, second = Folder(tmp_path / "m", 0), Folder(tmp_path / "m", 0)
    first.take()
    with pytest.raises(StoreRefused, match="another process uses the folder"):
        second.take()
    first.release()
    second.take()
    second.release()
    second.release()


@pytest.mark.parametrize("mode", [0o750, 0o701])
def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(StoreRefused, match=f"chmod 700 {tmp_path}"):
        Folder(tmp_path, 0).take()


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StoreRefused, match="belongs to another user"):
        Folder(tmp_path, 0).take()


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="cannot be created: No such file"):
        Folder(tmp_path / "missing" / "m", 0).take()


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(disk, "file_system", lambda _: "nfs4")
    with pytest.raises(StoreRefused, match="is on nfs4"):
        Folder(tmp_path, 0).take()
    assert not list(tmp_path.iterdir())


def test_there_is_no_room_without_the_reserve(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "m", 0)
    folder.take()
    reserve = tmp_path / "m" / "reserve"
    assert reserve.stat().st_size == RESERVE_BYTES
    folder.require_room()
    assert folder.give_up_reserve()
    assert not reserve.exists()
    assert not folder.give_up_reserve()
    with pytest.raises(StoreFull, match="no room for the reserve"):
        folder.require_room()
    assert folder.make_reserve()
    folder.require_room()
    folder.release()


def test_a_reserve_that_does_not_fit_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "m", 0)
    folder.take()
    folder.give_up_reserve()
    monkeypatch.setattr(os, "fsync", _fail)
    assert not folder.make_reserve()
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["lock"]
    folder.release()


def test_free_space_is_left_to_others(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "m", 1 << 60)
    folder.take()
    with pytest.raises(StoreFull, match="bytes are free"):
        folder.require_room()
    folder.release()


def _fail(_: int) -> None:
    raise OSError(28, "No space left on device")


MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:30 / /mnt rw shared:2 - nfs4 server:/x rw,vers=4.2
24 23 0:31 / {folder} rw - tmpfs tmpfs rw
25 22 0:32 / /with\040space rw - fuse.sshfs host: rw
26 22 0:33 / /over rw - 9p first rw
27 22 0:34 / /over rw master:1 - btrfs second rw
""".lstrip()


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS.format(folder=tmp_path))
    for path, kind in (
        (tmp_path / "sub", "tmpfs"),
        (Path("/mnt/folder"), "nfs4"),
        (Path("/mnt-other"), "ext4"),
        (Path("/with space/x"), "fuse.sshfs"),
        (Path("/over"), "btrfs"),
    ):
        assert file_system(path, table) == kind
    (tmp_path / "link").symlink_to("/mnt")
    assert file_system(tmp_path / "link", table) == "nfs4"


def test_the_file_system_is_unknown_without_proc(tmp_path: Path) -> None:
    assert file_system(tmp_path, tmp_path / "missing") == ""
    assert not is_network("")


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "9p", "fuse", "fuse.sshfs", "fuseblk"])
def test_network_file_systems(kind: str) -> None:
    assert is_network(kind)
    assert not is_network("ext4")
