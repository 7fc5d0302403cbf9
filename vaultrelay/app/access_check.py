"""AccessCheck: closes the sessions that new access rules do not admit, while messages pass."""

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.broker.broker import Broker
from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.access import ACCESS_CHECK_SECONDS
from vaultrelay.transport.periodic import PeriodicTask


class AccessCheck(Service):
    """Checks all sessions of a broker after a change of its access rules.

    Each turn of the reactor checks some of them: to close 10,000 at once takes seconds. New joins
    are under the new rules from the start.
    """

    def __init__(self, broker: Broker, clock: IReactorTime, *, log: RelayLog) -> None:
        self._broker = broker
        self._clock = clock
        self._log = log
        self._unchecked: list[Session] = []
        self._closed = 0
        self._task = PeriodicTask(self._check_some, clock, "Cannot check access", log=log)

    def begin(self) -> None:
        """Check all sessions, some of them now; those of a check in progress from the start."""
        self._unchecked = list(self._broker.sessions)
        self._task.start(0, now=True)

    def stopService(self) -> None:
        super().stopService()
        self._task.stop()
        self._unchecked.clear()

    def _check_some(self) -> None:
        seconds = self._clock.seconds
        until = seconds() + ACCESS_CHECK_SECONDS
        while self._unchecked and seconds() < until:
            self._closed += self._broker.close_if_refused(self._unchecked.pop())
        if self._unchecked:
            return
        self._task.stop()
        closed, self._closed = self._closed, 0
        if closed:
            self._log.info(
                "Connections closed because the new access rules do not admit them: {count}",
                count=closed,
            )
