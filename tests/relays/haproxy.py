"""HAProxy as a cluster has it: a master with its worker, and the runtime API on a socket."""

import csv
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS, environment, run
from tests.relays.nodes import HOST

BACKEND = "relay"
_ANSWER_BYTES = 1 << 16


class HAProxy:
    """One HAProxy, with the configuration that `vault-relay haproxy` prints for it."""

    def __init__(self, folder: Path, name: str, port: int, *options: str) -> None:
        self.name = name
        self.port = port
        self._file = folder / f"{name}.cfg"
        self._own = folder / name
        self._own.mkdir()
        self._log = folder / f"{name}.log"
        self._file.write_text(self._configuration(options))
        self._process: subprocess.Popen[bytes] | None = None

    def edit(self, pattern: str, replacement: str = "") -> None:
        """Change lines of the configuration, before a start or a reload."""
        text, count = re.subn(pattern, replacement, self._file.read_text(), flags=re.MULTILINE)
        assert count, f"{pattern!r} is not in the configuration"
        self._file.write_text(text)

    def start(self) -> None:
        """Start it; `worker` tells when it runs."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "-W", "-db", "-f", self._file],
                stdout=log,
                stderr=log,
                env=environment(),
            )

    def say(self, command: str) -> str:
        """Give the running worker a command; its answer."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(WAIT_SECONDS)
            admin.connect(str(self._own / "admin.sock"))
            admin.sendall(f"{command}\n".encode())
            answer = b""
            while part := admin.recv(_ANSWER_BYTES):
                answer += part
        return answer.decode()

    def set_state(self, node: str, state: str) -> None:
        """Have a server be ready, drain or maint."""
        answer = self.say(f"set server {BACKEND}/{node} state {state}")
        assert not answer.strip(), answer

    def set_address(self, node: str, host: str, port: int) -> None:
        """Tell where a spare server is, and let HAProxy connect to it as to a peer."""
        for server in (f"{BACKEND}/{node}", f"to-{node}/{node}"):
            answer = self.say(f"set server {server} addr {host} port {port}")
            assert "changed" in answer, answer
        assert not self.say(f"set server to-{node}/{node} state ready").strip()

    def status(self, node: str) -> str:
        """UP, DOWN, DRAIN, MAINT: what HAProxy makes of a server."""
        table = csv.DictReader(StringIO(self.say(f"show stat {BACKEND} 4 -1").removeprefix("# ")))
        return next(row["status"] for row in table if row["svname"] == node)

    def worker(self) -> int:
        """The pid of the worker that takes connections; 0 where none does."""
        try:
            found = re.search(r"^Pid: (\d+)$", self.say("show info"), re.MULTILINE)
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def reload(self) -> None:
        """Start a new worker, which takes over; the old one keeps its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR2)

    def kill(self) -> None:
        """End it without a word; its worker notices, and ends too."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Stop it with all its workers."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _configuration(self, options: Sequence[str]) -> str:
        """What `vault-relay haproxy` prints, for this user and folder."""
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        where = ("--runtime-folder", str(self._own), "--bind", HOST, "--port", str(self.port))
        whose = ("--user", user, "--group", group, "--log", "stdout")
        printed = run("vault-relay", "haproxy", "--plain", *where, *whose, *options)
        assert not printed.returncode, printed.stderr
        return printed.stdout


def program() -> str:
    """Where it is; skips the test where it is not."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if found is None:
        pytest.skip("needs HAProxy, which tests/system/install.sh could not install")
    return found
