"""MailConnection: gives the events of one connection to the Mailbox of its device."""

from vaultrelay.client.events import Closed, Event, Nack
from vaultrelay.client.mail_link import MailLink
from vaultrelay.client.mail_store import StoreFailed
from vaultrelay.client.mailbox import Mailbox
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.data import NO_SESSION
from vaultrelay.wire.mailbox import Item, Stored


class MailConnection:
    """Opens the mailbox. The connection ends if the store of the mailbox fails."""

    def __init__(self, mailbox: Mailbox, link: MailLink) -> None:
        self._mailbox = mailbox
        self._link = link
        try:
            mailbox.open(link)
        except StoreFailed as error:
            link.socket.fail_internally(error)

    def received(self, event: Event | Closed) -> bool:
        """Give an event to the mailbox; return False if it is none of a mailbox."""
        if isinstance(event, Nack):
            if event.peer != NO_SESSION:
                return False
        elif not isinstance(event, Item | Stored | MailboxState | Erased):
            return False
        try:
            self._mailbox.received(self._link, event)
        except StoreFailed as error:
            self._link.socket.fail_internally(error)
        return True

    def close(self) -> None:
        """The connection has ended."""
        self._mailbox.close(self._link)
