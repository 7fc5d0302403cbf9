"""The stores of a client's mailbox: one contract, and what a file promises beside it."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaultrelay.client import MailStore, MemoryMailStore, StoreFailed, WaitingPut, mail_file
from vaultrelay.client import mail_store as mail_store_module
from vaultrelay.client.mail_file import MailFile

PUTS = [
    WaitingPut(bytes([number]) * 16, b"sealed" * number, bytes([number]) * 16, number)
    for number in range(1, 5)
]


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        yield MemoryMailStore()
    else:
        made = MailFile(tmp_path / "mail")
        yield made
        made.close()


@pytest.fixture
def reopen(tmp_path: Path) -> Any:
    """Opens the file again, as after a restart."""
    opened: list[MailFile] = []

    def again() -> MailFile:
        for each in opened:
            each.close()
        opened.append(MailFile(tmp_path / "mail"))
        return opened[-1]

    yield again
    opened[-1].close()


def test_a_new_store_has_nothing(store: MailStore) -> None:
    assert (store.cursor, store.must_synchronize, list(store.puts())) == (b"", False, [])
    assert not store.knows(b"i" * 16)


def test_puts_are_kept_in_order(store: MailStore) -> None:
    first, second, third, fourth = PUTS
    store.add_put(first, None)
    store.add_put(second, None)
    store.add_put(third, first.item_id)
    store.add_put(fourth, None)
    store.remove_put(second.item_id)
    assert list(store.puts()) == [third, fourth]
    known = [store.knows(put.item_id) for put in PUTS]
    assert known == [True, False, False, False], "the relay may have stored the first one"


def test_taking_remembers_ids_ends_puts_and_moves_the_cursor(store: MailStore) -> None:
    first, second, *_ = PUTS
    store.add_put(first, None)
    store.add_put(second, None)
    store.take((first.item_id, b"x" * 16), b"c" * 16)
    assert list(store.puts()) == [second]
    assert store.knows(first.item_id)
    assert store.knows(b"x" * 16)
    assert not store.knows(second.item_id)
    assert store.cursor == b"c" * 16
    store.take((), b"")
    assert store.cursor == b""


def test_the_oldest_ids_are_forgotten(store: MailStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mail_store_module, mail_file):
        monkeypatch.setattr(module, "MAX_KNOWN_IDS", 2)
    for number in range(4):
        store.take((bytes([number]) * 16,), b"")
    store.take((bytes([3]) * 16,), b"")
    assert [store.knows(bytes([number]) * 16) for number in range(4)] == [False, False, True, True]


def test_a_file_survives_a_restart(reopen: Callable[[], MailFile]) -> None:
    store = reopen()
    store.add_put(PUTS[0], None)
    store.add_put(PUTS[1], None)
    store.take((b"x" * 16,), b"c" * 16)
    store.set_must_synchronize(True)
    store = reopen()
    assert list(store.puts()) == PUTS[:2]
    assert (store.cursor, store.must_synchronize) == (b"c" * 16, True)
    assert store.knows(b"x" * 16)
    store.set_must_synchronize(False)
    assert reopen().must_synchronize is False


def test_a_file_survives_the_death_of_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from vaultrelay.client.mail_file import MailFile, WaitingPut\n"
        "store = MailFile(Path(sys.argv[1]))\n"
        "store.add_put(WaitingPut(b'i' * 16, b'sealed'), None)\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "mail")], check=True, timeout=20)
    store = MailFile(tmp_path / "mail")
    assert [put.payload for put in store.puts()] == [b"sealed"]
    store.close()


def test_a_change_is_made_as_a_whole_or_not_at_all(reopen: Callable[[], MailFile]) -> None:
    store = reopen()
    store.add_put(PUTS[0], None)
    with pytest.raises(StoreFailed, match="cannot be used"):
        store.add_put(WaitingPut(b"i" * 16, None), PUTS[0].item_id)  # type: ignore[arg-type]
    with pytest.raises(StoreFailed):
        store.take((PUTS[0].item_id,), None)  # type: ignore[arg-type]
    assert (store.cursor, list(store.puts())) == (b"", PUTS[:1])
    assert not store.knows(PUTS[0].item_id)


def test_a_file_is_private_and_for_one_process(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    path.touch(mode=0o666)
    umask = os.umask(0)
    try:
        store = MailFile(path)
        store.add_put(PUTS[0], None)
    finally:
        os.umask(umask)
    files = list(tmp_path.iterdir())
    assert len(files) > 1, "no log beside it"
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    with pytest.raises(StoreFailed, match="database is locked"):
        MailFile(path)
    store.close()


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    other, text, gone = tmp_path / "other", tmp_path / "text", tmp_path / "gone" / "mail"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE state (cursor, must_synchronize)")
    db.close()
    text.write_text("This is no database." * 10)
    with pytest.raises(StoreFailed, match="is not a mail file of this version"):
        MailFile(other)
    with pytest.raises(StoreFailed, match="file is not a database"):
        MailFile(text)
    with pytest.raises(StoreFailed, match="No such file"):
        MailFile(gone)
    assert text.read_text() == "This is no database." * 10
