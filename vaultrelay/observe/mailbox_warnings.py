"""Warnings about the mailbox: its state, and setups in which it keeps less than devices expect."""

from collections.abc import Iterable

from vaultrelay.observe.relay_state import RelayState

_OUTAGES = {
    "full": "The mailbox stores nothing: {fault}. Make room on the disk. Stored messages are "
    "delivered meanwhile, and the mailbox goes on by itself.",
    "away": "The mailbox is not available: {fault}. The relay tries again every few seconds; "
    "messages between devices that are online pass meanwhile.",
    "off": "The mailbox is off: {fault}. Restore it from a backup, or move the folder {folder} "
    "away to begin with an empty one, and restart the relay. Messages between devices that are "
    "online pass meanwhile.",
}
_OPENING = (
    "The mailbox is not open yet: the disk of the folder {folder} does not respond. Messages "
    "between devices that are online pass meanwhile."
)


def outages(state: RelayState) -> Iterable[str]:
    """Yield why the mailbox does not work."""
    health = state.mailbox
    if health is not None and health.state != "open":
        text = _OUTAGES.get(health.state, _OPENING)
        yield text.format(fault=health.fault, folder=state.settings.mailbox)


def behind_haproxy(state: RelayState) -> Iterable[str]:
    """Yield that other relays behind the same HAProxy would not have the messages."""
    listeners = state.settings.listen
    if state.mailbox is not None and any(each.startswith("haproxy:") for each in listeners):
        yield (
            "The relay keeps a mailbox and has a haproxy: listener. If HAProxy has other relays, "
            "devices that move to one of them do not get what is stored here. Use the mailbox "
            "with a single relay only."
        )


def old_sqlite(state: RelayState) -> Iterable[str]:
    """Yield that the file must not be opened by another program."""
    if state.mailbox is not None and state.mailbox.is_old_sqlite:
        yield (
            "The SQLite of this system is older than 3.51.3 and can damage a database that two "
            "programs have open. The relay is the only one, and locks the file: do not remove "
            "the lock, and use vault-relay mailbox backup for copies."
        )
