"""Watch: checks for warnings at intervals, and logs new ones and those that are over."""

from collections.abc import Callable, Sequence

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.logs import RelayLog
from vaultrelay.policy.finding import WHAT, Finding
from vaultrelay.policy.limits import DIAGNOSIS_SECONDS
from vaultrelay.transport.periodic import PeriodicTask


class WarningMonitor(Service):
    """Calls `diagnose` at intervals while it runs, and logs changes of its result."""

    def __init__(
        self, diagnose: Callable[[], Sequence[Finding]], clock: IReactorTime, *, log: RelayLog
    ) -> None:
        self._log = log
        self._diagnose = diagnose
        self._told: set[Finding] = set()
        self._looking = PeriodicTask(
            self.look, clock, "The relay could not look at itself", log=log
        )

    def startService(self) -> None:
        super().startService()
        self._looking.start(DIAGNOSIS_SECONDS, now=True)

    def stopService(self) -> None:
        if self.running:
            # Even a relay that ran briefly logs its warnings.
            self._tell_new(self._diagnose())
        super().stopService()
        self._looking.stop()

    def look(self) -> None:
        """Check now."""
        found = self._diagnose()
        self._tell_new(found)
        over = {finding.slug for finding in self._told} - {finding.slug for finding in found}
        for slug in sorted(over):
            self._log.info("No longer: {what}", what=WHAT[slug])
        self._told = set(found)

    def _tell_new(self, found: Sequence[Finding]) -> None:
        for finding in found:
            if finding not in self._told:
                tell = self._log.error if finding.is_urgent else self._log.warn
                tell("{finding}", finding=finding.text)
