"""Nodes: relay processes on unix sockets, started, frozen, killed and started again."""

import signal
import socket
import subprocess
from pathlib import Path

from tests.process.processes import BIN, WAIT_SECONDS, environment

DRAIN_SECONDS = 4
"""Long enough for the closes to be spread, short enough to be waited for."""


class Node:
    """One relay of the cluster, on the socket that HAProxy knows it by."""

    def __init__(self, folder: Path, number: int) -> None:
        self.name = f"w{number}"
        self.socket = folder / str(number) / "devices"
        self.socket.parent.mkdir()
        self._log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; HAProxy tells when it can be reached."""
        assert not self.runs
        listen = f"haproxy:unix:{self.socket}:mode=660"
        options = ("--node-name", self.name, "--drain-seconds", str(DRAIN_SECONDS))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / "vault-relay", "--listen", listen, *options],
                stdout=log,
                stderr=log,
                env=environment(RELAY_RUNTIME_FOLDER=str(self.socket.parent)),
            )

    def send(self, number: int) -> None:
        """Signal it."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def listens(self) -> bool:
        """Whether its socket is there and takes connections."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def complaints(self) -> list[str]:
        """The lines of its log that no node of a healthy cluster writes."""
        lines = self.log.splitlines()
        return [line for line in lines if "Traceback" in line or "error" in line.lower()]

    def end(self) -> None:
        """Have it gone, whatever state it is in."""
        if self._process is not None and self.runs:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            # A second one ends a drain at once.
            self._process.terminate()
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
