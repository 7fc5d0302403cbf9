"""FileWatcher: files that were rewritten, replaced, or turned to by a symbolic link."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vaultrelay.config.file_watcher import FileWatcher


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tls.pem"
    path.write_text("first")
    return path


def rewrite(path: Path) -> None:
    path.write_text("second one")


def touch_only(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("other")
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


def let_read(path: Path) -> None:
    path.chmod(0o444)


@pytest.mark.parametrize("change", [rewrite, touch_only, replace, remove, let_read])
def test_a_change_counts_when_it_has_settled(file: Path, change: Callable[[Path], None]) -> None:
    watcher = FileWatcher([file])
    assert not watcher.changed()
    change(file)
    assert not watcher.changed()
    assert watcher.changed()
    assert watcher.changed()  # until it was read
    watcher.watch([file])
    assert not watcher.changed()


def test_what_goes_on_changing_is_waited_for(file: Path) -> None:
    watcher = FileWatcher([file])
    for number in range(5):
        file.write_text("x" * number)
        assert not watcher.changed()
    assert watcher.changed()


def test_what_comes_back_to_what_it_was_is_no_change(file: Path) -> None:
    link, other = file.with_name("link"), file.with_name("other")
    other.write_text("other")
    link.symlink_to(file)
    watcher = FileWatcher([link])
    link.unlink()
    link.symlink_to(other)
    assert not watcher.changed()
    link.unlink()
    link.symlink_to(file)
    assert not watcher.changed()
    assert not watcher.changed()


def test_a_link_that_turns_to_another_folder_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes does it, with the link in the middle of the path."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.pem").write_text(name)
    (tmp_path / "now").symlink_to("old")
    (tmp_path / "tls.pem").symlink_to("now/tls.pem")
    watcher = FileWatcher([tmp_path / "tls.pem"])
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").replace(tmp_path / "now")
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, True]


def test_a_folder_changes_with_the_certificates_in_it(tmp_path: Path) -> None:
    watcher = FileWatcher([tmp_path], [tmp_path])
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.pem").write_text("a")
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, True]
    watcher.watch([tmp_path], [tmp_path])
    (tmp_path / "below" / "a.pem").write_text("longer")
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, True]


def test_a_file_that_changes_while_it_is_read_is_read_all(file: Path) -> None:
    watcher = FileWatcher([file])
    rewrite(file)
    watcher.changed()
    assert watcher.changed()
    file.write_text("a third one, while the second was read")
    watcher.watch([file])
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, True]


def test_files_may_be_missing_or_have_no_name_at_all(tmp_path: Path) -> None:
    watcher = FileWatcher([tmp_path / "missing", Path("\0")])
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, False]
    (tmp_path / "missing").write_text("there")
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, True]


def test_other_files_may_be_looked_at_from_now_on(file: Path, tmp_path: Path) -> None:
    watcher = FileWatcher([file])
    watcher.watch([tmp_path / "other"])
    rewrite(file)
    assert [bool(watcher.changed()), bool(watcher.changed())] == [False, False]


def test_it_rests_at_each_file_of_a_folder(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.pem").write_text("certificate")
    rests: list[None] = []
    watcher = FileWatcher([tmp_path], [tmp_path], rest=lambda: rests.append(None))
    rests.clear()
    watcher.changed()
    assert len(rests) == 6
