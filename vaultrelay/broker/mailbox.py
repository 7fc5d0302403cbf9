"""Mailbox: the messages kept for sleeping devices of a channel, as the broker uses it."""

from typing import Protocol

from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import Control
from vaultrelay.wire.announced import MailboxLimits


class Mailbox(Protocol):
    """The mailbox of one relay. No method blocks, and none is on the path of a DATA message.

    What needs the disk comes later, through the outbox of a session.
    """

    @property
    def limits(self) -> MailboxLimits:
        """The limits that a welcome announces."""

    def read_control(self, text: bytes) -> Control:
        """Return a control message of a device. Raises BadControl for any other text."""

    def open(self, session: Session, cursor: bytes) -> None:
        """Send the items after `cursor`, or all if it is empty, and then new ones as they are
        stored; after the welcome."""

    def put(self, session: Session, message: bytes) -> bool:
        """Store a PUT and answer it; return False for a message of another kind, or of a session
        without an open mailbox. Raises BadHeader if the PUT is malformed."""

    def control_received(self, session: Session, control: Control) -> bool:
        """Obey a control message; return False if it is of another part, or of a session without
        an open mailbox."""

    def close(self, session: Session) -> None:
        """Send nothing more to an ended session."""
