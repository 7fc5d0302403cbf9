"""Meter: reads the metrics of the relay from its parts, those of the process from the system."""

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
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.config.settings import Settings
from vaultrelay.native import code
from vaultrelay.observe.relay_snapshot import Expiry, MailboxSnapshot, RelaySnapshot, Waits
from vaultrelay.observe.sampler import Sampler, Totals
from vaultrelay.policy.limits.admin import WARNING_CHARS
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.websocket.factory import DeviceFactory

_PROC = Path("/proc/self")
_BUILDS = {
    "version": __version__,
    "python": sys.version.split()[0],
    "openssl": ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").split()[0],
    "twisted": twisted.__version__,
    "code": code(),
}


class Mailbox(Protocol):
    """The mailbox of a relay."""

    def snapshot(self) -> MailboxSnapshot:
        """Return its current figures."""


class Relay(Protocol):
    """The parts of a relay from which the metrics are read."""

    settings: Settings
    broker: Broker
    devices: DeviceFactory
    dispatcher: DispatcherFactory

    @property
    def mailbox(self) -> Mailbox | None:
        """The mailbox, if the relay has one."""

    def warnings(self) -> Sequence[OperatorWarning]:
        """Return the current warnings."""


class Meter:
    """Reads the metrics of one relay, at no cost for the message path."""

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

    def metrics(self, sampler: Sampler) -> RelaySnapshot:
        """Return the current metrics; the rates are those of the latest sample."""
        relay, broker, warnings = self._relay, self._relay.broker, self._relay.warnings()
        memory, core = relay.devices.backpressure, relay.devices.core_shares
        return RelaySnapshot(
            status=self._status(sampler, warnings),
            now=time.time(),
            started=self._started,
            pending=len(relay.dispatcher.pending),
            unjoined=len(broker.sessions) - broker.joined,
            counters=broker.counters,
            buffer_limit=relay.devices.ledger.limit,
            waits={
                "memory": Waits(memory.waiting, memory.waits),
                "core": Waits(core.waiting, core.waits),
            },
            cpu_seconds=time.process_time(),
            certificates=[
                Expiry(next(iter(pair.names), ""), pair.ends.timestamp())
                for pair in relay.settings.certificates
            ],
            warnings=warnings,
            builds=_BUILDS,
            mailbox=None if relay.mailbox is None else relay.mailbox.snapshot(),
        )

    def _status(self, sampler: Sampler, warnings: Sequence[OperatorWarning]) -> NodeStatus:
        relay, broker, totals = self._relay, self._relay.broker, self.totals()
        memory_bytes, open_files, open_files_limit = read_process()
        by_urgency = sorted(warnings, key=lambda warning: not warning.is_urgent)
        urgent = sum(warning.is_urgent for warning in warnings)
        return NodeStatus(
            node=relay.settings.node_name,
            version=__version__,
            state="draining" if broker.draining else "ok",
            uptime_seconds=broker.uptime_seconds,
            devices=broker.joined,
            devices_limit=broker.admission.max_connections,
            channels=len(broker.channels),
            joins=broker.counters.joins,
            messages=totals.messages,
            data_bytes=totals.bytes,
            undelivered=totals.undelivered,
            messages_per_second=sampler.latest("messages"),
            data_bytes_per_second=sampler.latest("bytes"),
            buffered_bytes=relay.devices.ledger.held,
            lag_seconds=sampler.lag_seconds,
            memory_bytes=memory_bytes,
            open_files=open_files,
            open_files_limit=open_files_limit,
            urgent=urgent,
            remarks=len(warnings) - urgent,
            worst=by_urgency[0].text[:WARNING_CHARS] if by_urgency else "",
            code=_BUILDS["code"],
        )


def read_process(proc: Path = _PROC) -> tuple[int | None, int | None, int | None]:
    """Return the resident bytes of this process, its number of open files, and its limit of these;
    None for each that the system does not report."""
    return (
        _known(lambda: int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")),
        # One descriptor is that of listdir itself.
        _known(lambda: len(os.listdir(proc / "fd")) - 1),  # noqa: PTH208  needs no thousand paths
        _known(_open_files_limit),
    )


def _known(read: Callable[[], int | None]) -> int | None:
    try:
        return read()
    except (OSError, ImportError):
        # Windows has neither /proc nor the module `resource`.
        return None


def _open_files_limit() -> int | None:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit
