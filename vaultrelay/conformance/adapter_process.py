"""AdapterProcess: a program that drives a client, in JSON lines on its standard streams."""

import json
from collections.abc import Sequence
from contextlib import suppress
from signal import Signals
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure as Reason

from vaultrelay.conformance.adapter import AdapterFault
from vaultrelay.conformance.failure import as_json, shown
from vaultrelay.conformance.limits import (
    EXIT_SECONDS,
    GRACE_SECONDS,
    MAX_ADAPTER_MEMORY,
    MAX_LINE_BYTES,
    MAX_OUTPUT_BYTES,
    MAX_STDERR_BYTES,
    START_SECONDS,
)
from vaultrelay.conformance.pulse import Pulse


class AdapterProcess(ProcessProtocol):
    """One run of an adapter. Each command gets one answer, in order."""

    transport: Any

    def __init__(self, reactor: Any, command: Sequence[str], patience: float) -> None:
        self._reactor = reactor
        self._patience = patience
        self._buffer = b""
        self._output_bytes = 0
        self._stderr = b""
        self._answer: Deferred[dict[str, Any]] | None = None
        self._fault: AdapterFault | None = None
        self._exit = Pulse(reactor)
        self._is_gone = False
        self._after_exit: IDelayedCall | None = None
        # Without a shell; env=None passes the environment on.
        reactor.spawnProcess(self, command[0], list(command), env=None)

    async def start(self) -> dict[str, Any]:
        """Return the adapter's first line. Raises AdapterFault."""
        return await self._next_line("its first line", START_SECONDS)

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a command, and return its answer. Raises AdapterFault."""
        if self._fault is not None:
            raise self._fault
        self.transport.write(json.dumps(command, separators=(",", ":")).encode() + b"\n")
        return await self._next_line(f"the answer to {command['do']}", self._patience)

    def new_case(self) -> None:
        """Count the output of the next case."""
        self._output_bytes = 0

    async def stop(self) -> None:
        """End the process: by the end of its input, then by SIGTERM, then by SIGKILL."""
        self._fault = self._fault or AdapterFault("it was stopped")
        self.transport.closeStdin()
        for signal in ("TERM", "KILL", None):
            if not self._is_gone:
                await self._exit.wait(EXIT_SECONDS)
            if not self._is_gone and signal:
                with suppress(ProcessExitedAlready):
                    self.transport.signalProcess(signal)
        self._forget_exit()
        # A child of the adapter may keep its ends of the pipes open.
        self.transport.loseConnection()
        await self._exit.wait(0)

    async def _next_line(self, what: str, seconds: float) -> dict[str, Any]:
        if self._fault is not None:
            raise self._fault
        self._answer = Deferred()
        late = self._reactor.callLater(
            seconds, self._fail, f"{what} did not come within {seconds:g} seconds"
        )
        try:
            return await self._answer
        finally:
            self._answer = None
            if late.active():
                late.cancel()

    def connectionMade(self) -> None:
        # Only Linux limits another process.
        with suppress(ImportError, AttributeError):
            import resource

            limits = (MAX_ADAPTER_MEMORY, MAX_ADAPTER_MEMORY)
            resource.prlimit(self.transport.pid, resource.RLIMIT_DATA, limits)

    def outReceived(self, data: bytes) -> None:
        if self._fault is not None:
            return
        self._output_bytes += len(data)
        if self._output_bytes > MAX_OUTPUT_BYTES:
            self._fail(f"it wrote more than {MAX_OUTPUT_BYTES} bytes in one case")
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._buffer) > MAX_LINE_BYTES:
            self._fail(f"it wrote a line of more than {MAX_LINE_BYTES} bytes")

    def errReceived(self, data: bytes) -> None:
        self._stderr = (self._stderr + data)[-MAX_STDERR_BYTES:]

    def processExited(self, reason: Reason) -> None:
        self._is_gone = True
        self._exit.beat()
        # Twisted waits for the pipes, which a child of the adapter may keep open.
        self._after_exit = self._reactor.callLater(GRACE_SECONDS, self.processEnded, reason)

    def processEnded(self, reason: Reason) -> None:
        self._forget_exit()
        self._fail(f"it has ended, {_way_of(reason.value)}{self._last_words()}")

    def _forget_exit(self) -> None:
        if self._after_exit is not None and self._after_exit.active():
            self._after_exit.cancel()

    def _last_words(self) -> str:
        text = self._stderr.decode("utf-8", "replace").strip()
        return f"; the end of its standard error: {shown(text[-200:])}" if text else ""

    def _take(self, line: bytes) -> None:
        if self._fault is not None:
            return
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            text = line.decode("utf-8", "replace")
            self._fail(f"a line of its standard output is not a JSON object: {shown(text)!r}")
        elif self._answer is not None and not self._answer.called:
            self._answer.callback(value)
        else:
            self._fail(f"it wrote a line that nothing asked for: {as_json(value)}")

    def _fail(self, text: str) -> None:
        if self._fault is None:
            self._fault = AdapterFault(shown(text))
        if self._answer is not None and not self._answer.called:
            self._answer.errback(self._fault)


def _way_of(end: Any) -> str:
    """Return how a process has ended; `end` is a ProcessDone or a ProcessTerminated of Twisted."""
    if end.signal is not None:
        return f"by the signal {Signals(end.signal).name}"
    return f"with the exit status {end.exitCode}"
