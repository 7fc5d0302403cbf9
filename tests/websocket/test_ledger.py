"""What the relay holds is counted exactly, and bounded; whoever holds most is closed."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    client_frame,
    take_server_frame,
)
from tests.memory import Relay, Wire
from vaultrelay.policy.limits.memory import (
    BUSY_SECONDS,
    FRAME_READER_BYTES,
    HIGH_MARK,
    SLOW_SECONDS,
    UNFINISHED_SECONDS,
)
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.websocket.shared_frame import SharedFrame
from vaultrelay.wire.data import EVERYONE, pack_data

MOST = 64 * 1024
PLENTY = 1 << 40
MEMORY = (4007, "memory;retry=60")
SLOW = (4004, "slow;rule=partial_message")


def relay_of(max_buffer: int = PLENTY, **limits: Any) -> Relay:
    unlimited = {"messages_per_second": 0, "bytes_per_second": 0, "message_bytes": MOST}
    return Relay(max_buffer=max_buffer, limits=SessionLimits(**(unlimited | limits)))


def meet(relay: Relay, count: int) -> list[Wire]:
    wires = [relay.join(b"device-%d" % number) for number in range(count)]
    for wire in wires:
        wire.frames()
    return wires


def held(relay: Relay) -> int:
    """Bytes that the budget counts."""
    return relay.service.devices.ledger.held


def fill(relay: Relay, sender: Wire, receiver: Wire, size: int) -> None:
    """Let so much, or a message more, wait for a receiver that takes nothing."""
    receiver.fill_up()
    before = held(relay)
    while held(relay) < before + size and sender.is_read:
        sender.data(bytes(MOST - 16), to=receiver.session)


def shared_frames(connections: Iterable[Any]) -> dict[int, int]:
    """The sizes of the frames of broadcasts that wait, by their identity."""
    sizes: dict[int, int] = {}
    for each in connections:
        buffer = each._queue._buffer
        for chunk in () if buffer is None else (*buffer._chunks, buffer._shared):
            if isinstance(chunk, SharedFrame):
                sizes[id(chunk)] = len(chunk.frame)
    return sizes


# Exact.


class Story:
    """Four devices, of which each can be stuck; nothing but the budget is asked in the end."""

    def __init__(self, max_buffer: int) -> None:
        self.relay = relay_of(max_buffer)
        self.wires = meet(self.relay, 4)

    def holds(self) -> int:
        """Bytes held, counted by looking at each connection, and once at each broadcast."""
        connections = self.relay.service.devices._connections
        own = sum(each.held_bytes - each._queue.shared_bytes for each in connections)
        return own + sum(shared_frames(connections).values())

    def step(self, who: int, what: str, size: int) -> None:
        wire = self.wires[who]
        if not wire.transport.connected or wire.transport.aborted:
            return
        if what == "wait":
            self.relay.advance(size % 7)
        elif what in SAID:
            wire.send(SAID[what](pack_data(EVERYONE, wire.session, 1, bytes(size))))
        else:
            HAPPENS[what](wire, size)


SAID: dict[str, Callable[[bytes], bytes]] = {
    "send": lambda data: client_frame(BINARY, data),
    "send many": lambda data: client_frame(BINARY, data[:100]) * (1 + len(data) // 100),
    "send half": lambda data: client_frame(BINARY, data)[: len(data) // 2],
    "fragment": lambda data: client_frame(BINARY, data, fin=False),
    "last fragment": lambda data: client_frame(CONTINUATION, b"end"),
    "ping": lambda data: client_frame(PING, data[:100]),
    "to nobody": lambda data: client_frame(BINARY, data[:4] + bytes(3) + b"c" + data[8:16]) * 20,
    "close": lambda data: client_frame(CLOSE, b"\x03\xe8"),
}
HAPPENS: dict[str, Callable[[Wire, int], object]] = {
    "stall": lambda wire, size: setattr(wire.transport, "capacity", size),
    "take": lambda wire, size: wire.transport.take(size),
    "empty": lambda wire, size: wire.empty(),
    "lose": lambda wire, size: wire.hang_up(clean=False),
}
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([*SAID, *HAPPENS, "send", "send", "stall", "wait"]),
        st.integers(0, MOST - 16),
    ),
    max_size=40,
)


@given(STEPS, st.sampled_from([PLENTY, 2 * HIGH_MARK]))
@settings(max_examples=150)
def test_what_is_counted_is_what_is_held_and_nothing_in_the_end(
    steps: list[tuple[int, str, int]], max_buffer: int
) -> None:
    story = Story(max_buffer)
    for step in steps:
        story.step(*step)
        assert held(story.relay) == story.holds() >= 0
    for wire in story.wires:
        wire.empty()
    story.relay.advance(1)
    for wire in story.wires:
        if wire.transport.connected:
            wire.hang_up()
    assert held(story.relay) == 0
    assert not story.relay.broker.sessions


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
@settings(max_examples=30)
def test_it_does_not_matter_where_a_stream_is_cut(cuts: list[int]) -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    message = pack_data(second.session, first.session, 1, bytes(300))
    stream = client_frame(BINARY, message) * 3
    stream += client_frame(BINARY, message, fin=False) + client_frame(CONTINUATION, b"x")
    position = turn = 0
    while position < len(stream):
        step = cuts[turn % len(cuts)]
        first.send(stream[position : position + step])
        position, turn = position + step, turn + 1
    assert len(second.frames()) == 4
    assert held(relay) == 0


def test_nothing_is_counted_for_devices_that_read() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    for _ in range(20):
        first.data(bytes(MOST - 16))
    assert held(relay) == 0
    assert len(second.frames()) == 20


@pytest.mark.parametrize(
    ("end", "lent"),
    [
        (client_frame(CLOSE, b"\x03\xe8"), FRAME_READER_BYTES),
        (client_frame(PING, masked=False), FRAME_READER_BYTES),
        (client_frame(TEXT, b"{}"), FRAME_READER_BYTES),
        # Refused by us, not by Autobahn, which is at its end.
        (client_frame(CONTINUATION, bytes(MOST)), 0),
    ],
    ids=["close", "violation", "another message", "too large"],
)
def test_fragments_that_a_close_cut_short_are_not_counted(end: bytes, lent: int) -> None:
    relay = relay_of()
    first, _ = meet(relay, 2)
    first.send(client_frame(BINARY, bytes(1000), fin=False))
    assert held(relay) > FRAME_READER_BYTES + 1000
    first.send(end)
    assert held(relay) == lent
    first.send(client_frame(CONTINUATION, bytes(1000)) + client_frame(BINARY, bytes(9), fin=False))
    assert held(relay) == FRAME_READER_BYTES
    first.hang_up()
    assert held(relay) == 0


def test_small_messages_take_little_more_memory_than_their_bytes() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    second.fill_up()
    frame = client_frame(BINARY, pack_data(second.session, first.session, 1, b""))
    for _ in range(5000):
        first.send(frame)
    waiting = second.protocol._queue._buffer
    assert waiting.size == held(relay) == 5000 * 18
    assert len(waiting._chunks) == 2


# Bounded.


def test_whoever_holds_most_is_closed_and_nobody_else() -> None:
    relay = relay_of(max_buffer=HIGH_MARK * 4)
    one, two, _, little, maximum = meet(relay, 5)
    fill(relay, one, little, HIGH_MARK // 2)
    fill(relay, two, maximum, HIGH_MARK)
    assert relay.broker.joined == 5
    relay.service.devices.ledger.configure(HIGH_MARK * 5 // 4, MOST)
    relay.advance(1)
    maximum.empty()
    assert maximum.closed_with() == MEMORY
    assert relay.broker.joined == 4
    little.empty()
    assert CLOSE not in [frame.opcode for frame in little.frames()]


def test_an_unfinished_message_counts_as_well() -> None:
    maximum = 4 * (MOST + FRAME_READER_BYTES)
    relay = relay_of(max_buffer=maximum)
    dripping, other = meet(relay, 2)
    frame = client_frame(BINARY, bytes(MOST))
    for start in range(0, MOST - 4000, 4000):
        dripping.send(frame[start : start + 4000])
    assert held(relay) >= MOST - 5000
    others = [relay.join(b"device+%d" % number) for number in range(4)]
    for wire in others:
        wire.send(client_frame(BINARY, bytes(MOST), fin=False))
    assert held(relay) <= maximum
    closed = [wire for wire in (dripping, *others) if CLOSE in opcodes(wire)]
    assert len(closed) == 1, "one that holds most"
    assert CLOSE not in opcodes(other)


def opcodes(wire: Wire) -> list[int]:
    return [frame.opcode for frame in wire.frames()]


def test_one_that_does_not_let_go_of_its_memory_is_cut_off() -> None:
    """What a transport has already can only go with the connection."""
    relay = relay_of(max_buffer=2 * MOST, message_bytes=4 * MOST)
    first, second = meet(relay, 2)
    second.transport.capacity = 1000
    first.data(bytes(4 * MOST - 16))
    assert second.transport.aborted
    assert held(relay) == 0
    assert not first.transport.aborted
    second.hang_up()
    assert held(relay) == 0


# Flow control of a whole connection.


def test_a_message_that_alone_fills_the_transport_pauses_its_sender() -> None:
    relay = relay_of(message_bytes=4 * HIGH_MARK)
    first, other, second = meet(relay, 3)
    second.transport.capacity = 1000
    for id in range(20):
        first.data(bytes(4 * HIGH_MARK - 16), to=second.session, id=id)
        assert (first.is_read, other.is_read, second.is_read) == (False, True, False)
        while second.transport.take(PLENTY):
            # Its parts, one after another.
            pass
        assert first.is_read
    assert first.frames() == [], "no NACK, and nothing else"


def test_between_its_marks_a_queue_changes_nothing() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    second.transport.capacity = MOST
    while first.is_read:
        first.data(bytes(MOST // 2 - 16))
    before = first.transport.producerState
    while held(relay) > MOST:
        assert first.transport.producerState == before == "paused"
        second.transport.take(MOST // 2)
    assert first.is_read


@pytest.mark.parametrize("size", [100, MOST // 2, MOST])
def test_a_device_without_progress_is_busy_then_slow_then_gone(size: int) -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    second.transport.capacity = MOST
    while first.is_read:
        first.data(bytes(size - 16))
    relay.advance(BUSY_SECONDS)
    told = first.control()
    assert told == {"type": "busy", "session": second.session}
    assert first.is_read
    relay.advance(SLOW_SECONDS - BUSY_SECONDS)
    told = first.control()
    assert told == {"type": "left", "session": second.session, "reason": "slow"}
    assert held(relay) <= MOST + 100, "only what the transport has, and the close"
    assert not second.transport.aborted
    relay.advance(CLOSE_SECONDS)
    assert second.transport.aborted
    second.hang_up()
    assert held(relay) == 0


def test_the_frame_begun_is_finished_before_the_close() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    second.transport.capacity = MOST // 2
    while first.is_read:
        first.data(bytes(MOST - 16))
    begun = second.transport.take(1000)
    relay.advance(SLOW_SECONDS)
    rest = b""
    while piece := second.transport.take(1000):
        rest += piece
    data, found = begun + rest, []
    while (taken := take_server_frame(data)) is not None:
        frame, data = taken
        found.append(frame)
    assert data == b""
    assert [len(frame.payload) for frame in found[:-1]] == [MOST], "the one begun, no other"
    assert found[-1].opcode == CLOSE


def test_what_waits_is_sent_before_a_close_of_both() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    second.fill_up()
    sent = [first.data(b"x", id=id) for id in range(5)]
    second.protocol.close(4000, "restart")
    second.send(client_frame(CLOSE, b"\x03\xe8"))
    second.empty()
    *messages, close = second.frames()
    assert [frame.payload for frame in messages] == sent
    assert close.opcode == CLOSE


def test_a_device_that_drains_slowly_but_steadily_is_left_alone() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    second.transport.capacity = MOST
    while first.is_read:
        first.data(bytes(MOST - 16))
    for _ in range(60):
        second.transport.take(4096)
        relay.advance(1)
    assert set(opcodes(first)) == {PING}
    assert relay.broker.joined == 2


# Messages that drip.

BEGUN = {
    "a frame": client_frame(BINARY, bytes(MOST))[:1000],
    "a header": client_frame(BINARY, bytes(MOST))[:1],
    "half a header": client_frame(BINARY, bytes(MOST))[:9],
    "a text": client_frame(TEXT, b" " * 100)[:50],
    "a header of a text": client_frame(TEXT, b" " * 100)[:1],
    "a fragment": client_frame(BINARY, bytes(100), fin=False),
    "an empty fragment": client_frame(BINARY, b"", fin=False),
    "half a fragment": client_frame(BINARY, bytes(100), fin=False)[:50],
    "a ping": client_frame(PING, bytes(100))[:50],
    "a ping within fragments": client_frame(BINARY, bytes(9), fin=False) + client_frame(PING)[:3],
}


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN.keys())
def test_what_is_begun_must_get_on(begun: bytes) -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    first.data(b"whole")
    first.send(begun)
    relay.advance(UNFINISHED_SECONDS)
    assert relay.broker.joined == 2
    relay.advance(1)
    assert first.closed_with() == SLOW
    # A message in one frame is cut without Autobahn.
    assert held(relay) == (0 if begun[0] == 0x80 | BINARY else FRAME_READER_BYTES)
    first.hang_up()
    assert held(relay) == 0
    assert [frame.opcode for frame in second.frames()] == [BINARY, TEXT]


def test_pings_between_fragments_are_no_progress() -> None:
    relay = relay_of()
    first, _ = meet(relay, 2)
    first.send(client_frame(BINARY, b"x", fin=False))
    for _ in range(UNFINISHED_SECONDS + 1):
        first.send(client_frame(PING) + client_frame(CONTINUATION, b"y", fin=False))
        relay.advance(1)
    assert first.closed_with() == SLOW


def test_a_device_that_always_is_in_some_message_is_left_alone() -> None:
    relay = relay_of()
    first, second = meet(relay, 2)
    frame = client_frame(BINARY, pack_data(second.session, first.session, 1, bytes(2000)))
    stream = frame * 40
    for start in range(0, len(stream), 500):
        first.send(stream[start : start + 500])
        second.send(client_frame(PONG))
        relay.advance(1)
    assert opcodes(second).count(BINARY) == 40
    assert relay.broker.joined == 2


def test_the_rest_of_a_message_that_nobody_wants_any_more_is_skipped() -> None:
    """What comes after it may be the answer to our close."""
    relay = relay_of()
    first, second = meet(relay, 2)
    frame = client_frame(BINARY, bytes(MOST))
    first.send(frame[:1000])
    assert held(relay) == 1000 - 14
    relay.advance(UNFINISHED_SECONDS + 1)
    assert held(relay) == 0
    for start in range(1000, MOST, 5000):
        first.send(frame[start : start + 5000])
        assert held(relay) == 0
    assert not first.transport.disconnecting
    first.send(client_frame(CLOSE, b"\x0f\xa4"))
    assert first.transport.disconnecting
    assert opcodes(second) == [TEXT]
