"""A send buffer gives back what it was given, in order, whatever the kernel takes at a time."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.policy.limits.streams import PIECES_AT_ONCE
from vaultrelay.transport.send_buffer import SendBuffer


def content(buffer: SendBuffer) -> bytes:
    """Take all out of it, as the kernel would."""
    found = b""
    while buffer.size:
        pieces = buffer.first()
        found += b"".join(pieces)
        buffer.discard(sum(map(len, pieces)))
    assert buffer.first() == []
    return found


def test_what_was_sent_already_is_not_kept() -> None:
    buffer = SendBuffer()
    buffer.add([b"head", b"body", b"tail"], 6)
    assert buffer.size == 6
    assert content(buffer) == b"dytail"


@pytest.mark.parametrize("sent", [0, 1, 3, 4, 5, 8])
def test_a_part_of_it_may_be_sent(sent: int) -> None:
    buffer = SendBuffer()
    buffer.add([b"head"])
    buffer.add([b"body"])
    buffer.discard(sent)
    assert buffer.size == 8 - sent
    assert content(buffer) == b"headbody"[sent:]


def test_pieces_are_not_copied() -> None:
    piece = bytes(1000)
    buffer = SendBuffer()
    buffer.add([piece])
    assert buffer.first()[0] is piece
    buffer.discard(1)
    (rest,) = buffer.first()
    assert isinstance(rest, memoryview)
    assert rest.obj is piece


def test_no_more_pieces_come_at_once_than_one_system_call_takes() -> None:
    buffer = SendBuffer()
    pieces = [bytes([number]) for number in range(PIECES_AT_ONCE + 3)]
    buffer.add(pieces)
    assert buffer.first() == pieces[:PIECES_AT_ONCE]
    assert content(buffer) == b"".join(pieces)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.lists(st.binary(max_size=9), max_size=20), st.integers(0, 30))),
    st.lists(st.integers(1, 40)),
)
def test_nothing_is_lost_or_changed(
    writes: list[tuple[list[bytes], int]], taken: list[int]
) -> None:
    """Against one piece of bytes, from which what is sent is cut off."""
    buffer, model, sizes = SendBuffer(), b"", iter(taken)
    for pieces, maximum in writes:
        sent = min(maximum, sum(map(len, pieces)))
        buffer.add(pieces, sent)
        model += b"".join(pieces)[sent:]
        for size in islice(sizes, 2):
            offered = b"".join(buffer.first())
            assert model.startswith(offered)
            buffer.discard(min(size, len(offered)))
            model = model[min(size, len(offered)) :]
        assert buffer.size == len(model)
    assert content(buffer) == model
