"""Any bytes after the join, and as a data message: compiled and pure twins do the same."""

from collections.abc import Iterable
from typing import Any

from tests.fuzz.frames_target import MOST, built, play
from tests.fuzz.oracle import check, reading_in_pieces
from tests.fuzz.pure_twins import pure_twins
from tests.fuzz.twin_calls import calls
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.frame_reader import FrameReader
from vaultrelay.wire.data import BadHeader, check_data

_TEXT_BYTES = 512
_CUTS = 200
_DROP_EVERY = 7
"""One case in so many has a close of the relay in the middle of the stream."""


def twins(data: bytes) -> None:
    """As `frames`: a stream as it stands, or one built of frames that the bytes choose; and calls
    that the same bytes describe."""
    if not data:
        return
    stream = built(data[1:]) if data[0] & 0x80 else data[1:]
    compiled = _done(data[0], stream) + calls(data[1:])
    with pure_twins():
        pure = _done(data[0], stream) + calls(data[1:])
    check(len(compiled) == len(pure), "one does more")
    for one, other in zip(compiled, pure, strict=True):
        check(one == other, f"compiled: {_short(one)}, pure: {_short(other)}")


def _done(first: int, stream: bytes) -> list[Any]:
    """All that the twins do with a stream, one thing after another."""
    found = [*_checked(stream), *_read(reading_in_pieces(stream), first % _DROP_EVERY)]
    # A cut at each place, such as one byte before the end of a frame.
    for cut in range(1, min(len(stream), _CUTS)):
        found += _read((stream[:cut], stream[cut:]), 0)
    return [*found, play(stream, fast=True)]


def _checked(message: bytes) -> list[Any]:
    try:
        return [check_data(message, int.from_bytes(message[8:12], "big"))]
    except BadHeader as error:
        return [str(error)]


def _read(pieces: Iterable[bytes], drop_at: int) -> list[Any]:
    """What the reader finds, as a receiver asks it, and what it holds after each piece."""
    ledger = Ledger(MOST)
    reader, found = FrameReader(ledger), list[Any]()
    reader.message_bytes = MOST
    for number, piece in enumerate(pieces):
        if number and number == drop_at:
            reader.drop()
        if reader.is_foreign or reader.rest is not None:
            reader.append(piece)
        else:
            found.append(reader.feed(piece))
        while reader.rest is not None:
            text = reader.next_text(_TEXT_BYTES)
            found.append(reader.next_foreign() if text is None else text)
            found.append(reader.next_messages())
        held = reader.held_bytes, reader.bytes_allowed, reader.partial_bytes, reader.rest_bytes
        found.append((*held, reader.is_foreign, ledger.held))
    return found


def _short(found: Any) -> str:
    return f"{found!r:.1000}"
