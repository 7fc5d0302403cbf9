"""BrokerService: the broker as a Twisted service, which keeps its deadlines and drains it."""

from collections import Counter

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from vaultrelay.broker.broker import Broker
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits import (
    CLOSE_SECONDS,
    DRAIN_TICK_SECONDS,
    FEW_HANDSHAKES,
    TICK_SECONDS,
    TOLD_SECONDS,
)
from vaultrelay.policy.refused import PROBED_HANDSHAKES
from vaultrelay.transport.periodic import PeriodicTask


class BrokerService(Service):
    """Ticks the broker while it runs."""

    def __init__(self, broker: Broker, clock: IReactorTime, *, log: RelayLog) -> None:
        self._log = log
        self.broker = broker
        self._drained: Deferred[None] | None = None
        self._told = self._counted()
        self._told_at = clock.seconds()
        self._ticking = PeriodicTask(self._tick, clock, "Deadlines could not be looked at", log=log)

    def startService(self) -> None:
        super().startService()
        self._ticking.start(TICK_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._ticking.stop()
        self.tell()

    def drain(self, seconds: float) -> Deferred[None]:
        """Close every session within `seconds`; fires when none is left.

        The last of that time is for the peers' answers to their closes.
        """
        self._drained = Deferred()
        self.broker.drain(seconds, seconds - min(CLOSE_SECONDS, seconds / 2))
        self._ticking.start(DRAIN_TICK_SECONDS, now=True)
        return self._drained

    def tell(self) -> None:
        """One line for all who were refused since the last one, by our own words for why.

        Whose end has a line of its own is counted only where such lines were left out.
        """
        before, self._told = self._told, self._counted()
        refused, closed = (now - then for now, then in zip(self._told, before, strict=True))
        if refused:
            tell = self._log.info if _is_usual(refused) else self._log.warn
            tell("Refused since the last such line: {told}", told=_listed(refused))
        left_out = self._log.take_suppressed()
        for words, count in left_out:
            self._log.info("Left out were {count} more lines: {words}", count=count, words=words)
        if left_out and closed:
            self._log.info("Closed in the last minute: {told}", told=_listed(closed))

    def _counted(self) -> tuple[Counter[str], Counter[str]]:
        """Who was refused and who was closed since the start, by our own words for why."""
        counters = self.broker.counters
        return counters.refused.copy(), counters.closed + counters.left

    def _tick(self) -> None:
        try:
            self.broker.tick()
            now = self.broker.clock.seconds()
            if now - self._told_at >= TOLD_SECONDS:
                self._told_at = now
                self.tell()
        finally:
            # Whatever went wrong, a drain comes to its end.
            if self._drained is not None and not self._drained.called and not self.broker.sessions:
                self._drained.callback(None)


def _is_usual(refused: Counter[str]) -> bool:
    """Whether these are only the few unfinished handshakes of scans and checks of a port."""
    return refused.keys() <= PROBED_HANDSHAKES and refused.total() <= FEW_HANDSHAKES


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{slug} {count}" for slug, count in sorted(counts.items()))
