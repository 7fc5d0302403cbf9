"""MailLink: one connection to a relay with a mailbox, as the Mailbox of its device uses it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from vaultrelay.client.connection import DeviceSocket
from vaultrelay.client.events import MailEvent
from vaultrelay.client.mail_store import WaitingPut
from vaultrelay.wire.announced import PUT_HEADER_BYTES, MailboxLimits
from vaultrelay.wire.control.joining import Welcome
from vaultrelay.wire.control.mailbox import Erase
from vaultrelay.wire.mailbox import pack_put

_U32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, eq=False)
class MailLink:
    """`ids` are those of the session's messages; `on_event` gets what is for the application."""

    socket: DeviceSocket
    welcome: Welcome
    limits: MailboxLimits
    clock: IReactorTime
    ids: Iterator[int]
    on_event: Callable[[MailEvent], None]

    @property
    def payload_bytes(self) -> int:
        """The largest payload of a PUT."""
        return min(self.limits.item_bytes, self.welcome.limits.message_bytes - PUT_HEADER_BYTES)

    def send_put(self, put: WaitingPut) -> int:
        """Send a PUT; return its id. While the connection ends it is kept for the next one."""
        id = next(self.ids) & _U32
        item_id, payload, key, ttl = put
        if self.socket.can_send:
            self.socket.send_data(
                pack_put(self.welcome.session, id, item_id, payload, key=key, ttl=ttl)
            )
        return id

    def send_erase(self, cursor: bytes | None) -> None:
        """Send an `erase`."""
        self.socket.sendMessage(Erase(cursor).encode(), isBinary=False)
