"""Properties of FrameBuffer: order and bytes of what waits, and what the ledger counts of it."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.policy.ledger import Ledger
from vaultrelay.websocket.frame_buffer import _WHOLE_BYTES, FrameBuffer
from vaultrelay.websocket.shared_frame import SharedFrame

BUFFERS = 3
SIZES = st.one_of(st.integers(1, 300), st.integers(4000, 5000), st.integers(30_000, 70_000))
STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, BUFFERS - 1), st.lists(SIZES, min_size=1, max_size=4)),
    st.tuples(st.just("broadcast"), st.just(0), st.lists(SIZES, min_size=1, max_size=3)),
    st.tuples(st.just("take"), st.integers(0, BUFFERS - 1), SIZES),
    st.tuples(st.sampled_from(["drop", "clear"]), st.integers(0, BUFFERS - 1), st.none()),
)


class Buffers:
    """Some buffers with one ledger, and the bytes that should be in each."""

    def __init__(self) -> None:
        self.ledger = Ledger(1 << 40)
        self.buffers = [FrameBuffer(self.ledger) for _ in range(BUFFERS)]
        self.expected = [b""] * BUFFERS
        self._frames = 0

    def frame(self, size: int) -> bytes:
        self._frames += 1
        return (b"%08d" % self._frames * (size // 8 + 1))[:size]

    def add(self, number: int, sizes: list[int]) -> None:
        frames = [self.frame(size) for size in sizes]
        assert self.buffers[number].add(list(frames), {}) == sum(sizes)
        self.expected[number] += b"".join(frames)

    def broadcast(self, _: int, sizes: list[int]) -> None:
        """Every second frame is for all; those between are private."""
        frames = [self.frame(size) for size in sizes]
        shared = {id(frame): SharedFrame(frame, self.ledger) for frame in frames[::2]}
        for number, buffer in enumerate(self.buffers):
            buffer.add(list(frames), shared)
            self.expected[number] += b"".join(frames)

    def take(self, number: int, maximum: int) -> None:
        buffer = self.buffers[number]
        if not buffer.size:
            return
        pieces, size = buffer.take(maximum)
        taken = b"".join(pieces)
        assert 0 < len(taken) == size <= max(maximum, _WHOLE_BYTES)
        assert self.expected[number].startswith(taken)
        self.expected[number] = self.expected[number][size:]
        # The transport has passed them on.
        self.ledger.add(-size)

    def drop(self, number: int, _: None) -> None:
        buffer = self.buffers[number]
        buffer.drop()
        self.expected[number] = self.expected[number][: buffer.size]
        assert self.expected[number] == b"" or buffer._started

    def clear(self, number: int, _: None) -> None:
        self.buffers[number].clear()
        self.expected[number] = b""

    def assert_counted(self) -> None:
        """What is private counts for each buffer, and each frame of a broadcast once."""
        private, frames = 0, Counter[SharedFrame]()
        for buffer, expected in zip(self.buffers, self.expected, strict=True):
            assert buffer.size == len(expected)
            assert 0 <= buffer.shared_bytes <= buffer.size
            private += buffer.size - buffer.shared_bytes
            frames.update(each for each in buffer._chunks if isinstance(each, SharedFrame))
            if buffer._shared is not None:
                frames[buffer._shared] += 1
        assert self.ledger.held == private + sum(len(each.frame) for each in frames)


@given(st.lists(STEPS, max_size=30))
@settings(max_examples=60, deadline=None)
def test_it_keeps_order_and_bytes_and_counts_each_once(
    steps: list[tuple[str, int, object]],
) -> None:
    buffers = Buffers()
    for step, number, argument in steps:
        getattr(buffers, step)(number, argument)
        buffers.assert_counted()
    for number in range(BUFFERS):
        while buffers.buffers[number].size:
            buffers.take(number, 50_000)
    assert buffers.expected == [b""] * BUFFERS
    assert buffers.ledger.held == 0


@given(st.lists(STEPS, max_size=30))
@settings(max_examples=30, deadline=None)
def test_nothing_is_counted_after_clear(steps: list[tuple[str, int, object]]) -> None:
    buffers = Buffers()
    for step, number, argument in steps:
        getattr(buffers, step)(number, argument)
    for number in range(BUFFERS):
        buffers.clear(number, None)
    assert buffers.ledger.held == 0
