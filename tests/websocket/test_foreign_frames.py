"""Autobahn's reading of frames: what it reports, and that an instance is given back clean."""

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, mask
from tests.websocket.parts import MOST, RecordingListener, make_factory
from vaultrelay.policy.limits.floods import FRAGMENTS_PER_MESSAGE
from vaultrelay.policy.limits.memory import FRAME_READER_BYTES
from vaultrelay.websocket import foreign_frames
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.websocket.foreign_frames import ForeignFrames
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.control import CONTROL_BYTES

PROTOCOL_ERROR, BAD_TEXT = 1002, 1007
EURO = "€".encode()


def frame(opcode: int, payload: bytes = b"", fin: bool = True, size: int | None = None) -> bytes:
    """A frame as FrameReader leaves it: with a key, and unmasked all the same."""
    size = len(payload) if size is None else size
    first = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head = first + bytes([0x80 | size])
    elif size < 1 << 16:
        head = first + b"\xfe" + size.to_bytes(2, "big")
    else:
        head = first + b"\xff" + size.to_bytes(8, "big")
    return head + b"key." + payload


@pytest.fixture
def factory() -> DeviceFactory:
    return make_factory()


@pytest.fixture
def listener() -> RecordingListener:
    return RecordingListener()


@pytest.fixture
def frames(factory: DeviceFactory, listener: RecordingListener) -> ForeignFrames:
    return factory.borrow_frames(listener)


def held(frames: ForeignFrames) -> int:
    """Bytes counted besides the instance, and bytes that Autobahn keeps without counting."""
    kept: list[Any] = [frames.data]
    for name in ("control_frame_data", "frame_data", "message_data"):
        kept += getattr(frames, name, None) or []
    counted = frames.factory.ledger.held - FRAME_READER_BYTES
    return int(counted + sum(map(len, kept)))


WHOLE = {
    "binary": (frame(BINARY, b"\xff\0"), [("begun", True), (b"\xff\0", True)]),
    "text": (frame(TEXT, EURO), [("begun", False), (EURO, False)]),
    "empty": (frame(TEXT), [("begun", False), (b"", False)]),
    "ping": (frame(PING, b"payload"), [("ping", b"payload")]),
    "pong": (frame(PONG, b"payload"), []),
    "close": (frame(CLOSE), ["close"]),
    "close with a code": (frame(CLOSE, b"\x03\xe8" + EURO), ["close"]),
}


@pytest.mark.parametrize(("data", "heard"), WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_frame_is_reported_and_leaves_nothing(
    frames: ForeignFrames, listener: RecordingListener, data: bytes, heard: list[Any]
) -> None:
    for _ in range(2):
        frames.dataReceived(data)
    assert listener.heard == ["frame", *heard] * 2
    assert frames.is_reusable
    assert held(frames) == 0


@pytest.mark.parametrize(("data", "heard"), WHOLE.values(), ids=WHOLE.keys())
def test_a_frame_in_single_bytes_is_reported_once(
    frames: ForeignFrames, listener: RecordingListener, data: bytes, heard: list[Any]
) -> None:
    for index in range(len(data)):
        frames.dataReceived(data[index : index + 1])
        assert frames.is_reusable == (index == len(data) - 1)
    assert listener.heard == ["frame", *heard]
    assert held(frames) == 0


def test_a_message_in_fragments_is_joined_with_a_ping_between(
    frames: ForeignFrames, listener: RecordingListener, factory: DeviceFactory
) -> None:
    frames.dataReceived(frame(BINARY, b"one", fin=False))
    assert frames.message is not None
    assert (frames.message.size, factory.ledger.held) == (3, frames.held_bytes)
    assert held(frames) == frames.message.held_bytes > 3
    frames.dataReceived(frame(PING, b"p"))
    frames.dataReceived(frame(CONTINUATION, b"two"))
    messages = [each for each in listener.heard if each != "frame"]
    assert messages == [("begun", True), ("ping", b"p"), (b"onetwo", True)]
    assert frames.is_reusable
    assert held(frames) == 0


VIOLATIONS = {
    "not masked": (b"\x89\x00", PROTOCOL_ERROR),
    "reserved bit": (b"\xc9\x80key.", PROTOCOL_ERROR),
    "reserved opcode": (frame(3), PROTOCOL_ERROR),
    "continuation of nothing": (frame(CONTINUATION), PROTOCOL_ERROR),
    "ping in fragments": (frame(PING, fin=False), PROTOCOL_ERROR),
    "long ping": (frame(PING, size=126), PROTOCOL_ERROR),
    "size in too many bytes": (b"\x81\xfe\0\x05key.", PROTOCOL_ERROR),
    "close of one byte": (frame(CLOSE, b"x"), PROTOCOL_ERROR),
    "close with a forbidden code": (frame(CLOSE, b"\x03\xed"), PROTOCOL_ERROR),
    "close with a reason that is no text": (frame(CLOSE, b"\x03\xe8\xff"), BAD_TEXT),
    "no UTF-8": (frame(TEXT, b"ab\xff"), BAD_TEXT),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), BAD_TEXT),
    "half a character": (frame(TEXT, EURO[:2]), BAD_TEXT),
}


