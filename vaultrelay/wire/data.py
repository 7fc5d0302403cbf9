"""The 16-byte header of a data message.

::

     0      1       2                4            8            12           16
    +------+-------+----------------+------------+------------+------------+---------
    | kind | flags | reason, else 0 | to    u32  | from  u32  | id    u32  | payload
    +------+-------+----------------+------------+------------+------------+---------

Big-endian. The device writes every field of a DATA message; the relay checks them and passes the
very same bytes on. A NACK is a header without payload, written by the relay.
"""

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

HEADER_BYTES = 16
EVERYONE = 0xFFFFFFFF
"""As `to`: every other session of the channel."""
NOBODY = 0
"""No session has this number."""


class Kind(IntEnum):
    """The first byte."""

    DATA = 0x10
    NACK = 0x11


class Reason(IntEnum):
    """Why a peer did not get a message; 0 in everything but a NACK."""

    GONE = 1
    BUSY = 2
    TOO_BIG = 3
    RATE = 4
    NOT_ALLOWED = 5
    DRAINING = 6


class Header(NamedTuple):
    """A data header, field by field, as a client reads it."""

    kind: int
    flags: int
    reason: int
    to: int
    sender: int
    id: int


class BadHeader(ValueError):
    """A data message that no device may send; the text says why."""


_FIELDS = Struct(">BBHIII")
_WORDS = Struct(">IIII")
_PLAIN_DATA = Kind.DATA << 24
"""Kind DATA, flags 0 and reason 0 as one word, so that one comparison checks all three."""


def pack_data(to: int, sender: int, id: int, payload: bytes) -> bytes:
    """A DATA message, as a device sends it."""
    return _WORDS.pack(_PLAIN_DATA, to, sender, id) + payload


def pack_nack(to: int, peer: int, id: int, reason: Reason) -> bytes:
    """A NACK that tells session `to` that its message `id` did not reach `peer`."""
    return _FIELDS.pack(Kind.NACK, 0, reason, to, peer, id)


def read_header(message: bytes) -> Header:
    """The header of any data message; BadHeader when it is too short to hold one."""
    if len(message) < HEADER_BYTES:
        raise BadHeader(f"{len(message)} bytes, and a header alone is {HEADER_BYTES}")
    return Header._make(_FIELDS.unpack_from(message))


def check_data(message: bytes, session: int) -> tuple[int, int]:
    """The `(to, id)` of a DATA message that `session` may send; BadHeader for any other."""
    if len(message) < HEADER_BYTES:
        raise BadHeader(f"{len(message)} bytes, and a header alone is {HEADER_BYTES}")
    word, to, sender, id = _WORDS.unpack_from(message)
    if word != _PLAIN_DATA:
        raise BadHeader(f"kind, flags and reason are {word:#010x} instead of {_PLAIN_DATA:#010x}")
    if sender != session:
        raise BadHeader("from is not the session of this connection")
    if to == session or to == NOBODY:
        raise BadHeader("to is the sender itself or nobody")
    return to, id
