"""Relay processes for tests: started as their users start them, ended by pid."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vaultrelay import native

RUNTIME = tempfile.TemporaryDirectory(prefix="vault-relay-test-")
"""The runtime folder of all relays that are given none: they leave nothing in the user's."""
BIN = Path(os.environ.get("VAULT_RELAY_BIN") or Path(sys.executable).parent)
"""Where the commands are; ``make package-check`` names another folder."""
WAIT_SECONDS = 20
"""A slow machine's patience; nothing here takes a second of it."""


@dataclass
class RunningRelay:
    """A relay process that listens; on a unix socket, on port 0."""

    process: "subprocess.Popen[str]"
    port: int

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Signal it, and wait; the exit status and what it logged."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=WAIT_SECONDS)
        return self.process.returncode, log


def environment(**variables: str) -> dict[str, str]:
    """This process's environment, without RELAY_ variables but the runtime folder and the choice of
    the twins."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == native.VARIABLE or not name.startswith("RELAY_")
    }
    return kept | {"RELAY_RUNTIME_FOLDER": RUNTIME.name} | variables


@contextmanager
def running_relay(
    *arguments: str,
    inside: Sequence[str] = (),
    preexec_fn: Callable[[], None] | None = None,
    **variables: str,
) -> Iterator[RunningRelay]:
    """`vault-relay` on a port of its own, killed at the end if it still runs.

    `inside` is what goes before the command, for another place to run in.
    """
    where = () if "--listen" in arguments else ("--port", "0", "--bind", "127.0.0.1")
    process = subprocess.Popen(
        [*inside, BIN / "vault-relay", *where, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
        preexec_fn=preexec_fn,  # noqa: PLW1509  no thread of ours holds a lock then
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        # Where it was told to listen, it says so in its log alone.
        said = read_line(process.stdout if where else process.stderr)
        found = re.search(r"\bport (\d+)\b|\(open\)", said)
        assert found, (said, process.communicate(timeout=WAIT_SECONDS))
        yield RunningRelay(process, int(found[1] or 0))
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.communicate(timeout=WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def read_line(stream: IO[str]) -> str:
    """The next line of a process, and no byte more: `communicate` does not return what a buffer
    took beyond it."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(stream.fileno(), 1)):
        line += byte
    return line.decode()


def run(*command: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command of ours run to its end."""
    name, *arguments = command
    return subprocess.run(
        [BIN / name, *arguments],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=WAIT_SECONDS,
        check=False,
    )


def minds(pid: int, number: int) -> bool:
    """Whether a process ignores a signal or handles it."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = (
        int(line.split()[1], 16)
        for line in status.splitlines()
        if "SigIgn" in line or "SigCgt" in line
    )
    return any(mask >> (number - 1) & 1 for mask in masks)


def until(done: Callable[[], object]) -> None:
    """Wait, for a slow machine's patience."""
    for _ in range(100 * WAIT_SECONDS):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")
