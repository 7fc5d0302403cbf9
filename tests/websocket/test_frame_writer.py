"""The frames of a server, against a reader written from RFC 6455."""

import pytest

from tests.frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, take_server_frame
from tests.twins import each_twin
from vaultrelay.websocket import frame_writer
from vaultrelay.websocket.frame_writer import (
    NORMAL_CLOSE,
    PING_FRAME,
    binary_frames,
    close_frame,
    frame_header,
    pong_frame,
    text_frame,
)

twin = each_twin(frame_writer, "binary_frames", tests=__name__)
SIZES = [0, 1, 125, 126, 127, 65535, 65536, 70_000]


@pytest.mark.parametrize("size", SIZES)
def test_messages_of_every_size_are_made(size: int) -> None:
    message = bytes(index % 251 for index in range(size))
    assert take_server_frame(binary_frames([message])) == (Frame(BINARY, True, message), b"")
    assert take_server_frame(text_frame(message)) == (Frame(TEXT, True, message), b"")
    assert frame_header(size) + message == binary_frames([message])


def test_frames_of_a_run_follow_each_other() -> None:
    messages = [bytes([index]) * size for index, size in enumerate(SIZES)]
    assert binary_frames(messages) == b"".join(binary_frames([each]) for each in messages)
    assert binary_frames([]) == b""


def test_what_is_no_message_is_not_written() -> None:
    with pytest.raises(TypeError):
        binary_frames([b"message", 5])  # type: ignore[list-item]


@pytest.mark.parametrize(("size", "length"), [(125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_a_size_is_written_in_as_few_bytes_as_it_takes(size: int, length: int) -> None:
    assert len(frame_header(size)) == length


def test_control_frames_are_made() -> None:
    assert take_server_frame(PING_FRAME) == (Frame(PING, True, b""), b"")
    assert take_server_frame(pong_frame(b"x" * 125)) == (Frame(PONG, True, b"x" * 125), b"")


@pytest.mark.parametrize(
    ("made", "payload"),
    [
        (close_frame(None), b""),
        (close_frame(NORMAL_CLOSE), b"\x03\xe8"),
        (close_frame(4501, b"x" * 123), b"\x11\x95" + b"x" * 123),
    ],
)
def test_a_close_has_a_code_and_a_reason_or_neither(made: bytes, payload: bytes) -> None:
    assert take_server_frame(made) == (Frame(CLOSE, True, payload), b"")
