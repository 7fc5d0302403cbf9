"""MailboxHealth: what an operator should know of the mailbox."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MailboxHealth:
    """The state of the mailbox, and the fault behind it as a sentence; empty without one.

    `is_old_sqlite`: the system's SQLite has a fault that only a second connection can meet.
    """

    state: str
    fault: str = ""
    is_old_sqlite: bool = False
