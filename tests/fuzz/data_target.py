"""Any bytes as a data message: exactly what the protocol page allows is taken."""

from tests.fuzz.oracle import check
from vaultrelay.client.events import Message, Nack, read_data
from vaultrelay.wire import mailbox
from vaultrelay.wire.data import HEADER_BYTES, BadHeader, check_data, pack_data, read_header

_SESSION_BYTES = 4


def data_header(data: bytes) -> None:
    """The first bytes are the number of the session, the rest is its message."""
    session = int.from_bytes(data[:_SESSION_BYTES], "big")
    message = data[_SESSION_BYTES:]
    try:
        to, id = check_data(message, session)
    except BadHeader:
        check(not _allowed(message, session), "a good message is refused")
    else:
        check(_allowed(message, session), "a bad message is taken")
        check(pack_data(to, session, id, message[HEADER_BYTES:]) == message, "it reads otherwise")
        check(not mailbox.is_put(message), "one message of two kinds")
    _check_mailbox(message, session)
    event = read_data(message)
    check(event is None or isinstance(event, Message | Nack), "a client hears what is none")
    if isinstance(event, Message):
        check(message.endswith(event.payload), "a payload of its own")
        check(read_header(message)[3:] == (event.to, event.sender, event.id), "it reads otherwise")


def _check_mailbox(message: bytes, session: int) -> None:
    """The kinds of the mailbox: what is read is written again byte for byte."""
    read, is_allowed = None, _allowed_put(message, session)
    try:
        read = mailbox.read_put(message, session)
    except BadHeader:
        check(not is_allowed, "a good PUT is refused")
    if read is not None:
        check(is_allowed and mailbox.is_put(message), "a bad PUT is taken")
        id, item_id, key, ttl, payload = read
        written = mailbox.pack_put(session, id, item_id, payload, key=key, ttl=ttl)
        check(written == message, "it reads otherwise")
    try:
        item = mailbox.read_item(message)
    except BadHeader:
        pass
    else:
        check(mailbox.pack_item(*item) == message, "it reads otherwise")
    try:
        stored = mailbox.read_stored(message, session)
    except BadHeader:
        pass
    else:
        written = mailbox.pack_stored(session, *stored)
        check(message.startswith(written), "it reads otherwise")


def _allowed_put(message: bytes, session: int) -> bool:
    """The table of the page of the mailbox, byte by byte."""
    own = session.to_bytes(4, "big")
    return (
        len(message) >= 52
        and message[:8] == b"\x12\0\0\0\0\0\0\0"
        and message[8:12] == own
        and any(message[16:32])
    )


def _allowed(message: bytes, session: int) -> bool:
    """The table of the protocol page (Data messages), byte by byte."""
    if len(message) < 16:
        return False
    to, sender = message[4:8], message[8:12]
    own = session.to_bytes(4, "big")
    return message[:4] == b"\x10\0\0\0" and sender == own and to not in (own, bytes(4))
