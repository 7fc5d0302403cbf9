"""The relay of one trial, and the terms of a run."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.trial_client import HOST, Where
from benchmarks.trials.figures import Admin
from tests.authority import issue, write_pair
from tests.process.processes import BIN, RunningRelay, environment, running_relay
from tests.transport.tls_client import lenient_context

MEGA = 1e6


def report(text: str) -> None:
    """Print a line, without delay."""
    print(text, flush=True)


@dataclass(frozen=True)
class Terms:
    """What the command line asks of a trial."""

    tls: bool = False
    tree: Path | None = None
    """The source tree of the relay, if not this one."""
    times: int = 3
    """Runs of a trial with runs."""
    seconds: float = 20
    """Length of a trial's main phase, where it has one."""
    minutes: float | None = None
    """Length of a trial that lasts for minutes."""
    max_buffer: int | None = None
    """--max-buffer of the relay, if not the trial's own."""

    @property
    def scheme(self) -> str:
        """The URL scheme of the relay."""
        return "wss" if self.tls else "ws"

    @property
    def variables(self) -> dict[str, Any]:
        """The environment variables that make the relay's command load that tree."""
        return {} if self.tree is None else {"PYTHONPATH": str(self.tree)}

    def buffer_flags(self, default: int) -> tuple[str, str]:
        """The relay's limit of memory for messages, as flags."""
        return "--max-buffer", str(self.max_buffer or default)


Trial = Callable[[Terms], Coroutine[Any, Any, None]]


class Stage:
    """A relay for one trial, plain or with TLS.

    `is_watched`: it has a core of its own, as far as there are two, and an admin endpoint.
    `variables` are added to its environment.
    """

    def __init__(
        self,
        stack: ExitStack,
        terms: Terms,
        *flags: str,
        is_watched: bool = False,
        **variables: str,
    ) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificate, key = write_pair(self.folder, issue(["relay.test"]))
        self._variables = {**terms.variables, **variables}
        self._files = ("--tls-cert", str(certificate), "--tls-key", str(key)) if terms.tls else ()
        self.admin = Admin(self.folder / "admin.sock")
        watched = ("--admin", f"unix:{self.admin.path}") if is_watched else ()
        self.flags = (*flags, *watched)
        self._stack = stack
        self.tls = lenient_context() if terms.tls else None
        with machine.on_the_servers_core() if is_watched else nullcontext():
            self.relay: RunningRelay = stack.enter_context(
                running_relay(*self.flags, *self._files, **self._variables)
            )

    @property
    def where(self) -> Where:
        """Its address for clients."""
        return Where(self.relay.port, self.tls)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.relay.process.pid

    def again(self) -> None:
        """Start it anew, on the same port."""
        port = self.relay.port
        command = ["vault-relay", "--bind", HOST, "--port", str(port), *self.flags, *self._files]
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**self._variables),
        )
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        self.relay = RunningRelay(process, port)
        while True:
            try:
                socket.create_connection((HOST, port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
