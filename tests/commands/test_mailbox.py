"""``vault-relay mailbox``: answers of a relay, and of what is none; a folder without a relay."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from vaultrelay.commands import mailbox as command
from vaultrelay.store.sqlite.opening import open_sqlite_store
from vaultrelay.store.store import StoreLimits

USAGE = {"state": "open", "items": 3, "channels": 2, "bytes": 1500, "file_bytes": 50_000}
USAGE |= {"damaged": 0, "limit_bytes": 1_000_000, "next_expiry": 1_800_000_000, "fault": ""}
Said = pytest.CaptureFixture[str]
Serve = Callable[[bytes], list[bytes]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "m"


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Answers one request on the socket of the folder; returns the requests."""
    folder.mkdir(mode=0o700)
    requests: list[bytes] = []
    threads: list[Thread] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "control"))
        listening.listen()
        listening.settimeout(20)

        def serve(answer: bytes) -> list[bytes]:
            def work() -> None:
                peer, _ = listening.accept()
                with peer:
                    requests.append(peer.recv(8192))
                    peer.sendall(answer)

            threads.append(Thread(target=work))
            threads[-1].start()
            return requests

        yield serve
        for thread in threads:
            thread.join()


def answer(fields: object, status: str = "200 OK") -> bytes:
    body = json.dumps(fields).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def run(folder: Path, *arguments: str, capsys: Said) -> tuple[int, str, str]:
    status = command.main([*arguments, "--mailbox", str(folder)])
    return status, *capsys.readouterr()


def test_figures_of_a_relay(folder: Path, serve: Serve, capsys: Said) -> None:
    requests = serve(answer(USAGE))
    status, out, _ = run(folder, "usage", capsys=capsys)
    assert status == 0
    assert out.splitlines() == [
        "state        open",
        "messages     3 in 2 channels",
        "size         1.5 kB of at most 1 MB",
        "file         50 kB",
        "next expiry  2027-01-15 08:00 UTC",
    ]
    assert requests[0].startswith(b"GET /usage HTTP/1.1\r\n")


def test_one_that_stores_nothing_is_a_fault(folder: Path, serve: Serve, capsys: Said) -> None:
    serve(answer(USAGE | {"state": "full", "fault": "no\x1b[31m room", "damaged": 2}))
    status, out, _ = run(folder, "usage", capsys=capsys)
    assert status == 1
    assert "state        full: no\\x1b[31m room\n" in out
    assert "damaged      2 messages" in out


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (("check",), b"POST /check HTTP/1.1"),
        (("trust-clock",), b"POST /trust-clock HTTP/1.1"),
        (("erase", "c-8m3k1z"), b"POST /erase?for=c-8m3k1z HTTP/1.1"),
        (("backup", "/a b/ü&c"), b"POST /backup?for=%2Fa%20b%2F%C3%BC%26c HTTP/1.1"),
    ],
)
def test_what_changes_something_is_posted(
    arguments: tuple[str, ...], target: bytes, folder: Path, serve: Serve, capsys: Said
) -> None:
    requests = serve(answer({}))
    assert run(folder, *arguments, capsys=capsys)[0] == 0
    assert requests[0].startswith(target + b"\r\n")


def test_a_relative_file_is_relative_to_the_command(
    folder: Path, serve: Serve, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    requests = serve(answer({}))
    assert run(folder, "backup", "b.db", capsys=capsys)[0] == 0
    assert b"%2Fm%2Fb.db HTTP" in requests[0]


def test_a_refusal_is_the_relays_sentence(folder: Path, serve: Serve, capsys: Said) -> None:
    serve(answer({"fault": "the mailbox is off: \x1b[31m"}, "409 Conflict"))
    status, out, errors = run(folder, "check", capsys=capsys)
    assert (status, out) == (1, "")
    assert errors == "vault-relay: the mailbox is off: \\x1b[31m\n"


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-x\r\n",
        b"",
        answer([]),
        answer({"state": "open"}),
        answer(USAGE | {"items": "many"}),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
    ],
)
def test_what_is_no_relay_gets_a_sentence(
    said: bytes, folder: Path, serve: Serve, capsys: Said
) -> None:
    serve(said)
    status, out, errors = run(folder, "usage", capsys=capsys)
    assert (status, out) == (1, "")
    assert errors.startswith(f"vault-relay: {folder / 'control'}: ")
    assert len(errors.splitlines()) == 1


def make(folder: Path, key: Path | None = None) -> None:
    open_sqlite_store(folder, key or folder / "key", StoreLimits(), free_bytes=0).close()


@pytest.mark.parametrize("where", ["option", "variable"])
def test_the_key_may_lie_elsewhere(
    where: str, folder: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = folder.with_name("elsewhere")
    make(folder, key)
    status, _, errors = run(folder, "usage", capsys=capsys)
    assert status == 1
    assert f"the key of the mailbox, {folder / 'key'}, is unreadable" in errors
    if where == "variable":
        monkeypatch.setenv("RELAY_MAILBOX_KEY", str(key))
    more = ("--mailbox-key", str(key)) if where == "option" else ()
    assert run(folder, "usage", *more, capsys=capsys)[0] == 0


def test_a_folder_of_another_user_is_not_opened(
    folder: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder)
    before = sorted(folder.iterdir())
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    status, _, errors = run(folder, "check", capsys=capsys)
    assert status == 1
    assert f"{folder} belongs to another user: run the command as " in errors
    assert sorted(folder.iterdir()) == before


def test_one_that_is_in_use_is_not_opened(folder: Path, capsys: Said) -> None:
    store = open_sqlite_store(folder, folder / "key", StoreLimits(), free_bytes=0)
    status, _, errors = run(folder, "check", capsys=capsys)
    store.close()
    assert status == 1
    assert f"another process uses the folder {folder}" in errors


def test_nothing_is_made_where_there_is_no_mailbox(folder: Path, capsys: Said) -> None:
    folder.mkdir(mode=0o700)
    with pytest.raises(SystemExit) as ended:
        run(folder, "usage", capsys=capsys)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"vault-relay: there is no mailbox in {folder}\n"
    assert list(folder.iterdir()) == []
