"""The Python client as it is in a browser: it offers subprotocols, sets no header, sees neither the
answer to an upgrade nor a ping, and asks with keepalives instead."""

from typing import Any

from autobahn.websocket.types import ConnectionResponse

from examples import python_adapter
from tests.clients.faults import Patch, around
from vaultrelay.client import Closed, device
from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.liveness import Liveness
from vaultrelay.client.reconnecting import Reconnecting
from vaultrelay.client.reconnecting_device import Ended

SUBPROTOCOL = "vaultmesh.3"
SLOWEST_LINE = 16 * 1024
"""Bytes a second."""


class MessageLiveness(Liveness):
    """Asks after a ping interval without a message, and waits for any message."""

    def __init__(self, socket: DeviceSocket, clock: Any, ping_seconds: int) -> None:
        super().__init__(socket, clock, ping_seconds)
        self.asked_at: float | None = None

    @property
    def patience(self) -> float:
        """Seconds for the answer, which may queue behind a message."""
        return self.ping_seconds / 2 + self._socket.maxMessagePayloadSize / SLOWEST_LINE

    def probe(self) -> None:
        self._check_silence()

    def ask(self) -> None:
        self.asked_at = self._clock.seconds()
        if self._socket.can_send:
            self.request(self.ping_seconds)

    def _check_silence(self) -> None:
        last, now = self._socket.last_received_at, self._clock.seconds()
        if self.asked_at is not None and self.asked_at <= last:
            self.asked_at = None
        if self.asked_at is None:
            if now - last >= self.ping_seconds:
                self.ask()
        elif now - self.asked_at >= self.patience:
            self._drop()


def install(patch: Patch) -> None:
    """Make the Python client one of a browser."""
    patch.setattr(device, "Liveness", MessageLiveness)
    patch.setattr(DeviceSocket, "onConnect", check_subprotocol)
    around(DeviceSocketFactory, "__init__", offer_subprotocols)(patch)
    around(DeviceSocket, "dataReceived", hide_bytes)(patch)
    around(DeviceSocket, "onMessage", note_message)(patch)
    around(Reconnecting, "ended", hide_answer)(patch)
    around(python_adapter, "describe", hide_answer_in_event)(patch)


def offer_subprotocols(right: Any, self: Any, *arguments: Any) -> None:
    """Name version and channel as a browser does."""
    right(self, *arguments)
    channel = self.headers.pop("X-VaultMesh-Channel")
    del self.headers["X-VaultMesh-Protocol"]
    protocols = [SUBPROTOCOL, f"vaultmesh.channel.{channel}"]
    self.setSessionParameters(url=arguments[1], headers=self.headers, protocols=protocols)


def check_subprotocol(self: DeviceSocket, response: ConnectionResponse) -> None:
    """Go by the subprotocol: a page does not see the headers."""
    if response.protocol != SUBPROTOCOL:
        self._fail(Closed(1006, ""))


def hide_bytes(right: Any, self: DeviceSocket, data: bytes) -> None:
    """Count messages only."""
    before, self.message_at = self.last_received_at, None  # type: ignore[attr-defined]
    right(self, data)
    at = self.message_at  # type: ignore[attr-defined]
    self.last_received_at = before if at is None else at


def note_message(right: Any, self: DeviceSocket, *arguments: Any) -> None:
    """Note the time of a whole message."""
    self.message_at = self._clock.seconds()  # type: ignore[attr-defined]
    right(self, *arguments)


def hide_answer(right: Any, self: Reconnecting, error: Exception, now: float) -> Any:
    """Go by what a page sees."""
    return right(self, seen(error), now)


def hide_answer_in_event(right: Any, event: object) -> Any:
    """Report what a page sees."""
    if isinstance(event, Ended):
        event = Ended(seen(event.error), event.retry_seconds)
    return right(event)


def seen(error: Exception) -> Exception:
    """Return what a page sees of an error: 1006 and no more, unless its URL is no URL."""
    is_shown = isinstance(error, Closed) or type(error) is ValueError
    return error if is_shown else Closed(1006, "")
