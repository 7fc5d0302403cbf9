"""Interfaces: what the streams of the mailbox use of others."""

from collections.abc import Callable
from typing import Protocol

from vaultrelay.broker.session import Session
from vaultrelay.store.store import Cursor, Page, Put, Refused, Stored


class StoreThread(Protocol):
    """The clerk, as it is used here. All results come later, in the order of the work."""

    def put(self, put: Put, done: Callable[[Stored | Refused], None]) -> bool:
        """Store an item; return False if too many wait."""

    def read(
        self, channel: bytes, cursor: Cursor | None, done: Callable[[Page | Refused], None]
    ) -> None:
        """Read a page."""

    def erase(
        self, channel: bytes, upto: Cursor | None, done: Callable[[Cursor | Refused | None], None]
    ) -> bool:
        """Delete items; return False if too many jobs wait."""


class Gathering(Protocol):
    """Gathers what is sent to many devices into one write for each."""

    def begin(self) -> None:
        """Gather until `end`."""

    def end(self, sender: None) -> None:
        """Send."""


class Payers(Protocol):
    """Who pays for what is stored."""

    def charge(self, session: Session, size: int) -> bool:
        """Charge bytes to the budget of a device, or give back a negative size; return whether that
        has room for them."""

    def payer(self, session: Session) -> bytes | None:
        """Return the payer, to which the channel of a device counts in the store."""
