"""Mailbox: the messages kept for sleeping devices of a channel, as the broker uses it."""

from typing import Protocol

from vaultrelay.broker.session import Session
from vaultrelay.wire.announced import MailboxLimits


class Mailbox(Protocol):
    """The mailbox of one relay. No method blocks, and none is on the path of a DATA message.

    What needs the disk comes later, through the outbox of a session.
    """

    @property
    def limits(self) -> MailboxLimits:
        """The limits that a welcome announces."""

    def open(self, session: Session, cursor: bytes | None) -> None:
        """Send the items after `cursor`, and then new ones as they are stored; after the
        welcome."""

    def put(self, session: Session, message: bytes) -> bool:
        """Store a PUT and answer it; return False for a message of another kind, or of a session
        without an open mailbox. Raises BadHeader if the PUT is malformed."""

    def erase(self, session: Session, cursor: bytes | None) -> bool:
        """Delete the items of the channel up to `cursor`, or all; return False for a session
        without an open mailbox."""

    def queue_empty(self, session: Session) -> None:
        """The device has taken all that was sent: more may follow."""

    def close(self, session: Session) -> None:
        """Send nothing more to an ended session."""
