"""FrameReader against frames written in hex, and against a parser written from RFC 6455."""

import sys
from itertools import groupby
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import BINARY, CONTINUATION, PING, TEXT, client_frame, mask
from tests.twins import each_twin
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket import frame_reader
from vaultrelay.websocket.frame_reader import FrameReader

twin = each_twin(frame_reader, "take_messages")
MOST = 70_000
MOST_TEXT = 300
SIZES = [0, 1, 125, 126, 127, 4095, 4096, 65535, 65536, MOST]
PING_FRAME = bytes.fromhex("8980 00000000")


def reader_of(ledger: Ledger | None = None, maximum: int = MOST) -> FrameReader:
    reader = FrameReader(ledger or Ledger(1 << 40))
    reader.message_bytes = maximum
    return reader


# Messages.


def test_a_frame_of_the_rfc_is_unmasked() -> None:
    """RFC 6455, section 5.7, with the opcode of binary."""
    #                         fin+op len  key       payload
    frame = bytes.fromhex("82     85   37fa213d  7f9f4d5158")
    assert reader_of().feed(frame) == [b"Hello"]


@pytest.mark.parametrize("size", SIZES)
def test_messages_of_every_size_are_taken(size: int) -> None:
    message, reader = bytes(index % 251 for index in range(size)), reader_of()
    assert reader.feed(client_frame(BINARY, message)) == [message]
    assert reader.rest is None


def test_before_it_knows_a_limit_no_message_is_ours() -> None:
    reader, frame = FrameReader(Ledger(1)), client_frame(BINARY, b"")
    assert reader.feed(frame) == []
    assert reader.next_foreign() == frame


def test_a_large_message_in_many_reads_is_joined_once() -> None:
    reader, message = reader_of(), bytes(MOST)
    frame = client_frame(BINARY, message)
    for start in range(0, len(frame) - 1000, 1000):
        assert reader.feed(frame[start : start + 1000]) == []
        assert reader.partial_bytes == start + 1000 - 14
        last = start + 1000
    assert reader.feed(frame[last:]) == [message]
    assert reader.partial_bytes is None


def test_a_size_that_is_only_claimed_takes_no_memory() -> None:
    maximum = 1 << 20
    reader = reader_of(maximum=maximum)
    assert reader.feed(client_frame(BINARY, bytes(maximum))[:100]) == []
    assert reader.partial is not None
    assert sys.getsizeof(reader.partial._payload) < 1000


def test_a_message_that_is_cut_is_counted_until_it_is_whole() -> None:
    ledger = Ledger(1 << 40)
    reader, frame = reader_of(ledger), client_frame(BINARY, bytes(1000))
    reader.feed(frame[:500])
    assert ledger.held == (reader.partial_bytes or 0) == 500 - 8
    reader.feed(frame[500:600])
    assert ledger.held == (reader.partial_bytes or 0) == 600 - 8
    reader.feed(frame[600:])
    assert ledger.held == (reader.partial_bytes or 0) == 0


def test_what_follows_a_message_that_was_cut_is_taken_in_the_same_read() -> None:
    reader, message = reader_of(), bytes(1000)
    first, second = client_frame(BINARY, message), client_frame(BINARY, b"after")
    assert reader.feed(first[:500]) == []
    assert reader.feed(first[500:] + second + PING_FRAME) == [message, b"after"]
    assert reader.next_foreign() == PING_FRAME


@pytest.mark.parametrize("cut", [1, 3, 8, 9, 500])
def test_the_rest_of_a_message_that_was_given_up_is_skipped(cut: int) -> None:
    ledger = Ledger(1 << 40)
    reader, frame = reader_of(ledger), client_frame(BINARY, bytes(1000))
    reader.feed(frame[:cut])
    reader.drop()
    assert ledger.held == 0
    messages = [message for byte in frame[cut:-1] for message in reader.feed(bytes([byte]))]
    messages += reader.feed(frame[-1:] + client_frame(BINARY, b"after"))
    # Of a header alone nothing was held that could be given up.
    assert messages == ([bytes(1000)] if cut < 8 else []) + [b"after"]


# Foreign frames.

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
def test_a_foreign_frame_is_left_with_all_that_follows(head: str) -> None:
    reader, foreign = reader_of(), bytes.fromhex(head)
    assert reader.feed(client_frame(BINARY, b"before") + foreign) == [b"before"]
    assert reader.rest_bytes == len(foreign)
    assert reader.next_foreign() == foreign
    assert reader.rest is None


