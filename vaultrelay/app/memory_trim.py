"""MemoryTrim: gives free memory back to the system after a burst of messages.

Buffers of a burst lie between long-lived objects, so glibc keeps their pages until it is asked.
"""

from contextlib import suppress
from typing import Any

import _cffi_backend
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.logs import RelayLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import TRIM_FROM_BYTES, TRIM_SECONDS
from vaultrelay.transport.periodic import PeriodicTask

_GENERATED: dict[str, Any] = {
    "_version": 0x2601,
    "_types": b"\x00\x00\x03\x0d\x00\x00\x1c\x01\x00\x00\x00\x0f\x00\x00\x07\x01",
    "_globals": (b"\x00\x00\x00\x23malloc_trim", 0),
}
"""By cffi, from `int malloc_trim(size_t);`, in its ABI mode. PyNaCl loads the backend anyway;
ctypes would take 0.4 MB more, and is neither in the package nor in a lean process."""


class MemoryTrim(Service):
    """Looks every TRIM_SECONDS whether a burst is over: a whole interval without much held."""

    def __init__(self, ledger: Ledger, clock: IReactorTime, *, log: RelayLog) -> None:
        self._ledger = ledger
        self._peak = 0
        """Bytes held at most since the last trim."""
        self._task = PeriodicTask(self._check, clock, "Memory could not be given back", log=log)

    def startService(self) -> None:
        super().startService()
        self._task.start(TRIM_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._task.stop()

    def _check(self) -> None:
        ledger = self._ledger
        self._peak = max(self._peak, ledger.peak)
        is_quiet = self._peak - ledger.peak >= TRIM_FROM_BYTES
        ledger.peak = ledger.held
        if is_quiet:
            self._peak = ledger.held
            trim()


def trim() -> None:
    """Give free memory back to the system; does nothing without glibc, or with another cffi."""
    with suppress(OSError, AttributeError, ImportError):
        _cffi_backend.FFI("libc", **_GENERATED).dlopen(None).malloc_trim(0)
