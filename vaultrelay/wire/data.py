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

from vaultrelay.native import has_twin
from vaultrelay.wire.broken_rule import BrokenRule, Rule

HEADER_BYTES = 16
EVERYONE = 0xFFFFFFFF
"""As `to`: every other session of the channel."""
NO_SESSION = 0
"""No session has this number."""


class Kind(IntEnum):
    """The first byte."""

    DATA = 0x10
    NACK = 0x11


class Reason(IntEnum):
    """Why a message did not reach a peer; 0 in all but a NACK."""

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


class BadHeader(BrokenRule):
    """A data message that a device may not send."""


RunEnd = tuple[int, int]
"""The index after a run of messages, and their size in bytes."""
_FIELDS = Struct(">BBHIII")
_WORDS = Struct(">IIII")
_ID_AT = 12
"""The offset of the id, before which all messages of a run are the same."""
_PLAIN_DATA = Kind.DATA << 24
"""Kind DATA, flags 0 and reason 0 as one word, so that one comparison checks all three."""


def pack_data(to: int, sender: int, id: int, payload: bytes) -> bytes:
    """Return a DATA message, as a device sends it."""
    return _WORDS.pack(_PLAIN_DATA, to, sender, id) + payload


def pack_nack(to: int, peer: int, id: int, reason: Reason) -> bytes:
    """Return a NACK to session `to`: its message `id` did not reach `peer`."""
    return _FIELDS.pack(Kind.NACK, 0, reason, to, peer, id)


def read_header(message: bytes) -> Header:
    """Return the header of any data message. Raises BadHeader if it is too short to hold one."""
    if len(message) < HEADER_BYTES:
        raise _too_short(message)
    return Header._make(_FIELDS.unpack_from(message))


@has_twin("data")
def check_data(message: bytes, session: int) -> tuple[int, int]:
    """Return the `(to, id)` of a DATA message that `session` may send. Raises BadHeader for any
    other."""
    if len(message) >= HEADER_BYTES:
        word, to, sender, id = _WORDS.unpack_from(message)
        if word == _PLAIN_DATA and sender == session and to != session and to != NO_SESSION:
            return to, id
    raise data_refused(message, session)


@has_twin("data")
def end_of_run(
    messages: list[bytes], start: int, most_messages: float, most_bytes: float
) -> RunEnd:
    """Find the end of the run of messages that begins with the checked one at `start`.

    They have the same header but for the id. Only the last one exceeds `most_messages` or
    `most_bytes`.
    """
    same, size = messages[start][:_ID_AT], len(messages[start])
    end = start + 1
    # Not by islice, which begins at the first one: a read of many runs would take quadratic time.
    while end < len(messages) and end - start <= most_messages and size <= most_bytes:
        message = messages[end]
        if not message.startswith(same) or len(message) < HEADER_BYTES:
            break
        size += len(message)
        end += 1
    return end, size


def data_refused(message: bytes, session: int) -> BadHeader:
    """Return why `session` may not send this message, which check_data refuses."""
    header = read_header(message)
    if header.kind != Kind.DATA:
        return BadHeader(Rule.KIND.slug, f"kind is {header.kind:#04x} instead of {Kind.DATA:#04x}")
    if header.flags:
        return BadHeader(Rule.FLAGS.slug, f"flags are {header.flags:#04x} instead of 0")
    if header.reason:
        return BadHeader(Rule.REASON.slug, f"reason is {header.reason} instead of 0")
    if header.sender != session:
        return BadHeader(Rule.FROM.slug, f"from is {header.sender}, and this is session {session}")
    return BadHeader(Rule.TO.slug, f"to is {header.to}: the sender itself, or no session")


def _too_short(message: bytes) -> BadHeader:
    sentence = f"a data message has {len(message)} bytes, fewer than its header of {HEADER_BYTES}"
    return BadHeader(Rule.DATA_SIZE.slug, sentence)
