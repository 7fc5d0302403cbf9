"""DeferredStreams: streams that are not read until memory is freed."""

from typing import Any, Protocol

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.streams import EVENTS_AT_ONCE


class DeferredStream(Protocol):
    """A stream that wants to be read."""

    def read_again(self) -> None:
        """Watch for input again, if the protocol wants it; does nothing for a closed stream."""


class DeferredStreams:
    """Those of one hub; the first is read first."""

    def __init__(self, reactor: Any, ledger: Ledger) -> None:
        self._reactor = reactor
        self._ledger = ledger
        self._streams: dict[DeferredStream, None] = {}
        self._will_resume = False

    def add(self, stream: DeferredStream) -> None:
        """Resume a stream, which is not watched for input now, when memory is freed."""
        self._streams[stream] = None
        self._ledger.call_when_freed(self._resume_soon)

    def discard(self, stream: DeferredStream) -> None:
        """Forget a closed stream."""
        self._streams.pop(stream, None)

    def _resume_soon(self) -> None:
        if not self._will_resume:
            self._will_resume = True
            self._reactor.callLater(0, self._resume)

    def _resume(self) -> None:
        """Resume a few in each turn of the reactor."""
        self._will_resume = False
        for stream in list(self._streams)[:EVENTS_AT_ONCE] if self._ledger.read_bytes else ():
            del self._streams[stream]
            stream.read_again()
        if not self._streams:
            return
        if self._ledger.read_bytes:
            self._resume_soon()
        else:
            self._ledger.call_when_freed(self._resume_soon)
