"""Meter: reads the figures of the relay from its parts, those of the process from the system."""

import os
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import twisted
from vaultrelay import __version__
from vaultrelay.broker.broker import Broker
from vaultrelay.config.settings import Settings
from vaultrelay.observe.relay_metrics import Expiry, Process, RelayMetrics
from vaultrelay.observe.sampler import Totals
from vaultrelay.policy.finding import Finding
from vaultrelay.transport.front_door import FrontDoorFactory
from vaultrelay.websocket.factory import DeviceFactory

_PROC = Path("/proc/self")
_BUILDS = {
    "version": __version__,
    "python": sys.version.split()[0],
    "openssl": ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").split()[0],
    "twisted": twisted.__version__,
}


class Relay(Protocol):
    """The parts of a relay from which the figures are read."""

    settings: Settings
    broker: Broker
    devices: DeviceFactory
    door: FrontDoorFactory

    def findings(self) -> Sequence[Finding]:
        """Return the current warnings."""


class Meter:
    """Reads the figures of one relay. It has no state, and costs nothing on the message path."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._started = time.time()

    def totals(self) -> Totals:
        """Return the totals for a sample, with the open sessions, which the counters lack."""
        broker = self._relay.broker
        counters = broker.counters
        return Totals(
            broker.joined,
            counters.messages + sum(session.messages_in for session in broker.sessions),
            counters.bytes + sum(session.bytes_in for session in broker.sessions),
            counters.undelivered.total(),
        )

    def metrics(self, lag_seconds: float) -> RelayMetrics:
        """Return the current figures."""
        relay, broker, ledger = self._relay, self._relay.broker, self._relay.devices.ledger
        totals = self.totals()
        return RelayMetrics(
            node=relay.settings.node_name,
            now=time.time(),
            started=self._started,
            uptime_seconds=broker.uptime_seconds,
            draining=broker.draining,
            waiting=len(relay.door.waiting),
            unjoined=len(broker.sessions) - broker.joined,
            joined=broker.joined,
            most_joined=broker.admission.max_connections,
            channels=len(broker.channels),
            counters=broker.counters,
            messages=totals.messages,
            bytes=totals.bytes,
            held=ledger.held,
            most_held=ledger.limit,
            lag_seconds=lag_seconds,
            process=read_process(),
            certificates=[
                Expiry(next(iter(pair.names), ""), pair.ends.timestamp())
                for pair in relay.settings.certificates
            ],
            findings=relay.findings(),
            builds=_BUILDS,
        )


def read_process(proc: Path = _PROC) -> Process:
    """Return the figures of this process from Linux; on other systems only the CPU time."""
    return Process(
        _known(lambda: _pages(proc) * os.sysconf("SC_PAGE_SIZE")),
        # One descriptor is that of listdir itself.
        _known(lambda: len(os.listdir(proc / "fd")) - 1),  # noqa: PTH208  needs no thousand paths
        _most_files(),
        time.process_time(),
    )


def _pages(proc: Path) -> int:
    return int((proc / "statm").read_text().split()[1])


def _known(read: Callable[[], int]) -> int | None:
    try:
        return read()
    except OSError:
        return None


def _most_files() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if most == resource.RLIM_INFINITY else most
