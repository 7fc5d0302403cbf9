"""DrainSequence: closes the sessions and listeners of a relay in order before it stops."""

from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater

from vaultrelay.app.broker_service import BrokerService
from vaultrelay.app.listeners import Listeners
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.drain import (
    ABORT_DRAIN_SECONDS,
    DRAIN_RESERVE_SECONDS,
    LAST_ANSWERS_SECONDS,
    MIN_DRAIN_SECONDS,
)
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.websocket.factory import DeviceFactory


class DrainSequence:
    """Drains one relay, once. It answers devices and health checks until the end."""

    _deadline: IDelayedCall
    _is_aborted = False

    def __init__(
        self,
        clock: IReactorTime,
        *,
        sessions: BrokerService,
        devices: DeviceFactory,
        listeners: Listeners,
        pending: PendingConnections,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._clock = clock
        self._sessions = sessions
        self._devices = devices
        self._listeners = listeners
        self._pending = pending

    @inlineCallbacks
    def run(self, seconds: float) -> Generator[Deferred[Any], Any, None]:
        """Drain within `seconds`.

        1. Close inherited sockets, on which the next relay accepts.
        2. Close the sessions, spread over the time, and wait for the ends of their connections;
           at the deadline, abort the rest.
        3. Stop listening, and answer requests that have begun.
        """
        yield self._listeners.stop(inherited_only=True)
        if count := self._sessions.broker.joined:
            self._log.info(
                "Draining within {seconds} s; devices to disconnect: {count}",
                count=count,
                seconds=seconds,
            )
        self._deadline = self._clock.callLater(
            max(seconds - DRAIN_RESERVE_SECONDS, MIN_DRAIN_SECONDS), self._abort_rest
        )
        self._sessions.drain(seconds)
        if self._is_aborted:
            self._close_all()
        yield self._devices.all_gone()
        if self._sessions.broker.sessions:
            # The last connection ends and logs its session later in this reactor iteration.
            yield deferLater(self._clock, 0)
        if self._deadline.active():
            self._deadline.cancel()
        yield self._listeners.stop()
        yield self._pending.wait_until_empty(LAST_ANSWERS_SECONDS)

    def abort(self) -> None:
        """Close all sessions now, and soon abort the connections that do not answer.

        A second call aborts all connections. A call before `run` shortens the drain.
        """
        if self._is_aborted:
            self._devices.abort_all()
            return
        self._is_aborted = True
        if self._sessions.broker.draining:
            self._close_all()

    def _close_all(self) -> None:
        self._log.info(
            "Drain aborted; devices disconnected now: {count}", count=self._sessions.broker.joined
        )
        self._sessions.broker.close_all()
        if self._deadline.active():
            self._deadline.reset(ABORT_DRAIN_SECONDS)

    def _abort_rest(self) -> None:
        self._log.warn(
            "Connections aborted because they did not close in time: {count}",
            count=self._devices.count,
        )
        self._devices.abort_all()
