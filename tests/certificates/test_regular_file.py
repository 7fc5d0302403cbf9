"""Plain files: what is read, and what is refused at once instead of keeping the relay waiting."""

import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from vaultrelay.certificates.regular_file import is_world_readable, read_file, unreadable_reason
from vaultrelay.policy.limits.access import MAX_FILE_BYTES

NOBODY = 65534
NO_FILE = "not a regular file but a pipe or a device"


def test_a_file_is_read_whole_through_links_too(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link") == content


def silent_pipe(path: Path) -> None:
    os.mkfifo(path)


def endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (silent_pipe, NO_FILE),
        (endless_device, NO_FILE),
        (folder, "Is a directory"),
        (loop, "Too many levels of symbolic links"),
        (too_large, f"larger than {MAX_FILE_BYTES} bytes"),
    ],
)
def test_what_is_no_plain_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(OSError, match=words) as refused:
        read_file(path)
    assert refused.value.strerror == words


@pytest.fixture
def as_another_user() -> Iterator[str]:
    """Runs as a user who owns nothing, where the tests run as root; the user's name."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        yield f"the user {pwd.getpwuid(NOBODY).pw_name}"
        os.seteuid(0)
    else:
        yield f"the user {pwd.getpwuid(os.geteuid()).pw_name}"


class TestAMissingPermission:
    """The folder that bars the way is named, and who is barred."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Iterator[Path]:
        # The folders of pytest itself are barred, too.
        with TemporaryDirectory() as temporary:
            top = Path(temporary)
            top.chmod(0o755)
            file = top / "archive" / "relay" / "key.pem"
            file.parent.mkdir(parents=True)
            file.write_text("key")
            yield file
            for folder in (file.parents[1], file.parent):
                folder.chmod(0o700)

    def said(self, path: Path) -> str:
        with pytest.raises(PermissionError) as caught:
            read_file(path)
        return unreadable_reason(path, caught.value)

    @pytest.mark.parametrize("level", [0, 1], ids=["its folder", "a folder above"])
    def test_of_a_folder(self, file: Path, level: int, as_another_user: str) -> None:
        barred = file.parents[level]
        self.chmod(barred, 0)
        assert self.said(file) == (
            f"permission denied for the folder {barred}. Let {as_another_user} enter it: change "
            "its owner or mode"
        )

    def test_of_a_folder_behind_a_link(self, file: Path, as_another_user: str) -> None:
        """As certbot has it: live/ links to archive/."""
        link = file.parents[2] / "live.pem"
        self.do(lambda: link.symlink_to(file))
        self.chmod(file.parents[1], 0)
        assert f"denied for the folder {file.parents[1]}. " in self.said(link)

    def test_of_the_file_itself(self, file: Path, as_another_user: str) -> None:
        self.chmod(file, 0)
        assert self.said(file) == (
            f"permission denied. Let {as_another_user} read it: change its owner or mode"
        )

    def do(self, change: Callable[[], object]) -> None:
        """Make a change as the owner."""
        user = os.geteuid()
        os.seteuid(os.getuid())
        change()
        os.seteuid(user)

    def chmod(self, path: Path, mode: int) -> None:
        self.do(lambda: path.chmod(mode))


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "is_open"),
    [(0o644, 0o755, True), (0o604, 0o751, True), (0o640, 0o755, False), (0o644, 0o750, False)],
)
def test_a_file_is_world_readable_if_all_can_reach_it(
    file_mode: int, folder_mode: int, is_open: bool
) -> None:
    with TemporaryDirectory() as temporary:
        top = Path(temporary)
        top.chmod(0o755)
        (top / "keys").mkdir()
        file = top / "keys" / "key.pem"
        file.write_text("key")
        file.chmod(file_mode)
        (top / "keys").chmod(folder_mode)
        (top / "link.pem").symlink_to(file)
        assert is_world_readable(file) is is_open
        assert is_world_readable(top / "link.pem") is is_open
        assert not is_world_readable(top / "missing.pem")
