"""The example of the client's page: two persons who are never on together, as processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.code_blocks import ROOT, blocks
from tests.process.processes import WAIT_SECONDS, running_relay

PAGE = blocks(ROOT / "docs/reference/client.rst")
[EXAMPLE] = (block.text for block in PAGE if "letters.py" in block.names)
[PRINTED] = (block.text for block in PAGE if "printed" in block.classes)
Letters = Callable[..., str]


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    """Runs the example to its end; what it prints."""
    (tmp_path / "letters.py").write_text(EXAMPLE)

    def run(port: int, name: str, *texts: str) -> str:
        done = subprocess.run(
            [sys.executable, "letters.py", name, f"ws://127.0.0.1:{port}", *texts],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture
def flags(tmp_path: Path) -> tuple[str, ...]:
    return ("--mailbox", str(tmp_path / "mailbox"), "--mailbox-open")


def test_it_prints_what_the_page_says(letters: Letters, flags: tuple[str, ...]) -> None:
    with running_relay(*flags) as relay:
        written = letters(relay.port, "alice", "See you at eight")
        read = letters(relay.port, "bob")
        again = letters(relay.port, "bob")
    assert written + read == f"{PRINTED}\n"
    assert again == "All letters are exchanged.\n"


def test_letters_wait_for_a_relay_with_a_mailbox(letters: Letters, flags: tuple[str, ...]) -> None:
    with running_relay() as relay:
        told = letters(relay.port, "alice", "one")
        assert told == "The relay has no mailbox. Letters that wait: 1\n"
    assert letters(relay.port, "alice", "two", "three") == "No relay. Letters that wait: 3\n"
    with running_relay(*flags) as relay:
        letters(relay.port, "alice")
    with running_relay(*flags) as relay:
        told = letters(relay.port, "bob", "thanks")
        assert told == "alice: one\nalice: two\nalice: three\nAll letters are exchanged.\n"
        assert letters(relay.port, "alice") == "bob: thanks\nAll letters are exchanged.\n"
