"""PutSender: sends PUTs while a connection has a mailbox, and waits where the relay asks for it."""

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall

from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mail_store import WaitingPut
from vaultrelay.wire.mailbox import PutReason

RATE_SECONDS = 3600
"""After a NACK for the rate, and after one with an unknown reason (page Mailbox, NACK of a PUT)."""
_UNTIL_ROOM = frozenset({PutReason.BUSY, PutReason.FULL, PutReason.AWAY})


class PutSender:
    """Sends each PUT once over a connection, in order, within the relay's window.

    `on_room` is called when PUTs may be sent again after a wait.
    """

    def __init__(self, on_room: Callable[[], None]) -> None:
        self._on_room = on_room
        self._link: MailLink | None = None
        self.unanswered: dict[int, WaitingPut] = {}
        self._in_flight: set[bytes] = set()
        self._bytes = 0
        self._needs_room = False
        self._rate_ends = 0.0
        self._timer: IDelayedCall | None = None

    def open(self, link: MailLink) -> None:
        """Use a new connection; nothing is sent over it yet."""
        self.close()
        self._link = link
        rest = self._rate_ends - link.clock.seconds()
        if rest > 0:
            self._timer = link.clock.callLater(rest, self._rate_over)

    def close(self) -> None:
        """The connection has ended, and with it the answers."""
        self._link = None
        self.unanswered.clear()
        self._in_flight.clear()
        self._bytes = 0
        self._needs_room = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send(self, puts: Iterable[WaitingPut]) -> None:
        """Send those of `puts` that are not sent yet, as far as that is permitted now."""
        link = self._link
        if link is None:
            return
        for put in puts:
            if self._needs_room or self._timer is not None:
                return
            if put.item_id in self._in_flight:
                continue
            if self._bytes and self._bytes + put.size > link.limits.window_bytes:
                return
            self.unanswered[link.send_put(put)] = put
            self._in_flight.add(put.item_id)
            self._bytes += put.size

    def answered(self, id: int) -> bytes | None:
        """Return the item id of the PUT with this id; None if none waits for an answer."""
        put = self.unanswered.pop(id, None)
        if put is None:
            return None
        self._in_flight.discard(put.item_id)
        self._bytes -= put.size
        return put.item_id

    def wait(self, reason: PutReason | int) -> None:
        """Send nothing after a NACK, until the relay has room or for RATE_SECONDS."""
        if reason in _UNTIL_ROOM:
            self._needs_room = True
        elif self._link is not None and self._timer is None:
            clock = self._link.clock
            self._rate_ends = clock.seconds() + RATE_SECONDS
            self._timer = clock.callLater(RATE_SECONDS, self._rate_over)

    def resume(self) -> None:
        """The relay has room."""
        self._needs_room = False
        self._on_room()

    def _rate_over(self) -> None:
        self._timer = None
        self._on_room()
