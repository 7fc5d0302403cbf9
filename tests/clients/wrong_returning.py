"""Faults of clients in coming back: networks, sleep, silence, and the interval of pings."""

from typing import Any

from examples.python_adapter import Commands
from tests.clients.faults import Fault, Patch, around, put
from vaultrelay.client import Connection, Device, Ended, Keepalive, Message, Opened
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.liveness import Liveness
from vaultrelay.client.reconnecting import Reconnecting


def _told_delays_count_for_nothing(right: Any, self: Reconnecting, *arguments: Any) -> Any:
    decided = right(self, *arguments)
    self.is_delay_given = False
    return decided


def _restart_after_any_stop(right: Any, self: Connection) -> bool:
    self._reconnecting.depends_on_network = True
    is_dialling: bool = right(self)
    return is_dialling


def _begin_anew(right: Any, self: Connection) -> Any:
    self._reconnecting._attempt = 0
    return right(self)


def _drop_at_waking(right: Any, self: Connection) -> None:
    right(self)
    if self.device is not None:
        self.device.abort()


def _frozen_clock(right: Any, self: Commands, slept: float) -> None:
    right(self, 0)


def _timers_only(self: Commands, slept: float) -> None:
    self._clock.advance(slept)


def _wait_for_close(self: Liveness) -> None:
    self._socket.sendClose(1000)


def _pings_only(patch: Patch) -> None:
    """Count the time from the last ping, and not from the last byte."""

    def data_received(right: Any, self: DeviceSocket, data: bytes) -> None:
        before = self.last_received_at
        right(self, data)
        self.last_received_at = getattr(self, "last_ping_at", before)

    def on_ping(right: Any, self: DeviceSocket, payload: bytes) -> None:
        self.last_ping_at = self._clock.seconds()  # type: ignore[attr-defined]
        right(self, payload)

    around(DeviceSocket, "dataReceived", data_received)(patch)
    around(DeviceSocket, "onPing", on_ping)(patch)


async def _interval_stays(right: Any, self: Connection) -> Any:
    event = await right(self)
    if isinstance(event, Keepalive):
        vars(self)["last"] = event.ping_seconds
    elif isinstance(event, Opened) and "last" in vars(self):
        event.device._liveness.ping_seconds = vars(self)["last"]
    return event


def _asked_is_in_force(patch: Patch) -> None:
    def request(right: Any, self: Liveness, ping_seconds: int) -> None:
        right(self, ping_seconds)
        self.ping_seconds = ping_seconds

    def answered(right: Any, self: Liveness, ping_seconds: int) -> None:
        right(self, self.ping_seconds)

    around(Liveness, "request", request)(patch)
    around(Liveness, "answered", answered)(patch)


def _ask_once(right: Any, self: Connection, ping_seconds: int) -> None:
    right(self, ping_seconds)
    self._ping_seconds = None


def _stop_after_the_attempt(right: Any, self: Connection) -> None:
    self._is_closed = True
    if self.device is not None:
        right(self)


def _begin_another(right: Any, self: Connection) -> Any:
    is_waiting = self._timer is not None and self._timer.active()
    if self.device is None and self._pending is not None and not is_waiting:
        self._pending.cancel()
    return right(self)


def _restart_at_waking(right: Any, self: Commands, slept: float) -> None:
    right(self, slept)
    for session in self._sessions.values():
        if session.connection._delay is None:
            session.connection._delay = 0.0
            session.start()


def _another_network(right: Any, self: Commands, slept: float) -> None:
    right(self, slept)
    self.do_network()


def _any_event(right: Any, self: Device, event: Any) -> None:
    liveness = self._liveness
    if isinstance(event, Message):
        liveness.is_suspect = False
        liveness._cancel_probe()
    right(self, event)


def _any_answer(right: Any, self: Liveness, ping_seconds: int) -> None:
    right(self, ping_seconds)
    self.is_suspect = False
    self._cancel_probe()


def _ask_for_fifty(right: Any, self: Liveness) -> None:
    in_force, self.ping_seconds = self.ping_seconds, 50
    right(self)
    self.ping_seconds = in_force


def at_once_in_any_case(right: Any, self: Connection, error: Any, *, at_once: bool = False) -> Any:
    """Dial at once after a dead connection, whatever the relay gave."""
    ended = right(self, error, at_once=at_once)
    if at_once:
        self._delay = 0.0
        return Ended(error, 0.0)
    return ended


FAULTS: dict[str, Fault] = {
    "an attempt begins anew when the network changes": around(
        Connection, "network_changed", _begin_another
    ),
    "waking restarts what has stopped": around(Commands, "do_wake", _restart_at_waking),
    "waking is taken for another network": around(Commands, "do_wake", _another_network),
    "any message is taken for an answer": around(Device, "on_event", _any_event),
    "any keepalive is taken for an answer": around(Liveness, "answered", _any_answer),
    "it asks for 50 seconds when it wakes": around(Liveness, "probe", _ask_for_fifty),
    "a dead connection precedes the range of draining": around(
        Connection, "_ended", at_once_in_any_case
    ),
    "the network is not listened to": put(Connection, "network_changed", lambda self: False),
    "the network shortens the relay's time": around(
        Reconnecting, "ended", _told_delays_count_for_nothing
    ),
    "the network restarts what has stopped": around(
        Connection, "network_changed", _restart_after_any_stop
    ),
    "the network resets the delay": around(Connection, "network_changed", _begin_anew),
    "waking is not listened to": put(Commands, "do_wake", _timers_only),
    "the clock stops in sleep": around(Commands, "do_wake", _frozen_clock),
    "any sleep ends the connection": around(Connection, "woke", _drop_at_waking),
    "it waits for the answer to its close": put(Liveness, "_drop", _wait_for_close),
    "only pings break the silence": _pings_only,
    "the interval in force stays for later sessions": around(
        Connection, "receive", _interval_stays
    ),
    "the interval asked for is taken for the one in force": _asked_is_in_force,
    "no interval is asked for": put(Connection, "keep_alive", lambda self, ping_seconds: None),
    "the interval is asked for once": around(Connection, "keep_alive", _ask_once),
    "an attempt cannot be stopped": around(Connection, "close", _stop_after_the_attempt),
}
