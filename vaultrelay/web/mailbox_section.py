"""The mailbox on the status page."""

from collections.abc import Iterator

from twisted.web.template import Tag, tags

from vaultrelay.observe.relay_snapshot import MailboxSnapshot
from vaultrelay.web.units import number, size

_STATES = {
    "opening": "not open yet",
    "open": "stores messages",
    "full": "stores nothing, as the disk is full",
    "away": "not available",
    "off": "off",
}
_GAPS = {
    "gone": "Gaps: devices that missed messages, which were deleted before they came",
    "unknown": "Gaps: devices that the mailbox does not know, as after a restored backup",
}
_WARNING = "count soon"
_STORED = {"stored", "again"}


def mailbox_section(mailbox: MailboxSnapshot) -> Tag:
    """Return the table with state, sizes and counts; what is wrong is in red."""
    return tags.table(
        *(tags.tr(tags.th(head), tags.td(text, class_=kind)) for head, text, kind in _rows(mailbox))
    )


def _rows(mailbox: MailboxSnapshot) -> Iterator[tuple[str, str, str]]:
    state = _STATES.get(mailbox.state, mailbox.state)
    yield "State", state, "count" if mailbox.state == "open" else _WARNING
    if mailbox.items is not None and mailbox.bytes is not None:
        yield "Stored messages", number(mailbox.items), "count"
        full = "count" if mailbox.bytes < mailbox.limit_bytes else _WARNING
        yield "Size", f"{size(mailbox.bytes)} of at most {size(mailbox.limit_bytes)}", full
    if mailbox.file_bytes is not None:
        yield "File", size(mailbox.file_bytes), "count"
    yield "Messages stored since the start", number(mailbox.puts.get("stored", 0)), "count"
    refused = sum(count for result, count in mailbox.puts.items() if result not in _STORED)
    if refused:
        yield "Messages refused since the start", number(refused), "count"
    for gap, head in _GAPS.items():
        if count := mailbox.gaps.get(gap, 0):
            yield head, number(count), _WARNING
