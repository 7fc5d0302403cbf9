"""The fast path does what Autobahn does: same deliveries, same answers, same closes."""

from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, client_frame
from tests.memory import Relay, Wire
from tests.websocket.foreign_reader import autobahn_alone
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.data import EVERYONE, pack_data

MOST = 2000
A, B = 1, 2
"""The numbers of the two sessions."""

MESSAGES = st.one_of(
    st.builds(
        pack_data,
        st.sampled_from([B, B, EVERYONE, 99]),
        st.just(A),
        st.integers(0, 9),
        st.binary(max_size=200),
    ),
    st.builds(pack_data, st.just(B), st.just(A), st.just(1), st.just(bytes(MOST - 16))),
)
BAD_MESSAGES = st.one_of(
    st.binary(max_size=20),
    st.builds(pack_data, st.just(A), st.just(A), st.just(1), st.just(b"to itself")),
    st.just(pack_data(B, A, 1, bytes(MOST))),
)
WHOLE = st.builds(client_frame, st.just(BINARY), MESSAGES)
FRAGMENTS = st.builds(
    lambda message, cut, between: b"".join(
        [
            client_frame(BINARY, message[:cut], fin=False),
            *between,
            client_frame(CONTINUATION, message[cut:]),
        ]
    ),
    MESSAGES,
    st.integers(0, 30),
    st.lists(st.just(client_frame(PING, b"between")), max_size=1),
)
CONTROLS = st.sampled_from(
    [
        client_frame(PING, b"ping"),
        client_frame(PONG),
        client_frame(TEXT, b'{"type":"keepalive","ping_seconds":60}'),
        client_frame(
            TEXT, b'{"type":"keepalive","ping_seconds":60,"more":"%b"}' % bytes(b"x" * 99)
        ),
        client_frame(TEXT, '{"type":"keepalive","ping_seconds":60,"more":"é"}'.encode()),
    ]
)
VIOLATIONS = st.one_of(
    st.builds(client_frame, st.just(BINARY), BAD_MESSAGES),
    st.sampled_from(
        [
            client_frame(BINARY, b"x", masked=False),
            client_frame(BINARY, b"x", rsv=1),
            client_frame(CONTINUATION, b"x"),
            client_frame(0x5, b"x"),
            client_frame(TEXT, b"{}"),
            client_frame(TEXT, b""),
            client_frame(TEXT, b"\xff"),
            client_frame(TEXT, b"{}", masked=False),
            client_frame(TEXT, b"{}", rsv=4),
            client_frame(TEXT, b"x" * 4096),
            client_frame(TEXT, b"x" * 4097),
            bytes.fromhex("81fe0002000000007b7d"),
            bytes.fromhex("81ff0000000000000002000000007b7d"),
            client_frame(CLOSE, (1000).to_bytes(2, "big")),
            client_frame(CLOSE, b"x"),
            bytes.fromhex("82fe007d00000000"),
            bytes.fromhex("82ff000000000000ffff00000000"),
            bytes.fromhex("82ffffffffffffffffff00000000"),
        ]
    ),
)
STREAMS = st.lists(st.one_of(WHOLE, WHOLE, FRAGMENTS, CONTROLS, VIOLATIONS), max_size=12)


def play(pieces: list[bytes], fast: bool) -> Any:
    """What both devices get, and what is left of the first, when a stream comes in pieces."""
    with nullcontext() if fast else autobahn_alone():
        relay = Relay(limits=SessionLimits(message_bytes=MOST))
        first, second = relay.join(b"device-a"), relay.join(b"device-b")
        first.frames()
        for piece in pieces:
            if not first.transport.disconnecting:
                first.send(piece)
        gone = first.transport.disconnecting
        return relay.broker.joined, gone, _settled(first), _settled(second)


def _settled(wire: Wire) -> list[Frame]:
    return wire.frames()


@given(STREAMS, st.lists(st.integers(1, 400), min_size=1, max_size=8))
@settings(deadline=None, max_examples=80)
def test_both_paths_come_to_the_same(frames: list[bytes], cuts: list[int]) -> None:
    pieces = cut(b"".join(frames), cuts)
    assert play(pieces, fast=True) == play(pieces, fast=False)


@given(STREAMS)
@example([client_frame(TEXT, b"x" * (MOST + 1))])
@settings(deadline=None, max_examples=80)
def test_both_paths_come_to_the_same_when_each_frame_is_a_read(frames: list[bytes]) -> None:
    assert play(frames, fast=True) == play(frames, fast=False)


def cut(stream: bytes, lengths: list[int]) -> list[bytes]:
    """A stream in pieces of these lengths, again and again."""
    pieces: list[bytes] = []
    while stream:
        length = lengths[len(pieces) % len(lengths)]
        pieces.append(stream[:length])
        stream = stream[length:]
    return pieces


def test_what_one_read_brings_for_one_receiver_goes_out_in_one_write() -> None:
    relay = Relay()
    first, second, third = (relay.join(bytes([65 + n]) * 8) for n in range(3))
    writes: list[bytes] = []
    with patch.object(second.transport, "write", writes.append):
        to_second = [pack_data(second.session, first.session, id, b"x") for id in range(5)]
        to_third = pack_data(third.session, first.session, 9, b"y")
        frames = [client_frame(BINARY, message) for message in (*to_second, to_third)]
        first.send(b"".join(frames))
    assert len(writes) == 1
    assert writes[0].count(b"x") == 5
    assert [frame.payload for frame in third.frames()] == [to_third]


def test_an_answer_of_autobahn_keeps_its_place_between_messages() -> None:
    relay = Relay()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    nobody = client_frame(BINARY, pack_data(99, first.session, 1, b""))
    first.send(nobody + client_frame(PING, b"p") + nobody)
    assert [frame.opcode for frame in first.frames()] == [BINARY, PONG, BINARY]
    assert second.frames() == []


def test_large_and_small_messages_of_one_read_keep_their_order() -> None:
    relay = Relay()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    sent = [
        pack_data(second.session, first.session, id, bytes(size))
        for id, size in enumerate([1, 40_000, 1, 40_000])
    ]
    first.send(b"".join(client_frame(BINARY, message) for message in sent))
    assert [frame.payload for frame in second.frames()] == sent
