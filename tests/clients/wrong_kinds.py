"""Faults of clients in a browser, on a phone, and of those that resend."""

from typing import Any

from examples.python_adapter import Commands
from tests.clients.browser import MessageLiveness
from tests.clients.faults import Fault, Patch, around, put
from tests.clients.phone import PhoneCommands
from tests.clients.resending import ResendingSession
from tests.clients.wrong_decisions import decides
from tests.clients.wrong_returning import at_once_in_any_case
from vaultrelay.client import EVERYONE, Closed, Connection, Left, Nack, Ready, liveness
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.liveness import WATCH_SECONDS, Liveness

_KEPT = 5


def _is_without_close(error: Exception) -> bool:
    return not isinstance(error, Closed) or error.code == 1006


def _offer_more(patch: Patch) -> None:
    def offer(right: Any, self: Any, *arguments: Any) -> None:
        right(self, *arguments)
        self.protocols = [*self.protocols, "vaultmesh.4"]

    around(DeviceSocketFactory, "__init__", offer)(patch)
    put(DeviceSocket, "onConnect", lambda self, response: None)(patch)


def _set_header(right: Any, self: Any, *arguments: Any) -> None:
    right(self, *arguments)
    self.headers["X-VaultMesh-Protocol"] = "3"


def _never_ask(self: MessageLiveness) -> None:
    return


def _ask_for_another(right: Any, self: Liveness, ping_seconds: int) -> None:
    right(self, ping_seconds + 10)


def _count_timers(right: Any, self: MessageLiveness) -> None:
    """Take each timer for a second, as if none were late.

    Those of one moment are one: LoopingCall repeats a call whose time is a fraction of a second, if
    rounding puts the next one at the same time.
    """
    now = self._clock.seconds
    at, counted = vars(self).setdefault("counted", (0.0, now()))
    if now() - at > WATCH_SECONDS / 2:
        counted += WATCH_SECONDS
        vars(self)["counted"] = now(), counted
    self._clock.seconds = lambda: counted  # type: ignore[method-assign]
    try:
        right(self)
    finally:
        self._clock.seconds = now  # type: ignore[method-assign]


def _wake_unnoticed(self: PhoneCommands, slept: float) -> None:
    self._clock.rightNow += slept
    for client, before in self.suspended.items():
        self.resume(client, before, self.due[client])
    self._clock.advance(0)


def _suspend_sessions(right: Any, self: PhoneCommands) -> None:
    """Leave the channels, and let attempts go on."""
    others = {name: each for name, each in self._sessions.items() if not each.connection.device}
    for name in others:
        del self._sessions[name]
    right(self)
    self._sessions |= others


def _wake_without_sleep(right: Any, self: PhoneCommands, slept: float) -> None:
    self.due = {client: at + slept if at else 0.0 for client, at in self.due.items()}
    right(self, slept)


def _resume_on_network(right: Any, self: PhoneCommands) -> None:
    right(self)
    self.do_wake(0)


def _ready_of_any(right: Any, self: ResendingSession, event: object) -> None:
    if isinstance(event, Ready):
        for peer in tuple(self.busy):
            self.resend(peer)
    right(self, event)


def _left_of_any(right: Any, self: ResendingSession, event: object) -> None:
    if isinstance(event, Left):
        self.busy.clear()
    right(self, event)


def _five(right: Any, self: ResendingSession, event: object) -> None:
    if not isinstance(event, Nack) or len(self.busy.get(event.peer, ())) < _KEPT:
        right(self, event)


def _send_at_left(right: Any, self: ResendingSession, event: object) -> None:
    if isinstance(event, Left):
        self.resend(event.session)
    right(self, event)


def _send_at_nack(right: Any, self: ResendingSession, event: object) -> None:
    right(self, event)
    if isinstance(event, Nack):
        self.resend(event.peer)


OF_BROWSERS: dict[str, Fault] = {
    "in a browser, an end without a close is final": decides(_is_without_close, is_final=True),
    "in a browser, the subprotocol is not checked": put(
        DeviceSocket, "onConnect", lambda self, response: None
    ),
    "in a browser, a version is offered that it does not speak": _offer_more,
    "in a browser, headers are set": around(DeviceSocketFactory, "__init__", _set_header),
    "in a browser, no keepalive is sent": put(MessageLiveness, "ask", _never_ask),
    "in a browser, a keepalive asks for another interval": around(
        Liveness, "request", _ask_for_another
    ),
    "in a browser, an answer has a second": put(MessageLiveness, "patience", 1),
    "in a browser, an answer is waited for for ever": put(MessageLiveness, "patience", 10**9),
    "in a browser, timers are counted": around(MessageLiveness, "_check_silence", _count_timers),
}
OF_PHONES: dict[str, Fault] = {
    "on a phone, a suspension is not noticed": put(PhoneCommands, "do_wake", _wake_unnoticed),
    "on a phone, an answer has a minute": put(liveness, "PROBE_SECONDS", 60),
    "on a phone, an answer has two seconds": put(liveness, "PROBE_SECONDS", 2),
    "on a phone, another network is trusted": put(
        PhoneCommands, "move", lambda self, session: None
    ),
    "on a phone, an announced suspension is ignored": put(
        PhoneCommands, "do_suspend", lambda self: None
    ),
    "on a phone, it stays away after a suspension": put(PhoneCommands, "do_wake", Commands.do_wake),
    "on a phone, the interval is that of the welcome": around(
        Liveness, "answered", lambda right, self, ping_seconds: right(self, self.ping_seconds)
    ),
    "on a phone, attempts go on while it is suspended": around(
        PhoneCommands, "do_suspend", _suspend_sessions
    ),
    "on a phone, a suspension ends the relay's time": put(
        PhoneCommands, "due_at", lambda self, session: 0.0
    ),
    "on a phone, the time of a suspension does not count": around(
        PhoneCommands, "do_wake", _wake_without_sleep
    ),
    "on a phone, a suspension restarts what has stopped": put(
        PhoneCommands, "returns", lambda self, session: True
    ),
    "on a phone, another network ends the suspension": around(
        PhoneCommands, "do_network", _resume_on_network
    ),
    "on a phone, another network precedes the range of draining": around(
        Connection, "_ended", at_once_in_any_case
    ),
    "on a phone, silence has no end": put(Liveness, "_drop", lambda self: None),
}
OF_RESENDING: dict[str, Fault] = {
    "the last message is sent again first": put(
        ResendingSession, "in_order", lambda self, ids: sorted(ids, reverse=True)
    ),
    "a message is sent again before the ready": around(ResendingSession, "take", _send_at_nack),
    "a message is sent again after the left": around(ResendingSession, "take", _send_at_left),
    "a message is sent again to everyone": put(
        ResendingSession, "receiver", lambda self, *message: EVERYONE
    ),
    "the ready of any peer is enough": around(ResendingSession, "take", _ready_of_any),
    "the left of any peer drops all": around(ResendingSession, "take", _left_of_any),
    "what comes back again is sent last": put(
        ResendingSession, "in_order", lambda self, ids: sorted(ids)
    ),
    "five messages are sent again": around(ResendingSession, "take", _five),
    "a message is never sent again": put(ResendingSession, "take", lambda self, event: None),
}
