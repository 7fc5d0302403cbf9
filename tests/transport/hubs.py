"""A hub on the real reactor, for tests that listen and dial."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.recorded_log import RecordedLog
from vaultrelay.policy.ledger import Ledger
from vaultrelay.transport.hub import Hub, make_hub


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that runs until the end; then it closes what is left."""
    from twisted.internet import reactor

    real: Any = reactor
    hub = make_hub(real, Ledger(1 << 30), log=RecordedLog())
    hub.startService()
    try:
        yield hub
    finally:
        hub.stopService()
