"""A running server: started on its core, looked at from outside, ended for certain."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine

START_SECONDS = 20.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.01
SETTLE_SECONDS = 0.02
"""The kernel books a thread's time when it sleeps or at its next tick."""


class NotStarted(Exception):
    """A server that ended or does not listen; the text is the last that it said."""


@dataclass(frozen=True)
class ServerProcess:
    """The process and the port on which it listens, 0 where it is a unix socket."""

    pid: int
    port: int

    def cpu_microseconds(self) -> float:
        """User and system time of all threads so far (sched-stats(5)), in nanoseconds' detail."""
        time.sleep(SETTLE_SECONDS)
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e3

    def memory_bytes(self) -> int:
        """What of the process is in memory (proc(5))."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(
    command: list[str],
    port: int,
    folder: Path,
    environment: Mapping[str, str],
    unix: Path | None = None,
) -> Iterator[ServerProcess]:
    """Start a command that listens on a port or a unix socket; NotStarted when it does not."""
    with tempfile.TemporaryFile() as log:
        with machine.on_the_servers_core():
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            if not _listens(process, unix or port):
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                raise NotStarted("".join(last) or "it does not listen")
            yield ServerProcess(process.pid, port)
        finally:
            # It has nothing to save, and a graceful end takes some servers a while.
            process.kill()
            process.wait(STOP_SECONDS)


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], at: int | Path) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            _connect(at)
        except OSError:
            time.sleep(POLL_SECONDS)
        else:
            return True
    return False


def _connect(at: int | Path) -> None:
    if isinstance(at, int):
        socket.create_connection(("127.0.0.1", at), timeout=1).close()
    else:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(at))
