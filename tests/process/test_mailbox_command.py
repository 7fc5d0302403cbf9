"""``vault-relay mailbox`` with a running relay, and with the mailbox of one that has stopped."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path
from threading import Thread

import pytest

from tests.process.mailbox_device import mail_device
from tests.process.processes import RunningRelay, read_line, run, running_relay

ONE, OTHER = b"device-a", b"device-b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def flags(folder: Path) -> tuple[str, ...]:
    return ("--mailbox", str(folder), "--mailbox-open")


def mailbox(folder: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    done = run("vault-relay", "mailbox", *arguments, RELAY_MAILBOX=str(folder))
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1
    return done


def usage(folder: Path) -> dict[str, object]:
    fields = json.loads(mailbox(folder, "usage", "--json").stdout)
    assert isinstance(fields, dict)
    return fields


def pseudonym(relay: RunningRelay) -> str:
    """The name of the channel in the line of a session that has ended."""
    assert relay.process.stderr is not None
    while True:
        found = re.search(r"\bc-[0-9a-z]+", read_line(relay.process.stderr))
        if found:
            return found[0]


def test_a_running_relay_does_the_work(flags: tuple[str, ...], folder: Path) -> None:
    backup = folder.parent / "backup.db"
    with running_relay(*flags) as relay, mail_device(relay.port, ONE) as device:
        mode = (folder / "control").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        device.put(1, b"sealed")
        device.until_stored(1)
        told = usage(folder)
        assert (told["state"], told["items"], told["channels"]) == ("open", 1, 1)
        assert "1 in 1 channels" in mailbox(folder, "usage").stdout
        assert mailbox(folder, "check").stdout == "The mailbox is undamaged.\n"
        assert mailbox(folder, "trust-clock").returncode == 0
        assert mailbox(folder, "backup", backup).returncode == 0
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        again = mailbox(folder, "backup", backup)
        assert (again.returncode, again.stderr) == (
            1,
            f"vault-relay: cannot write {backup}: file exists\n",
        )
    assert not (folder / "control").exists()


def test_the_pseudonym_of_the_log_names_the_channel_to_erase(
    flags: tuple[str, ...], folder: Path
) -> None:
    with running_relay(*flags) as relay, mail_device(relay.port, ONE) as device:
        device.until("live")
        device.put(1, b"sealed")
        device.until_stored(1)
        with mail_device(relay.port, OTHER):
            pass
        name = pseudonym(relay)
        wrong = mailbox(folder, "erase", "c-000000")
        assert wrong.returncode == 1
        assert "no channel with connected devices has the pseudonym 'c-000000'" in wrong.stderr
        assert usage(folder)["items"] == 1
        done = mailbox(folder, "erase", name)
        assert (done.returncode, done.stdout) == (0, "Erased the channel.\n")
        assert usage(folder)["items"] == 0
        while not any(each["type"] == "erased" for each in device.controls):
            device.receive()


def test_without_pseudonyms_nothing_is_erased(flags: tuple[str, ...], folder: Path) -> None:
    with running_relay(*flags, "--log-addresses", "none") as relay, mail_device(relay.port, ONE):
        done = mailbox(folder, "erase", "c-000000")
    assert done.returncode == 1
    assert "--log-addresses none" in done.stderr


def test_a_mailbox_without_a_relay_is_opened(flags: tuple[str, ...], folder: Path) -> None:
    with running_relay(*flags) as relay, mail_device(relay.port, ONE) as device:
        device.put(1, b"sealed")
        device.until_stored(1)
        relay.process.send_signal(signal.SIGKILL)
        relay.process.communicate()
    # The socket of a relay that was killed stays.
    assert (folder / "control").exists()
    told = usage(folder)
    assert (told["state"], told["items"]) == ("closed", 1)
    assert mailbox(folder, "check").returncode == 0
    assert mailbox(folder, "trust-clock").returncode == 0
    backup = folder.parent / "backup.db"
    assert mailbox(folder, "backup", backup).returncode == 0
    assert backup.exists()
    done = mailbox(folder, "erase", "c-000000")
    assert done.returncode == 1
    assert "only a running relay knows the pseudonyms" in done.stderr
    with running_relay(*flags):
        assert usage(folder)["state"] == "open"


def test_a_backup_is_restored_as_its_help_says(flags: tuple[str, ...], folder: Path) -> None:
    backup = folder.parent / "backup.db"
    with running_relay(*flags) as relay, mail_device(relay.port, ONE) as device:
        device.put(1, b"before")
        device.until_stored(1)
        assert mailbox(folder, "backup", backup).returncode == 0
        device.put(2, b"after")
        device.until_stored(2)
        cursor = device.cursor
    for path in folder.glob("mailbox.db*"):
        path.unlink()
    shutil.copy(backup, folder / "mailbox.db")
    with running_relay(*flags) as relay:
        with mail_device(relay.port, OTHER) as device:
            device.until("live")
            assert [item.payload for item in device.items] == [b"before"]
        with mail_device(relay.port, ONE, cursor) as device:
            assert device.until("open")["gap"] == "unknown"


def test_damage_is_found_and_turns_the_mailbox_off(flags: tuple[str, ...], folder: Path) -> None:
    with running_relay(*flags) as relay, mail_device(relay.port, ONE) as device:
        for number in range(20):
            device.put(number + 1, os.urandom(4000))
        device.until_stored(20)
    file = folder / "mailbox.db"
    data = bytearray(file.read_bytes())
    # The header of each page but the first, which names the tables.
    for at in range(4096, len(data), 4096):
        data[at : at + 8] = b"\xff" * 8
    file.write_bytes(data)
    done = mailbox(folder, "check")
    assert done.returncode == 1
    assert "the mailbox is damaged: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("usage", "--mailbox", "/nonexistent"), "there is no mailbox in /nonexistent"),
        (("usage", "--mailbox", ""), "no mailbox is given; set --mailbox or RELAY_MAILBOX"),
        (("backup", "--mailbox", "x"), "the following arguments are required: FILE"),
        (("empty",), "invalid choice: 'empty'"),
        (("usage", "--jsn"), "did you mean --json?"),
        (("check", "more"), "'more' is not an option"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = run("vault-relay", "mailbox", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_program_that_is_no_relay_gets_a_sentence(folder: Path) -> None:
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "control"))
        listening.listen()
        listening.settimeout(20)

        def answer() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = Thread(target=answer)
        thread.start()
        done = mailbox(folder, "usage")
        thread.join()
    assert done.returncode == 1
    assert "the answer is not that of a relay" in done.stderr
