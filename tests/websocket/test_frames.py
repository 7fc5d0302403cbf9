"""The frame walk and the frames of a server, against frames written in hex."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import BINARY, TEXT, Frame, client_frame, take_server_frame
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.frames import FrameWalk, binary_frame, whole_text

MOST = 70_000
LEDGER = Ledger(1 << 40)
SIZES = [0, 1, 125, 126, 127, 65535, 65536, MOST]


def test_a_frame_of_the_rfc_is_unmasked() -> None:
    """RFC 6455, section 5.7, with the opcode of binary."""
    #                         fin+op len  key       payload
    frame = bytes.fromhex("82     85   37fa213d  7f9f4d5158")
    assert FrameWalk(MOST, LEDGER).feed(frame) == ([b"Hello"], b"")


@pytest.mark.parametrize("size", SIZES)
def test_frames_of_every_size_are_taken_and_made(size: int) -> None:
    message = bytes(index % 251 for index in range(size))
    assert FrameWalk(MOST, LEDGER).feed(client_frame(BINARY, message)) == ([message], b"")
    assert take_server_frame(binary_frame(message)) == (Frame(BINARY, True, message), b"")


@given(
    st.lists(st.binary(max_size=300), max_size=6),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
@settings(deadline=None, max_examples=60)
def test_it_does_not_matter_where_the_stream_is_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(client_frame(BINARY, message) for message in messages)
    walk, position = FrameWalk(MOST, LEDGER), 0
    found: list[bytes] = []
    while position < len(stream):
        step = cuts[len(found) % len(cuts)]
        taken, rest = walk.feed(stream[position : position + step])
        assert rest == b""
        found += taken
        position += step
    assert found == messages
    assert not walk.is_holding


FOREIGN = {
    "ping": "8980 00000000",
    "text": "8180 00000000",
    "first fragment": "0280 00000000",
    "continuation": "8080 00000000",
    "reserved bit": "c280 00000000",
    "unmasked": "8205",
    "16-bit size of 125": "82fe 007d 00000000",
    "64-bit size of 65535": "82ff 000000000000ffff 00000000",
    "too large": "82ff 0000000000011171 00000000",
    "larger than anything": "82ff ffffffffffffffff 00000000",
}


@pytest.mark.parametrize("head", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_not_ours_is_left_with_all_that_follows(head: str) -> None:
    foreign = bytes.fromhex(head) + client_frame(BINARY, b"after")
    before = client_frame(BINARY, b"before")
    assert FrameWalk(MOST, LEDGER).feed(before + foreign) == ([b"before"], foreign)


@pytest.mark.parametrize("head", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_not_ours_is_left_whole_when_it_comes_byte_by_byte(head: str) -> None:
    walk, foreign = FrameWalk(MOST, LEDGER), bytes.fromhex(head)
    for index in range(len(foreign)):
        messages, rest = walk.feed(foreign[index : index + 1])
        assert messages == []
        if rest:
            assert rest == foreign[: index + 1]
            assert not walk.is_holding
            return
    pytest.fail("it was taken for a frame of ours")


def test_a_large_frame_in_many_reads_is_joined_once() -> None:
    walk, message = FrameWalk(MOST, LEDGER), bytes(MOST)
    frame = client_frame(BINARY, message)
    for start in range(0, len(frame) - 1000, 1000):
        assert walk.feed(frame[start : start + 1000]) == ([], b"")
        assert walk.is_holding
        last = start + 1000
    assert walk.feed(frame[last:]) == ([message], b"")
    assert not walk.is_holding


def test_nobody_gets_memory_for_a_size_that_is_only_claimed() -> None:
    most = 1 << 20
    walk = FrameWalk(most, LEDGER)
    assert walk.feed(client_frame(BINARY, bytes(most))[:100]) == ([], b"")
    assert walk.is_holding
    assert sys.getsizeof(walk._payload) < 1000


def test_what_follows_a_frame_that_was_cut_is_taken_in_the_same_read() -> None:
    walk, message = FrameWalk(MOST, LEDGER), bytes(1000)
    first, second = client_frame(BINARY, message), client_frame(BINARY, b"after")
    ping = bytes.fromhex("8980 00000000")
    assert walk.feed(first[:500]) == ([], b"")
    assert walk.feed(first[500:] + second + ping) == ([message, b"after"], ping)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300])
def test_a_whole_text_is_unmasked(size: int) -> None:
    text = b"t" * size
    assert whole_text(client_frame(TEXT, text), 300) == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        client_frame(TEXT, b"abc")[:5],
        client_frame(TEXT, b"abc")[:-1],
        client_frame(TEXT, b"abc") + b"\x81",
        client_frame(TEXT, b"abc", fin=False),
        client_frame(TEXT, b"abcdefg", masked=False),
        client_frame(TEXT, b"abc", rsv=1),
        client_frame(BINARY, b"abc"),
        client_frame(TEXT, bytes(301)),
        bytes.fromhex("81fe0002000000007b7d"),
        bytes.fromhex("81ff0000000000000002000000007b7d"),
    ],
    ids=str.split("nothing header cut more fragment unmasked reserved binary long 16-bit 64-bit"),
)
def test_anything_but_one_whole_text_is_none(data: bytes) -> None:
    assert whole_text(data, 300) is None
