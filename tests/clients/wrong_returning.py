"""Faults of clients in coming back: networks, sleep, silence, and the interval of pings."""

from typing import Any

from examples.python_adapter import Commands
from tests.clients.faults import Fault, Patch, around, put
from vaultrelay.client import Connection, Keepalive, Opened
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


FAULTS: dict[str, Fault] = {
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
