"""The data messages of a mailbox: PUT, ITEM and STORED, and the NACK of a PUT.

::

     0                 16              32              48        52
    +-----------------+---------------+---------------+---------+---------
    | header: PUT     | item id       | collapse key  | ttl u32 | payload
    +-----------------+---------------+---------------+---------+---------
    | header: ITEM    | item id       | cursor        | payload
    +-----------------+---------------+---------------+-------------------
    | header: STORED  | item id       | cursor        |
    +-----------------+---------------+---------------+

The header is that of `data`. A device sends PUT, the relay sends the others. To the wire a cursor
is 16 opaque bytes.
"""

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from vaultrelay.wire.announced import PUT_HEADER_BYTES
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CURSOR_BYTES
from vaultrelay.wire.data import EVERYONE, NO_SESSION, BadHeader, Kind, read_header

ITEM_ID_BYTES = KEY_BYTES = 16
ITEM_HEADER_BYTES = 48
STORED_BYTES = 48
NO_KEY = bytes(KEY_BYTES)
"""The collapse key of an item that replaces none."""
NO_CURSOR = bytes(CURSOR_BYTES)
"""In STORED: the cursor of the device stays where it is."""


class MailboxKind(IntEnum):
    """The first byte."""

    PUT = 0x12
    ITEM = 0x13
    STORED = 0x14


class PutReason(IntEnum):
    """Why a PUT is not stored: the reason of a NACK that is from no session."""

    BUSY = 2
    TOO_BIG = 3
    RATE = 4
    NOT_ALLOWED = 5
    FULL = 7
    AWAY = 8


class Put(NamedTuple):
    """A PUT; `ttl` in seconds, 0 for as long as the relay keeps items."""

    id: int
    item_id: bytes
    key: bytes
    ttl: int
    payload: bytes

    def lifetime(self, retention: int) -> int:
        """Return the seconds for which a relay with this retention keeps the item."""
        return min(self.ttl or retention, retention)


class Item(NamedTuple):
    """An ITEM, as a client reads it."""

    item_id: bytes
    cursor: bytes
    payload: bytes


class Stored(NamedTuple):
    """A STORED, as a client reads it."""

    id: int
    item_id: bytes
    cursor: bytes


_COMMON = Struct(">IIII16s16s")
"""What the three kinds have in common: the header, the item id, and a key or a cursor."""
_WORDS = Struct(">IIII")
_TTL = Struct(">I")
_PUT = bytes([MailboxKind.PUT])


def is_put(message: bytes) -> bool:
    """Return whether the kind of a message that is not DATA is PUT."""
    return message[:1] == _PUT


def pack_put(
    sender: int, id: int, item_id: bytes, payload: bytes, *, key: bytes = NO_KEY, ttl: int = 0
) -> bytes:
    """Return a PUT, as a device sends it."""
    return (_pack(MailboxKind.PUT, NO_SESSION, sender, id, item_id, key) + _TTL.pack(ttl)) + payload


def read_put(message: bytes, session: int) -> Put:
    """Return a PUT that `session` may send. Raises BadHeader for any other message."""
    id, item_id, key = _read(message, MailboxKind.PUT, PUT_HEADER_BYTES, NO_SESSION, session)
    (ttl,) = _TTL.unpack_from(message, _COMMON.size)
    return Put(id, item_id, key, ttl, message[PUT_HEADER_BYTES:])


def pack_put_nack(to: int, id: int, reason: PutReason) -> bytes:
    """Return a NACK to session `to`: its PUT `id` is not stored."""
    return _WORDS.pack(Kind.NACK << 24 | reason, to, NO_SESSION, id)


def pack_item(item_id: bytes, cursor: bytes, payload: bytes) -> bytes:
    """Return an ITEM: the same bytes for all its receivers."""
    return _pack(MailboxKind.ITEM, EVERYONE, NO_SESSION, 0, item_id, cursor) + payload


def read_item(message: bytes) -> Item:
    """Return an ITEM of the relay. Raises BadHeader for any other message."""
    id, item_id, cursor = _read(message, MailboxKind.ITEM, ITEM_HEADER_BYTES, EVERYONE, NO_SESSION)
    if id:
        raise BadHeader("id", f"the id of an ITEM is {id} instead of 0")
    if cursor == NO_CURSOR:
        raise BadHeader("cursor", "the cursor of an ITEM is all zero")
    return Item(item_id, cursor, message[ITEM_HEADER_BYTES:])


def pack_stored(to: int, id: int, item_id: bytes, cursor: bytes = NO_CURSOR) -> bytes:
    """Return a STORED: PUT `id` of session `to` is on the disk."""
    return _pack(MailboxKind.STORED, to, NO_SESSION, id, item_id, cursor)


def read_stored(message: bytes, session: int) -> Stored:
    """Return a STORED to `session`. Raises BadHeader for any other message."""
    return Stored._make(
        _read(message, MailboxKind.STORED, STORED_BYTES, session, NO_SESSION),
    )


def _pack(
    kind: MailboxKind, to: int, sender: int, id: int, item_id: bytes, key_or_cursor: bytes
) -> bytes:
    # struct would cut or fill up what has another length.
    if len(item_id) != ITEM_ID_BYTES or len(key_or_cursor) != CURSOR_BYTES:
        raise ValueError("an item id, a key and a cursor have 16 bytes")
    return _COMMON.pack(kind << 24, to, sender, id, item_id, key_or_cursor)


def _read(
    message: bytes, kind: MailboxKind, header_bytes: int, to: int, sender: int
) -> tuple[int, bytes, bytes]:
    """Return `id`, item id, and key or cursor, after all checks that the kinds have in common."""
    header = read_header(message)
    if header.kind != kind:
        raise BadHeader(Rule.KIND.slug, f"kind is {header.kind:#04x} instead of {kind:#04x}")
    if len(message) < header_bytes:
        sentence = f"{len(message)} bytes are fewer than the header of {kind.name}, {header_bytes}"
        raise BadHeader(Rule.DATA_SIZE.slug, sentence)
    if header.flags:
        raise BadHeader(Rule.FLAGS.slug, f"flags are {header.flags:#04x} instead of 0")
    if header.reason:
        raise BadHeader(Rule.REASON.slug, f"reason is {header.reason} instead of 0")
    if header.sender != sender:
        raise BadHeader(Rule.FROM.slug, f"from is {header.sender} instead of {sender}")
    if header.to != to:
        raise BadHeader(Rule.TO.slug, f"to is {header.to} instead of {to}")
    *_, item_id, key_or_cursor = _COMMON.unpack_from(message)
    if item_id == bytes(ITEM_ID_BYTES):
        # Of two such PUTs the second would count as a repetition, and be lost.
        raise BadHeader.of(Rule.ITEM_ID)
    return header.id, item_id, key_or_cursor