@pytest.mark.parametrize(("data", "code"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_a_violation_is_reported_and_ends_its_use(
    frames: ForeignFrames, listener: RecordingListener, data: bytes, code: int
) -> None:
    frames.dataReceived(data)
    codes = [each for each in listener.heard if isinstance(each, int)]
    assert codes[0] == code
    assert not frames.is_reusable


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_nothing_is_kept_of_a_control_frame_that_is_too_long(
    frames: ForeignFrames, opcode: int
) -> None:
    frames.dataReceived(frame(opcode, b"", size=1 << 40))
    for _ in range(3):
        frames.dataReceived(bytes(65536))
    assert held(frames) == 0


@pytest.mark.parametrize("opcode", [BINARY, TEXT])
def test_while_it_closes_nothing_is_kept_or_reported(
    frames: ForeignFrames, listener: RecordingListener, opcode: int
) -> None:
    listener.is_closing = True
    frames.dataReceived(frame(opcode, b"\xff" * 100, fin=False))
    frames.dataReceived(frame(CONTINUATION, bytes(50_000), size=100_000))
    assert held(frames) == 0
    frames.dataReceived(bytes(50_000))
    assert listener.heard == ["frame", ("begun", opcode == BINARY), "frame"]
    assert frames.is_reusable
    assert held(frames) == 0


def test_a_text_that_a_close_cut_within_a_character_is_no_violation(
    frames: ForeignFrames, listener: RecordingListener
) -> None:
    frames.dataReceived(frame(TEXT, EURO[:1], fin=False))
    listener.is_closing = True
    frames.drop_message()
    frames.dataReceived(frame(CONTINUATION, EURO[1:]))
    assert BAD_TEXT not in listener.heard
    frames.drop_message()
    assert held(frames) == 0


REFUSED = {
    "text too large": ([frame(TEXT, size=CONTROL_BYTES + 1)], Rule.CONTROL_SIZE),
    "text of a claimed huge size": ([frame(TEXT, size=1 << 62)], Rule.CONTROL_SIZE),
    "binary too large": ([frame(BINARY, size=MOST + 1)], None),
    "fragments too large": (
        [frame(BINARY, bytes(MOST), fin=False), frame(CONTINUATION, size=1)],
        None,
    ),
    "fragments": (
        [
            frame(BINARY, fin=False),
            *[frame(CONTINUATION, fin=False)] * FRAGMENTS_PER_MESSAGE,
        ],
        Rule.FRAGMENTS,
    ),
}


@pytest.mark.parametrize(("data", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_a_message_is_refused_by_a_header(
    frames: ForeignFrames, listener: RecordingListener, data: list[bytes], rule: Rule | None
) -> None:
    for piece in data:
        assert ("refused", rule) not in listener.heard
        frames.dataReceived(piece)
    assert ("refused", rule) in listener.heard


@pytest.mark.parametrize("size", [MOST, MOST + 1, CONTROL_BYTES])
def test_a_text_may_be_larger_than_data(
    frames: ForeignFrames, listener: RecordingListener, size: int
) -> None:
    frames.dataReceived(frame(TEXT, b"x" * size))
    assert listener.heard == ["frame", ("begun", False), (b"x" * size, False)]


def test_an_instance_is_lent_to_one_listener_and_given_back_clean(factory: DeviceFactory) -> None:
    first, second, third = (RecordingListener() for _ in range(3))
    frames = factory.borrow_frames(first)
    other = factory.borrow_frames(second)
    assert frames is not other
    frames.dataReceived(frame(TEXT, EURO) + frame(CLOSE, b"\x03\xe8bye"))
    heard = list(first.heard)
    assert factory.ledger.held == 2 * FRAME_READER_BYTES
    factory.return_frames(frames)
    assert factory.ledger.held == FRAME_READER_BYTES
    assert not hasattr(frames, "listener")
    assert factory.borrow_frames(third) is frames
    frames.dataReceived(frame(TEXT, b"{}"))
    assert third.heard == ["frame", ("begun", False), (b"{}", False)]
    assert (first.heard, second.heard) == (heard, [])


def test_the_texts_of_two_devices_do_not_mix(factory: DeviceFactory) -> None:
    listeners = RecordingListener(), RecordingListener()
    first, second = map(factory.borrow_frames, listeners)
    first.dataReceived(frame(TEXT, EURO[:1], fin=False))
    second.dataReceived(frame(TEXT, EURO[:2], fin=False))
    first.dataReceived(frame(CONTINUATION, EURO[1:]))
    second.dataReceived(frame(CONTINUATION, EURO[2:]))
    assert [each.heard[-1] for each in listeners] == [(EURO, False)] * 2


@given(
    st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=4),
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
)
def test_a_text_is_refused_exactly_where_it_is_no_utf8(parts: list[bytes], cuts: list[int]) -> None:
    factory, listener = make_factory(), RecordingListener()
    frames = factory.borrow_frames(listener)
    stream = b"".join(
        frame(CONTINUATION if index else TEXT, part, fin=index == len(parts) - 1)
        for index, part in enumerate(parts)
    )
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        frames.dataReceived(stream[position : position + size])
        position, turn = position + size, turn + 1
    text = b"".join(parts)
    try:
        text.decode()
    except UnicodeDecodeError:
        assert BAD_TEXT in listener.heard
    else:
        assert listener.heard[-1] == (text, False)
        assert BAD_TEXT not in listener.heard


def test_it_does_not_unmask(frames: ForeignFrames, listener: RecordingListener) -> None:
    masked = mask(b"payload", b"key.")
    frames.dataReceived(frame(PING, masked))
    assert listener.heard[-1] == ("ping", masked)


def test_an_instance_leaves_no_timer_and_no_log_line(
    factory: DeviceFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    frames = factory.borrow_frames(RecordingListener())
    frames.dataReceived(frame(TEXT, b"\xff"))
    clock: Any = factory.reactor
    assert clock.getDelayedCalls() == []
    assert caplog.text == ""


def test_an_upgrade_that_autobahn_refuses_is_an_error(
    factory: DeviceFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_frames, "_UPGRADE", b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(RuntimeError, match="refused an upgrade"):
        factory.borrow_frames(RecordingListener())
