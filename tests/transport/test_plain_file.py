"""Plain files: what is read, and what is refused at once instead of keeping the relay waiting."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vaultrelay.policy.limits import MOST_FILE_BYTES
from vaultrelay.transport.plain_file import read_file

NO_FILE = "it is a pipe or a device, not a file"


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
        file.truncate(MOST_FILE_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (silent_pipe, NO_FILE),
        (endless_device, NO_FILE),
        (folder, "Is a directory"),
        (loop, "Too many levels of symbolic links"),
        (too_large, f"it has more than {MOST_FILE_BYTES} bytes"),
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
