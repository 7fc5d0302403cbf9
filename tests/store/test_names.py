"""Names and their key."""

import os
from pathlib import Path

import pytest

from vaultrelay.store.names import Names, create_key, read_key
from vaultrelay.store.store import StoreRefused


def test_names_depend_on_the_key_and_on_what_they_name() -> None:
    names, others = Names(b"k" * 32), Names(b"l" * 32)
    found = {names.channel(b"x"), names.channel(b"y"), names.payer(b"x"), others.channel(b"x")}
    assert len(found | {names.check_value(), others.check_value()}) == 6
    assert all(len(name) == 16 for name in found)


def test_a_key_is_written_once_and_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    (tmp_path / "key.part").write_bytes(b"left by a crash")
    key = create_key(path)
    assert read_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_key_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="cannot be written: No such file"):
        create_key(tmp_path / "missing" / "key")


def test_a_fifo_is_no_key_and_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "key"
    os.mkfifo(path, 0o600)
    with pytest.raises(StoreRefused, match="is no key"):
        read_key(path)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_file_of_another_size_is_no_key(tmp_path: Path, size: int) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(bytes(size))
    with pytest.raises(StoreRefused, match="is no key"):
        read_key(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_key(path)
    path.chmod(0o640)
    with pytest.raises(StoreRefused, match="chmod 600"):
        read_key(path)
