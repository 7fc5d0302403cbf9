"""WarningMonitor: checks for warnings at intervals, and logs new and resolved ones."""

from collections.abc import Callable, Sequence

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.diagnosis import DIAGNOSIS_SECONDS
from vaultrelay.policy.operator_warning import SUMMARIES, OperatorWarning
from vaultrelay.transport.periodic import PeriodicTask


class WarningMonitor(Service):
    """Calls `diagnose` at intervals while it runs, and logs changes of its result."""

    def __init__(
        self,
        diagnose: Callable[[], Sequence[OperatorWarning]],
        clock: IReactorTime,
        *,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._diagnose = diagnose
        self._current: Sequence[OperatorWarning] = ()
        self._task = PeriodicTask(self.look, clock, "The check for warnings failed", log=log)

    def startService(self) -> None:
        super().startService()
        self._task.start(DIAGNOSIS_SECONDS, now=True)

    def stopService(self) -> None:
        if self.running:
            # Even a relay that ran briefly logs its warnings.
            self._log_new(self._diagnose())
        super().stopService()
        self._task.stop()

    def look(self) -> None:
        """Check now."""
        found = self._diagnose()
        self._log_new(found)
        resolved = {each.slug for each in self._current} - {each.slug for each in found}
        for slug in sorted(resolved):
            self._log.info("Resolved: {resolved}", resolved=SUMMARIES[slug])
        self._current = found

    def _log_new(self, found: Sequence[OperatorWarning]) -> None:
        for warning in found:
            if warning not in self._current:
                log = self._log.error if warning.is_urgent else self._log.warn
                log("{warning}", warning=warning.text)
