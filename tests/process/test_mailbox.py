"""A relay with a mailbox: two devices that are never on together, restarts, kills, a full disk."""

import os
import signal
from pathlib import Path

import pytest

from tests.process.mailbox_device import mail_device
from tests.process.processes import run, running_relay

SENDER, RECEIVER = b"device-a", b"device-b"


@pytest.fixture
def flags(tmp_path: Path) -> tuple[str, ...]:
    return ("--mailbox", str(tmp_path / "mailbox"), "--mailbox-open")


def test_devices_that_are_never_on_together_pass_10_mb_through_a_restart(
    flags: tuple[str, ...],
) -> None:
    payloads = [os.urandom(60_000) for _ in range(165)]
    with running_relay(*flags) as relay, mail_device(relay.port, SENDER) as sender:
        assert sender.until("live")["cursor"] is None
        for number, payload in enumerate(payloads, 1):
            sender.put(number, payload)
            # Three are within the window.
            sender.until_stored(number - 2)
        sender.until_stored(len(payloads))
        assert sender.nacks == []
    with running_relay(*flags) as relay, mail_device(relay.port, RECEIVER) as receiver:
        assert receiver.until("open")["gap"] is None
        live = receiver.until("live")
        assert [item.payload for item in receiver.items] == payloads
    with (
        running_relay(*flags) as relay,
        mail_device(relay.port, RECEIVER, receiver.cursor) as receiver,
    ):
        assert receiver.until("open")["gap"] is None
        assert receiver.until("live")["cursor"] == live["cursor"]
        assert receiver.items == []


def test_what_was_answered_survives_kills(flags: tuple[str, ...]) -> None:
    answered: set[bytes] = set()
    for round_number in range(2):
        with running_relay(*flags) as relay, mail_device(relay.port, SENDER) as sender:
            sender.until("live")
            for number in range(20):
                sender.put(1 + round_number * 100 + number, os.urandom(500))
            sender.until_stored(5 + round_number)
            relay.process.send_signal(signal.SIGKILL)
            relay.process.communicate()
            answered.update(each.item_id for each in sender.stored)
    with running_relay(*flags) as relay, mail_device(relay.port, RECEIVER) as receiver:
        receiver.until("live")
    found = [item.item_id for item in receiver.items]
    assert answered <= set(found)
    assert len(found) == len(set(found))


def test_a_second_relay_on_the_folder_does_not_start(flags: tuple[str, ...]) -> None:
    with running_relay(*flags):
        second = run("vault-relay", "--port", "0", *flags)
    assert second.returncode == 2
    assert "another process uses the folder" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--mailbox", "{}"), "--mailbox: anyone who reaches the relay could store messages"),
        (
            ("--mailbox", "{}", "--mailbox-open", "--node-name", "a"),
            "--mailbox and --node-name cannot be combined",
        ),
        (("--mailbox", "/dev/null/x", "--mailbox-open"), "cannot be created"),
    ],
)
def test_a_mailbox_that_may_not_be_is_refused_in_a_sentence(
    flags: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    ended = run("vault-relay", "--port", "0", *(each.format(tmp_path) for each in flags))
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_restored_copy_is_told_as_unknown(flags: tuple[str, ...], tmp_path: Path) -> None:
    folder, old = tmp_path / "mailbox", tmp_path / "old"
    with running_relay(*flags) as relay, mail_device(relay.port, SENDER) as sender:
        sender.put(1, b"before")
        sender.until_stored(1)
    folder.rename(old)
    (tmp_path / "mailbox").mkdir(mode=0o700)
    for file in old.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
        (folder / file.name).chmod(0o600)
    with running_relay(*flags) as relay, mail_device(relay.port, SENDER) as sender:
        # Before that its PUT would have no cursor.
        sender.until("live")
        sender.put(2, b"after the copy")
        sender.until_stored(1)
        cursor = sender.cursor
    for file in old.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with running_relay(*flags) as relay:
        with mail_device(relay.port, RECEIVER) as other:
            for number in range(3, 6):
                other.put(number, b"another history")
            other.until_stored(3)
        with mail_device(relay.port, SENDER, cursor) as sender:
            assert sender.until("open")["gap"] == "unknown"
            sender.until("live")
            assert next(item.payload for item in sender.items) == b"before"


def test_without_the_option_a_device_is_offered_nothing(tmp_path: Path) -> None:
    with running_relay() as relay, mail_device(relay.port, SENDER) as device:
        assert device.limits is None
    assert list(tmp_path.iterdir()) == []


def test_messages_pass_while_the_disk_is_full(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    flags = ("--mailbox", str(folder), "--mailbox-open", "--mailbox-reserve", str(1 << 43))
    with running_relay(*flags) as relay, mail_device(relay.port, SENDER) as sender:
        sender.until("live")
        sender.put(1, b"sealed")
        sender.until_stored(1)
        [nack] = sender.nacks
        assert nack[3] == 8
        with mail_device(relay.port, RECEIVER) as receiver:
            receiver.until("live")