@pytest.mark.parametrize("head", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_frame_comes_out_whole_when_it_comes_byte_by_byte(head: str) -> None:
    reader, foreign, out = reader_of(), bytes.fromhex(head), b""
    for byte in foreign:
        if reader.is_foreign:
            reader.append(bytes([byte]))
        else:
            assert reader.feed(bytes([byte])) == []
        if reader.rest is not None:
            out += reader.next_foreign()
        assert len(reader._head) < 14
    assert out == foreign


def test_one_foreign_frame_comes_out_at_a_time() -> None:
    reader = reader_of()
    pings = [client_frame(PING, bytes([number])) for number in range(3)]
    assert reader.feed(b"".join(pings)) == []
    unmasked = [ping[:6] + bytes([number]) for number, ping in enumerate(pings)]
    assert [reader.next_foreign() for _ in pings] == unmasked
    assert reader.rest is None


def test_messages_between_foreign_frames_are_found() -> None:
    reader, ours = reader_of(), client_frame(BINARY, b"ours")
    assert reader.feed(PING_FRAME + ours + ours + PING_FRAME + ours) == []
    assert reader.next_messages() == []
    assert reader.next_foreign() == PING_FRAME
    assert reader.next_messages() == [b"ours", b"ours"]
    assert reader.next_foreign() == PING_FRAME
    assert reader.next_messages() == [b"ours"]
    assert reader.rest is None


def test_within_a_message_in_fragments_nothing_is_ours() -> None:
    """Autobahn knows that there is one; whoever asks it says so by `is_foreign`."""
    reader = reader_of()
    first, second = client_frame(BINARY, b"", fin=False), client_frame(BINARY, b"")
    reader.feed(first + second + client_frame(TEXT, b"text"))
    assert reader.next_foreign() == first
    reader.is_foreign = True
    assert reader.next_messages() == []
    assert reader.next_foreign() == second
    reader.is_foreign = True
    assert reader.next_text(MOST_TEXT) is None


def test_where_a_foreign_frame_ends_the_next_one_begins() -> None:
    reader, ping = reader_of(), client_frame(PING, b"0123456789")
    reader.feed(ping[:9])
    assert reader.partial_bytes is None
    assert reader.next_foreign() == ping[:6] + b"012"
    assert reader.is_foreign
    assert reader.partial_bytes == 0
    reader.append(ping[9:] + client_frame(BINARY, b"after"))
    assert reader.next_foreign() == b"3456789"
    assert not reader.is_foreign
    assert reader.next_messages() == [b"after"]


def test_a_foreign_frame_of_megabytes_is_not_kept() -> None:
    ledger = Ledger(1 << 40)
    reader = reader_of(ledger)
    reader.feed(bytes.fromhex("89ff 0000000100000000 00000000"))
    reader.next_foreign()
    for _ in range(10):
        reader.append(bytes(100_000))
        assert len(reader.next_foreign()) == 100_000
    assert (reader.rest, reader._head, reader.partial_bytes, ledger.held) == (None, b"", 0, 0)


# Texts.


@pytest.mark.parametrize("size", [0, 1, 125, 126, MOST_TEXT])
def test_a_whole_text_is_taken_and_what_follows_is_left(size: int) -> None:
    reader, text = reader_of(), b"t" * size
    reader.feed(client_frame(TEXT, text) + client_frame(BINARY, b"after"))
    assert reader.next_text(MOST_TEXT) == text
    assert reader.next_text(MOST_TEXT) is None
    assert reader.next_messages() == [b"after"]


TEXTS_OF_AUTOBAHN = {
    "header": client_frame(TEXT, b"abc")[:5],
    "cut": client_frame(TEXT, b"abc")[:-1],
    "fragment": client_frame(TEXT, b"abc", fin=False),
    "continuation": client_frame(CONTINUATION, b"abc"),
    "unmasked": client_frame(TEXT, b"abcdefg", masked=False),
    "reserved": client_frame(TEXT, b"abc", rsv=1),
    "long": client_frame(TEXT, bytes(MOST_TEXT + 1)),
    "no UTF-8": client_frame(TEXT, b"\xff"),
    "half a character": client_frame(TEXT, "é".encode()[:1]),
    "a surrogate": client_frame(TEXT, b"\xed\xa0\x80"),
    "16-bit": bytes.fromhex("81fe0002000000007b7d"),
    "64-bit": bytes.fromhex("81ff0000000000000002000000007b7d"),
}


@pytest.mark.parametrize("data", TEXTS_OF_AUTOBAHN.values(), ids=TEXTS_OF_AUTOBAHN.keys())
def test_any_other_text_is_left_as_it_is(data: bytes) -> None:
    reader = reader_of()
    reader.feed(data)
    assert reader.next_text(MOST_TEXT) is None
    assert reader.rest_bytes == len(data)


def test_without_a_rest_there_is_no_text() -> None:
    reader = reader_of()
    assert reader.next_text(MOST_TEXT) is None
    assert reader.next_messages() == []
    assert reader.next_foreign() == b""


# Any stream, cut anywhere.


class Parsed(NamedTuple):
    """A frame of a stream, or what there is of the last one: as it came, but unmasked."""

    head: bytes
    payload: bytes
    is_whole: bool

    @property
    def is_ours(self) -> bool:
        """Whether it is a binary message within the limit, whole and spelled as it must be."""
        return self._is_minimal(0x82) and len(self.payload) <= 200 and self.is_whole

    @property
    def is_text(self) -> bool:
        """The same for a text."""
        return self._is_minimal(0x81) and len(self.payload) <= 150 and self.is_whole

    def _is_minimal(self, first: int) -> bool:
        again = client_frame(first & 0x0F, self.payload)
        return self.head[0] == first and self.head[1:-4] == again[1 : len(self.head) - 4]


def parse(stream: bytes, is_masked: bool = True) -> list[Parsed]:
    """Split a stream into frames (RFC 6455, section 5.2): any bytes are some."""
    found = []
    while stream:
        length = 2
        if len(stream) >= 2:
            length += {126: 2, 127: 8}.get(stream[1] & 0x7F, 0) + (4 if stream[1] & 0x80 else 0)
        if len(stream) < length:
            found.append(Parsed(stream, b"", False))
            break
        head, body = stream[:length], stream[length:]
        has_key = head[1] & 0x80
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(head[2 : 4 if size == 126 else 10], "big")
        payload, stream = body[:size], body[size:]
        unmasked = mask(payload, head[-4:]) if has_key and is_masked and payload else payload
        found.append(Parsed(head, unmasked, len(payload) == size))
    return found


def is_held(frame: Parsed) -> bool:
    """Whether a frame that is cut may still become ours, so that nothing of it is seen."""
    head = frame.head
    if head[0] != 0x82 or (len(head) > 1 and not head[1] & 0x80):
        return False
    size = head[1] & 0x7F if len(head) > 1 else 0
    wide = {126: 2, 127: 8}.get(size, 0)
    if len(head) < 2 + wide + 4:
        return True
    size = int.from_bytes(head[2 : 2 + wide], "big") if wide else size
    return size <= 200 and size >= {0: 0, 2: 126, 8: 1 << 16}[wide]


def expected(stream: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for frame in parse(stream):
        if frame.is_ours:
            found.append(("message", frame.payload))
        elif frame.is_whole or not is_held(frame):
            found.append(("foreign", frame.head + frame.payload))
    return found


def read(stream: bytes, cuts: list[int], ledger: Ledger) -> list[tuple[str, bytes]]:
    """Read as a MessageReceiver does, but for what Autobahn knows of fragments."""
    reader, found = reader_of(ledger, maximum=200), list[tuple[str, bytes]]()
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        piece = stream[position : position + size]
        position, turn = position + size, turn + 1
        if reader.is_foreign:
            reader.append(piece)
        else:
            found += [("message", message) for message in reader.feed(piece)]
        while reader.rest is not None:
            before = reader.rest_bytes
            text = reader.next_text(150)
            if text is not None:
                found.append(("text", text))
            else:
                found.append(("foreign", reader.next_foreign()))
            assert reader.rest_bytes < before, "it does not get on"
            found += [("message", message) for message in reader.next_messages()]
    reader.drop()
    return found


def as_frames(events: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The same, with texts alike whether they were taken whole or left to Autobahn."""
    found: list[tuple[str, bytes]] = []
    for kind, group in groupby(events, key=lambda event: event[0]):
        payloads = [payload for _, payload in group]
        if kind != "foreign":
            found += [(kind, payload) for payload in payloads]
            continue
        for frame in parse(b"".join(payloads), is_masked=False):
            is_utf8 = frame.payload == frame.payload.decode(errors="ignore").encode()
            if frame.is_text and is_utf8:
                found.append(("text", frame.payload))
            else:
                found.append(("foreign", frame.head + frame.payload))
    return found


FRAMES = st.one_of(
    st.builds(client_frame, st.just(BINARY), st.binary(max_size=210)),
    st.builds(client_frame, st.just(TEXT), st.text(max_size=80).map(str.encode)),
    st.builds(client_frame, st.just(TEXT), st.binary(max_size=9)),
    st.builds(
        client_frame,
        st.integers(0, 15),
        st.binary(max_size=140),
        fin=st.booleans(),
        rsv=st.sampled_from([0, 0, 0, 4]),
        masked=st.sampled_from([True, True, True, False]),
    ),
    st.sampled_from([bytes.fromhex(head) for head in FOREIGN.values()]),
    st.binary(max_size=20),
)
CUTS = st.lists(st.one_of(st.integers(1, 9), st.integers(1, 400)), min_size=1, max_size=8)


@given(st.lists(FRAMES, max_size=8), CUTS)
@settings(deadline=None, max_examples=600)
def test_any_stream_comes_to_the_same_wherever_it_is_cut(
    frames: list[bytes], cuts: list[int]
) -> None:
    stream, ledger = b"".join(frames), Ledger(1 << 40)
    assert as_frames(read(stream, cuts, ledger)) == as_frames(expected(stream))
    assert ledger.held == 0


@given(st.binary(max_size=60), CUTS)
@settings(deadline=None, max_examples=600)
def test_so_do_any_bytes(stream: bytes, cuts: list[int]) -> None:
    assert as_frames(read(stream, cuts, Ledger(1))) == as_frames(expected(stream))
