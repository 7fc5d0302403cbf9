"""MemoryTrim: gives free memory back to the system after a burst of messages.

Buffers of a burst lie between long-lived objects, so glibc keeps their pages until it is asked.
"""

from contextlib import suppress

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import TRIM_FROM_BYTES, TRIM_SECONDS
from vaultrelay.transport.periodic import PeriodicTask


class MemoryTrim(Service):
    """Looks every TRIM_SECONDS whether a burst is over."""

    def __init__(self, ledger: Ledger, clock: IReactorTime, *, log: RelayLog) -> None:
        self._ledger = ledger
        self._task = PeriodicTask(self._check, clock, "Memory could not be given back", log=log)

    def startService(self) -> None:
        super().startService()
        self._task.start(TRIM_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._task.stop()

    def _check(self) -> None:
        ledger = self._ledger
        if ledger.peak - ledger.held >= TRIM_FROM_BYTES:
            ledger.peak = ledger.held
            trim()


def trim() -> None:
    """Give free memory back to the system; does nothing without glibc."""
    # 0.3 MB of memory, which a relay without bursts does not need.
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
