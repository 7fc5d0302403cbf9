"""Changes: files that were rewritten, replaced, or turned to by a symbolic link."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vaultrelay.config.file_watcher import Changes


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
    changes = Changes([file])
    assert not changes.look()
    change(file)
    assert not changes.look()
    assert changes.look()
    assert changes.look()  # until it was read
    changes.were_read([file])
    assert not changes.look()


def test_what_goes_on_changing_is_waited_for(file: Path) -> None:
    changes = Changes([file])
    for number in range(5):
        file.write_text("x" * number)
        assert not changes.look()
    assert changes.look()


def test_what_comes_back_to_what_it_was_is_no_change(file: Path) -> None:
    link, other = file.with_name("link"), file.with_name("other")
    other.write_text("other")
    link.symlink_to(file)
    changes = Changes([link])
    link.unlink()
    link.symlink_to(other)
    assert not changes.look()
    link.unlink()
    link.symlink_to(file)
    assert not changes.look()
    assert not changes.look()


def test_a_link_that_turns_to_another_folder_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes does it, with the link in the middle of the path."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.pem").write_text(name)
    (tmp_path / "now").symlink_to("old")
    (tmp_path / "tls.pem").symlink_to("now/tls.pem")
    changes = Changes([tmp_path / "tls.pem"])
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").replace(tmp_path / "now")
    assert [changes.look(), changes.look()] == [False, True]


def test_a_folder_changes_with_the_certificates_in_it(tmp_path: Path) -> None:
    changes = Changes([tmp_path], [tmp_path])
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.pem").write_text("a")
    assert [changes.look(), changes.look()] == [False, True]
    changes.were_read([tmp_path], [tmp_path])
    (tmp_path / "below" / "a.pem").write_text("longer")
    assert [changes.look(), changes.look()] == [False, True]


def test_a_file_that_changes_while_it_is_read_is_read_again(file: Path) -> None:
    changes = Changes([file])
    rewrite(file)
    changes.look()
    assert changes.look()
    file.write_text("a third one, while the second was read")
    changes.were_read([file])
    assert [changes.look(), changes.look()] == [False, True]


def test_files_may_be_missing_or_have_no_name_at_all(tmp_path: Path) -> None:
    changes = Changes([tmp_path / "missing", Path("\0")])
    assert [changes.look(), changes.look()] == [False, False]
    (tmp_path / "missing").write_text("there")
    assert [changes.look(), changes.look()] == [False, True]


def test_other_files_may_be_looked_at_from_now_on(file: Path, tmp_path: Path) -> None:
    changes = Changes([file])
    changes.were_read([tmp_path / "other"])
    rewrite(file)
    assert [changes.look(), changes.look()] == [False, False]
