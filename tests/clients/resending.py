"""The Python client with an application that sends again what a busy peer did not get."""

from collections.abc import Callable
from typing import Any

from examples import python_adapter
from examples.python_adapter import Session
from tests.clients.faults import Patch
from vaultrelay.client import Ended, Left, Nack, Ready
from vaultrelay.wire.data import Reason


class ResendingSession(Session):
    """Keeps the messages with a busy NACK until the `ready` or the `left` of the peer."""

    def __init__(self, connection: Any, report: Callable[[object], None]) -> None:
        self.sent: dict[int, tuple[int, bytes]] = {}
        self.busy: list[int] = []

        def note(event: object) -> None:
            report(event)
            self.take(event)

        super().__init__(connection, note)

    def send(self, to: int, payloads: list[bytes]) -> int:
        id = super().send(to, payloads)
        self.sent[id] = (to, payloads[0])
        return id

    def take(self, event: object) -> None:
        """Keep a message, send messages again, or drop them."""
        match event:
            case Nack(id=id, reason=Reason.BUSY):
                self.busy.append(id)
            case Ready(session=peer):
                self.resend(peer)
            case Left() | Ended():
                self.busy.clear()

    def resend(self, peer: int) -> None:
        """Send again what the peer did not get."""
        for id in self.in_order(self.busy):
            super().send(peer, [self.sent[id][1]])
        self.busy.clear()

    def in_order(self, ids: list[int]) -> list[int]:
        """Return ids in the order in which the messages were sent."""
        return sorted(ids)


def install(patch: Patch) -> None:
    """Let the adapter drive such sessions."""
    patch.setattr(python_adapter, "Session", ResendingSession)
