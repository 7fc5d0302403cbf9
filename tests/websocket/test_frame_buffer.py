"""FrameBuffer: what is taken at a time, and what stays in memory of a frame taken in part."""

import tracemalloc

import pytest

from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.streams import MIN_READ_BYTES
from vaultrelay.websocket.frame_buffer import FrameBuffer
from vaultrelay.websocket.shared_frame import SharedFrame

KIB = 1024
MIB = 1024 * KIB


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(16 * MIB)


def test_a_frame_of_64_kib_is_taken_whole(ledger: Ledger) -> None:
    buffer = FrameBuffer(ledger)
    frames = [b"header", bytes(64 * KIB)]
    buffer.add(frames, {})
    taken, size = buffer.take(MIN_READ_BYTES)
    assert (taken, size, buffer.size) == (frames, 64 * KIB + len(b"header"), 0)


def test_a_broadcast_is_taken_in_parts(ledger: Ledger) -> None:
    """Since the transport of each receiver gets a copy."""
    frame = bytes(64 * KIB)
    buffer = FrameBuffer(ledger)
    buffer.add([frame], {id(frame): SharedFrame(frame, ledger)})
    _, size = buffer.take(MIN_READ_BYTES)
    assert size == MIN_READ_BYTES
    assert buffer.size == buffer.shared_bytes == 64 * KIB - MIN_READ_BYTES


def test_a_frame_taken_in_parts_is_complete(ledger: Ledger) -> None:
    frame = bytes(range(256)) * (4 * KIB)
    buffer = FrameBuffer(ledger)
    buffer.add([b"header", frame], {})
    whole = b""
    while buffer.size:
        taken, size = buffer.take(MIN_READ_BYTES)
        part = b"".join(taken)
        assert len(part) == size
        whole += part
        ledger.add(-size)
    assert whole == b"header" + frame
    assert ledger.held == 0


def test_the_rest_of_a_frame_takes_at_most_twice_its_size(ledger: Ledger) -> None:
    buffer = FrameBuffer(ledger)
    tracemalloc.start()
    try:
        buffer.add([bytes(MIB)], {})
        while buffer.size:
            ledger.add(-buffer.take(MIN_READ_BYTES)[1])
            assert tracemalloc.get_traced_memory()[0] <= 2 * buffer.size + 16 * KIB
    finally:
        tracemalloc.stop()
