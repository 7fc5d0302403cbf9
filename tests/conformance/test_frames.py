"""The frames of the scripted relay: what it reads of a client, and what it writes."""

import pytest

from tests.frames import BINARY, client_frame
from vaultrelay.conformance.frames import TEXT, BadFrame, FrameReader, fragments, frame
from vaultrelay.conformance.limits import MAX_FRAME_BYTES


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 100_000])
def test_a_frame_is_read_in_any_pieces(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    data = client_frame(BINARY, payload[:size])
    for piece in (len(data), 1 if size < 1000 else 4096):
        reader = FrameReader()
        parts = [data[start : start + piece] for start in range(0, len(data), piece)]
        found = [each for part in parts for each in reader.feed(part)]
        assert found == [(True, BINARY, payload[:size])]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (frame(TEXT, b"hello"), "without a mask"),
        (b"\xc1\x80", "reserved bit"),
        (b"\x82\xff" + (MAX_FRAME_BYTES + 1).to_bytes(8, "big"), "a frame of"),
    ],
)
def test_a_bad_frame_is_named(data: bytes, fault: str) -> None:
    with pytest.raises(BadFrame, match=fault):
        list(FrameReader().feed(data))


def test_a_message_of_few_bytes_has_many_fragments() -> None:
    data = fragments(BINARY, b"abc", 5)
    first, *middle = (b"\x02\x00", b"\x00\x01a", b"\x00\x00", b"\x00\x01b", b"\x80\x01c")
    assert data == b"".join((first, *middle))
