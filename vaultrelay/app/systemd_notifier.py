"""SystemdNotifier: reports to systemd that the relay is ready, reloads or stops, and is alive.

Sends the datagrams of sd_notify(3). Imported only if a service manager requests them.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from twisted.application.service import Service

from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.service import STATUS_SECONDS
from vaultrelay.transport.periodic import PeriodicTask

_MICROSECONDS = 1_000_000


class SystemdNotifier(Service):
    """Reports the state of the relay to systemd while it runs. A failure never stops the relay.

    Removes its variables from `environment`: they are not for child processes.
    """

    def __init__(
        self,
        environment: MutableMapping[str, str],
        reactor: Any,
        joined: Callable[[], int],
        *,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._socket = environment.pop("NOTIFY_SOCKET", "")
        self._reactor = reactor
        self._joined = joined
        seconds = _watchdog_seconds(environment)
        self._alive = ["WATCHDOG=1"] if seconds else []
        self._every = seconds / 2 or STATUS_SECONDS
        self._repeating = PeriodicTask(self._report, reactor, "Cannot notify systemd", log=log)

    def startService(self) -> None:
        super().startService()
        # systemd may stop a ready relay at once: the reactor must have its signal handlers.
        self._reactor.callWhenRunning(self._ready)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._send, "STOPPING=1")

    def stopService(self) -> None:
        super().stopService()
        self._repeating.stop()

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Report a reload for the time of the context."""
        now = time.monotonic_ns() // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}")
        try:
            yield
        finally:
            self._send("READY=1")

    def _ready(self) -> None:
        if self.running:
            self._send("READY=1")
            self._repeating.start(self._every, now=True)

    def _report(self) -> None:
        joined = self._joined()
        noun = "device" if joined == 1 else "devices"
        self._send(*self._alive, f"STATUS={joined} {noun} joined")

    def _send(self, *lines: str) -> None:
        path = self._socket
        # An abstract address begins with a zero byte, which systemd writes as @.
        address = f"\0{path[1:]}" if path.startswith("@") else path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
                # A full queue must not block the relay.
                peer.setblocking(False)
                peer.sendto("\n".join(lines).encode(), address)
        except (OSError, ValueError) as error:
            self._log.warn(
                "Cannot send {state} to systemd at NOTIFY_SOCKET: {why}",
                state=lines[0],
                why=(getattr(error, "strerror", None) or "not a socket address").lower(),
            )


def _watchdog_seconds(environment: MutableMapping[str, str]) -> float:
    """Return the watchdog timeout of systemd in seconds; 0 if there is none for this process."""
    text = environment.pop("WATCHDOG_USEC", "")
    process = environment.pop("WATCHDOG_PID", "") or str(os.getpid())
    is_number = text.isascii() and text.isdigit()
    return int(text) / _MICROSECONDS if is_number and process == str(os.getpid()) else 0
