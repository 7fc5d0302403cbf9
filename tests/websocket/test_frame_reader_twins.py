"""FrameReader with the compiled take_messages, step by step beside one with the pure one."""

import sys
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import BINARY, TEXT, client_frame
from tests.twins import twins
from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket import frame_reader
from vaultrelay.websocket.frame_reader import FrameReader

TWINS = twins("take_messages", frame_reader)
MOST = 66_000
MANY_READS = 512
"""Each time a stream has had so many reads, they become twice as large: half a megabyte in single
bytes took a minute. Hypothesis draws it, since it uses the constants of all imported modules."""


class Twin:
    """A reader that uses one twin of `take_messages`."""

    def __init__(self, take_messages: Any, maximum: int) -> None:
        self._take_messages = take_messages
        self.ledger = Ledger(1 << 40)
        self.reader = FrameReader(self.ledger)
        self.reader.message_bytes = maximum

    def call(self, method: str, *arguments: object) -> object:
        with patch.object(frame_reader, "take_messages", self._take_messages):
            return getattr(self.reader, method)(*arguments)

    def state(self) -> tuple[object, ...]:
        """All that is visible."""
        reader, partial = self.reader, self.reader.partial
        return (
            reader.rest,
            reader.rest_bytes,
            reader.is_foreign,
            reader.held_bytes,
            reader.bytes_allowed,
            reader.partial_bytes,
            partial and (partial.received_bytes, partial.missing_bytes, partial.held_bytes),
            (self.ledger.held, self.ledger.peak),
        )


class Pair:
    """Both readers; every call is made on both."""

    def __init__(self, maximum: int) -> None:
        self._twins = [Twin(each, maximum) for each in TWINS]
        self.reader = self._twins[0].reader

    def call(self, method: str, *arguments: object) -> Any:
        results = [twin.call(method, *arguments) for twin in self._twins]
        assert all(result == results[0] for result in results)
        states = [twin.state() for twin in self._twins]
        assert all(state == states[0] for state in states)
        return results[0]

    def read(self, piece: bytes) -> None:
        """Read as a MessageReceiver does."""
        if self.reader.is_foreign:
            self.call("append", piece)
        else:
            self.call("feed", piece)
        while self.reader.rest is not None:
            if self.call("next_text", 150) is None:
                self.call("next_foreign")
            self.call("next_messages")


SIZES = st.sampled_from([0, 1, 7, 8, 9, 125, 126, 127, 4095, 4096, 65535, 65536, MOST, MOST + 1])
HEADS = st.sampled_from(
    [
        "82 fe 007d 00000000",
        "82 fe 007e 01020304",
        "82 ff 000000000000ffff 00000000",
        "82 ff 0000000000010000 01020304",
        "82 ff 7fffffffffffffff 00000000",
        "82 ff 8000000000000000 00000000",
        "82 ff 8000000000000001 00000000",
        "82 ff ffffffffffffffff 00000000",
        "c2 80 00000000",
        "02 80 00000000",
        "80 80 00000000",
        "82 05",
    ]
).map(bytes.fromhex)
FRAMES = st.one_of(
    st.builds(client_frame, st.just(BINARY), SIZES.map(bytes)),
    st.builds(client_frame, st.just(BINARY), st.binary(max_size=300)),
    st.builds(client_frame, st.just(TEXT), st.binary(max_size=9)),
    st.builds(
        client_frame,
        st.integers(0, 15),
        st.binary(max_size=130),
        fin=st.booleans(),
        rsv=st.sampled_from([0, 0, 4]),
        masked=st.sampled_from([True, True, False]),
    ),
    HEADS,
    st.binary(max_size=20),
)
CUTS = st.lists(
    st.integers(1, 15) | st.integers(1, 400) | st.integers(1, 200_000), min_size=1, max_size=8
)


@pytest.mark.skipif(len(TWINS) == 1, reason="there is no compiled twin")
@given(
    st.lists(FRAMES, max_size=8), CUTS, st.sampled_from([-1, 0, 130, MOST, sys.maxsize]), st.data()
)
@settings(max_examples=400, deadline=None)
def test_both_twins_read_any_stream_alike(
    frames: list[bytes], cuts: list[int], maximum: int, data: st.DataObject
) -> None:
    stream, pair, position, turn = b"".join(frames), Pair(maximum), 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)] << turn // MANY_READS
        pair.read(stream[position : position + size])
        position, turn = position + size, turn + 1
    if data.draw(st.booleans(), "drop"):
        pair.call("drop")
        pair.read(client_frame(BINARY, b"after"))


@pytest.mark.parametrize("take_messages", TWINS, ids=("pure", "native")[: len(TWINS)])
class TestOneTwin:
    def test_nothing_is_read_behind_the_end(self, take_messages: Any) -> None:
        whole = client_frame(BINARY, bytes(130)) + client_frame(BINARY, b"x" * 5)
        for length in range(len(whole)):
            messages: list[bytes] = []
            # The frame goes on in memory behind these bytes, as in a buffer that is used again.
            end = take_messages(bytes(memoryview(whole)[:length]), 0, MOST, messages)
            assert (end, messages) == ((0, []) if length < 138 else (138, [bytes(130)]))

    def test_a_position_behind_the_end_is_returned(self, take_messages: Any) -> None:
        messages: list[bytes] = []
        assert take_messages(b"", 0, MOST, messages) == 0
        assert take_messages(client_frame(BINARY, b""), 100, MOST, messages) == 100
        assert messages == []

    def test_the_stream_may_be_of_a_subclass_of_bytes(self, take_messages: Any) -> None:
        class Stream(bytes):
            pass

        messages: list[bytes] = []
        frame = client_frame(BINARY, b"message")
        assert take_messages(Stream(frame), 0, MOST, messages) == len(frame)
        assert messages == [b"message"]
        assert type(messages[0]) is bytes

    def test_only_the_list_refers_to_a_message(self, take_messages: Any) -> None:
        messages: list[bytes] = []
        stream = client_frame(BINARY, b"a message") * 2
        before = sys.getrefcount(stream)
        take_messages(stream, 0, MOST, messages)
        assert sys.getrefcount(stream) == before
        # That of the list, and that of the call.
        assert [sys.getrefcount(messages[index]) for index in (0, 1)] == [2, 2]
