"""The shapes of a cluster on one machine: a relay alone, and HAProxy with workers behind it."""

import grp
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import server_process
from benchmarks.server_process import NotStarted, ServerProcess
from benchmarks.servers import RELAY, ROOT

_ENVIRONMENT = {"PYTHONPATH": str(ROOT)}
_COMMAND = (sys.executable, "-c", RELAY[0])
_LIMITS = [flag for flag in RELAY[1:] if not flag.startswith("--bind")]


@dataclass(frozen=True)
class Cost:
    """CPU time in microseconds, or memory in bytes; of HAProxy, and of all relays together."""

    haproxy: float
    relays: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.haproxy - other.haproxy, self.relays - other.relays)

    def each(self, count: float) -> "Cost":
        """The share of one in so many."""
        return Cost(self.haproxy / count, self.relays / count)


@dataclass(frozen=True)
class Running:
    """A cluster that runs. Devices dial the port."""

    port: int
    haproxy: ServerProcess | None
    relays: Sequence[ServerProcess]

    def cpu(self) -> Cost:
        """All so far."""
        first = self.haproxy.cpu_microseconds() if self.haproxy else 0
        return Cost(first, sum(relay.cpu_microseconds() for relay in self.relays))

    def memory(self) -> Cost:
        """All that is in memory now."""
        first = self.haproxy.memory_bytes() if self.haproxy else 0
        return Cost(first, sum(relay.memory_bytes() for relay in self.relays))


@dataclass(frozen=True)
class Shape:
    """So many workers behind HAProxy; with none, one relay without it."""

    name: str
    workers: int

    @contextmanager
    def running(self, certificate: tuple[Path, Path] | None) -> Iterator[Running]:
        """Start it. TLS, where there is a certificate, is spoken by what devices dial."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            port = server_process.free_port()
            if not self.workers:
                files = [str(file) for file in certificate or ()]
                flags = zip(("--tls-cert", "--tls-key"), files, strict=False)
                own = [f"--port={port}", "--bind=127.0.0.1", *map("=".join, flags)]
                yield Running(port, None, [_relay(stack, folder, own, port)])
                return
            sockets = [folder / str(number) / "devices" for number in range(1, self.workers + 1)]
            for socket in sockets:
                socket.parent.mkdir()
            relays = [
                _relay(stack, at.parent, [f"--listen=haproxy:unix:{at}:mode=660"], 0, at)
                for at in sockets
            ]
            haproxy = stack.enter_context(
                server_process.running(
                    [program(), "-db", "-f", str(self._configuration(folder, port, certificate))],
                    port,
                    folder,
                    {},
                )
            )
            yield Running(port, haproxy, relays)

    def _configuration(
        self, folder: Path, port: int, certificate: tuple[Path, Path] | None
    ) -> Path:
        """What `vault-relay haproxy` prints, for this user."""
        tls = "--plain"
        if certificate:
            both = folder / "both.pem"
            both.write_bytes(b"".join(file.read_bytes() for file in certificate))
            tls = f"--certificate={both}"
        options = {
            "--workers": self.workers,
            "--sockets": folder,
            "--runtime-folder": folder,
            "--log": "stdout",
            "--max-connections": 2000,
            "--bind": "127.0.0.1",
            "--port": port,
            "--user": pwd.getpwuid(os.getuid()).pw_name,
            "--group": grp.getgrgid(os.getgid()).gr_name,
        }
        printed = subprocess.run(
            [*_COMMAND, "haproxy", tls, *(f"{name}={value}" for name, value in options.items())],
            env=os.environ | _ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        file = folder / "haproxy.cfg"
        file.write_text(printed)
        return file


def program() -> str:
    """Where HAProxy is."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if not found:
        raise NotStarted("there is no haproxy here; tests/system/install.sh installs it")
    return found


def _relay(
    stack: ExitStack, folder: Path, own: list[str], port: int, unix: Path | None = None
) -> ServerProcess:
    command = [*_COMMAND, *_LIMITS, f"--runtime-folder={folder}", *own]
    return stack.enter_context(server_process.running(command, port, ROOT, _ENVIRONMENT, unix))
