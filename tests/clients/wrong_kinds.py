"""Faults of clients in a browser, on a phone, and of those that resend."""

from typing import Any

from examples.python_adapter import Commands
from tests.clients.browser import MessageLiveness
from tests.clients.faults import Fault, Patch, around, put
from tests.clients.phone import PhoneCommands
from tests.clients.resending import ResendingSession
from tests.clients.wrong_decisions import decides
from vaultrelay.client import Closed, Left, Nack, liveness
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.liveness import WATCH_SECONDS, Liveness


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
    """Take each timer for a second, as if none were late."""
    now = self._clock.seconds
    counted = vars(self).setdefault("counted", now()) + WATCH_SECONDS
    vars(self)["counted"] = counted
    self._clock.seconds = lambda: counted  # type: ignore[method-assign]
    try:
        right(self)
    finally:
        self._clock.seconds = now  # type: ignore[method-assign]


def _wake_unnoticed(self: PhoneCommands, slept: float) -> None:
    self._clock.rightNow += slept
    for client, more in self.suspended.items():
        self.do_connect(client, **more)
    self._clock.advance(0)


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
    "on a phone, silence has no end": put(Liveness, "_drop", lambda self: None),
}
OF_RESENDING: dict[str, Fault] = {
    "the last message is sent again first": put(
        ResendingSession, "in_order", lambda self, ids: sorted(ids, reverse=True)
    ),
    "a message is sent again before the ready": around(ResendingSession, "take", _send_at_nack),
    "a message is sent again after the left": around(ResendingSession, "take", _send_at_left),
    "a message is never sent again": put(ResendingSession, "take", lambda self, event: None),
}
