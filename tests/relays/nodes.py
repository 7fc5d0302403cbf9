"""Nodes: relay processes, started, frozen, killed and started again."""

import signal
import socket
import subprocess
from pathlib import Path

from tests.process.processes import BIN, WAIT_SECONDS, environment

HOST = "127.0.0.1"
DRAIN_SECONDS = 4
"""Long enough for the closes to be spread, short enough to be waited for."""


class Node:
    """One relay of the cluster: on a unix socket, or on a port where it has one."""

    def __init__(self, folder: Path, name: str, number: int, port: int = 0) -> None:
        self.name = name
        self.port = port
        self._folder = folder / str(number)
        self._folder.mkdir()
        # As `vault-relay haproxy --workers` expects it.
        self._socket = self._folder / "devices"
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; HAProxy tells when it can be reached."""
        assert not self.runs
        on_port, on_socket = f"tcp:{self.port}:interface={HOST}", f"unix:{self._socket}:mode=660"
        listen = f"haproxy:{on_port if self.port else on_socket}"
        options = ("--node-name", self.name, "--drain-seconds", str(DRAIN_SECONDS))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / "vault-relay", "--listen", listen, *options],
                stdout=log,
                stderr=log,
                env=environment(RELAY_RUNTIME_FOLDER=str(self._folder)),
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
        """Whether it takes connections."""
        with socket.socket(socket.AF_INET if self.port else socket.AF_UNIX) as probe:
            return probe.connect_ex((HOST, self.port) if self.port else str(self._socket)) == 0

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
