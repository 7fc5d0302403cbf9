"""BrokerService: ticks the broker, ends its sessions in a drain, and logs sums of refusals."""

from collections import Counter

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.broker.broker import Broker
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.drain import DRAIN_TICK_SECONDS
from vaultrelay.policy.limits.logs import FEW_HANDSHAKES, SUMMARY_SECONDS
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS, TICK_SECONDS
from vaultrelay.policy.refusal_reasons import PROBED_HANDSHAKES
from vaultrelay.transport.periodic import PeriodicTask


class BrokerService(Service):
    """Ticks the broker while it runs."""

    def __init__(self, broker: Broker, clock: IReactorTime, *, log: RelayLog) -> None:
        self._log = log
        self.broker = broker
        self._logged = self._counts()
        self._logged_at = clock.seconds()
        self._ticking = PeriodicTask(self._tick, clock, "Cannot check deadlines", log=log)

    def startService(self) -> None:
        super().startService()
        self._ticking.start(TICK_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._ticking.stop()
        self.log_sums()

    def drain(self, seconds: float) -> None:
        """Close all sessions within `seconds`; the last of these are for the devices' answers."""
        self.broker.drain(seconds, seconds - min(CLOSE_SECONDS, seconds / 2))
        self._ticking.start(DRAIN_TICK_SECONDS, now=True)

    def log_sums(self) -> None:
        """Log one line with the connections refused since the last such line, by slug.

        Closed sessions have their own lines; their sums are logged if such lines were dropped.
        """
        before, self._logged = self._logged, self._counts()
        refused, closed = (now - then for now, then in zip(self._logged, before, strict=True))
        if refused:
            log = self._log.info if _is_usual(refused) else self._log.warn
            log("Refused connections since the last summary: {counts}", counts=_listed(refused))
        suppressed = self._log.take_suppressed()
        for words, count in suppressed:
            self._log.info("Suppressed {count} more log lines: {words}", count=count, words=words)
        if suppressed and closed:
            self._log.info(
                "Closed sessions since the last summary: {counts}", counts=_listed(closed)
            )

    def _counts(self) -> tuple[Counter[str], Counter[str]]:
        """Return the counts of refused and of ended connections since the start, by slug."""
        counters = self.broker.counters
        return counters.refused.copy(), counters.closed + counters.left

    def _tick(self) -> None:
        self.broker.tick()
        now = self.broker.clock.seconds()
        if now - self._logged_at >= SUMMARY_SECONDS:
            self._logged_at = now
            self.log_sums()


def _is_usual(refused: Counter[str]) -> bool:
    """Return whether these are only a few unfinished handshakes, as from port scans and probes."""
    return refused.keys() <= PROBED_HANDSHAKES and refused.total() <= FEW_HANDSHAKES


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{slug} {count}" for slug, count in sorted(counts.items()))
