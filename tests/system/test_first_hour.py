"""The tutorial, as somebody follows it: each block that needs no server, in a shell."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.code_blocks import ROOT, Block, blocks
from tests.process.processes import WAIT_SECONDS, environment, read_line

BLOCKS = blocks(ROOT / "docs/first-hour.rst")


class Reader:
    """A folder, a shell for each block, and the relay that runs in another terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.relay: subprocess.Popen[str] | None = None
        self.printed = ""
        self._ports: dict[str, str] = {}

    def follow(self, block: Block) -> None:
        """Do what the page says with a block."""
        if block.names:
            (self.folder / block.names[0]).write_text(block.text)
        elif "serve" in block.classes:
            self.stop()
            self._serve(block.text)
        elif "printed" in block.classes:
            assert self.printed.strip() == block.text.strip()
        elif "run" in block.classes or "fail" in block.classes:
            process = self._start(f"set -e\n{block.text}")
            self.printed, errors = process.communicate(timeout=WAIT_SECONDS)
            assert (process.returncode != 0) == ("fail" in block.classes), self.printed + errors

    def stop(self) -> None:
        """Press Ctrl-C in the terminal of the relay."""
        if self.relay is not None:
            self.relay.terminate()
            self.relay.communicate(timeout=WAIT_SECONDS)
            self.relay = None

    def _serve(self, script: str) -> None:
        """Start the relay on ports of its own, which later blocks have in place of the usual."""
        self._ports = {"9090": "0"}
        relay = self.relay = self._start(f"exec {script} --port 0 --bind 127.0.0.1")
        assert relay.stderr is not None
        for usual in ("8080", "9090")[: 1 + ("--admin" in script)]:
            line = read_line(relay.stderr)
            found = re.search(r"\bport ([1-9]\d*)", line)
            assert found, line
            self._ports[usual] = found[1]

    def _start(self, script: str) -> subprocess.Popen[str]:
        for usual, free in self._ports.items():
            script = script.replace(usual, str(free))
        tools = Path(sys.executable).parent
        return subprocess.Popen(
            ["sh", "-c", script],
            cwd=self.folder,
            env=environment() | {"PATH": f"{tools}:/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


def test_the_tutorial_does_what_it_says(reader: Reader) -> None:
    ran = [block for block in BLOCKS if {"run", "serve", "fail"} & set(block.classes)]
    assert len(ran) > 6
    for block in BLOCKS:
        reader.follow(block)
