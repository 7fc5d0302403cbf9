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
        """The payload of each id, after the place of its message among all."""
        self.busy: dict[int, list[int]] = {}
        """The ids that came back, by peer."""
        self.count = 0

        def note(event: object) -> None:
            report(event)
            self.take(event)

        super().__init__(connection, note)

    def send(self, to: int, payloads: list[bytes]) -> int:
        id = super().send(to, payloads)
        self.sent[id] = (self.count, payloads[0])
        self.count += 1
        return id

    def take(self, event: object) -> None:
        """Keep a message, send messages again, or drop them."""
        match event:
            case Nack(peer=peer, id=id, reason=Reason.BUSY):
                self.busy.setdefault(peer, []).append(id)
            case Ready(session=peer):
                self.resend(peer)
            case Left(session=peer):
                self.busy.pop(peer, None)
            case Ended():
                self.busy.clear()

    def resend(self, peer: int) -> None:
        """Send again what the peer did not get, and to no other."""
        for id in self.in_order(self.busy.pop(peer, [])):
            place, payload = self.sent[id]
            self.sent[super().send(self.receiver(id, peer), [payload])] = (place, payload)

    def in_order(self, ids: list[int]) -> list[int]:
        """Return ids in the order in which the messages were first sent."""
        return sorted(ids, key=lambda each: self.sent[each][0])

    def receiver(self, id: int, peer: int) -> int:
        """Return to whom the message that `peer` did not get is sent again."""
        return peer


def install(patch: Patch) -> None:
    """Let the adapter drive such sessions."""
    patch.setattr(python_adapter, "Session", ResendingSession)
