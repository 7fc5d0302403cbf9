"""A preamble: each stage takes its bytes and no more, and is told when the connection goes."""

from typing import Any

import pytest
from twisted.internet.protocol import Protocol

from vaultrelay.transport.preamble import (
    OpeningStream,
    Preamble,
    PreambleListener,
    StageFailed,
    listener,
)


class Taking:
    """A stage that takes so many bytes."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.taken: list[bytes] = []
        self.streams: set[object] = set()
        self.losses = 0

    def feed(self, stream: OpeningStream, data: bytes) -> bytes | None:
        assert data, "there is nothing to feed"
        self.streams.add(stream)
        taken, rest = data[: self.left], data[self.left :]
        self.taken.append(taken)
        self.left -= len(taken)
        return None if self.left else rest

    def lost(self, stream: OpeningStream) -> None:
        self.streams.add(stream)
        self.losses += 1


class Failing(Taking):
    """A stage that fails when it has its bytes."""

    def feed(self, stream: OpeningStream, data: bytes) -> bytes | None:
        if super().feed(stream, data) is None:
            return None
        raise StageFailed(b"answer")


STREAM: Any = object()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_stages_take_their_bytes_in_order_however_they_are_cut(size: int) -> None:
    stages = [Taking(3), Taking(4)]
    preamble = Preamble([*stages])
    text = b"abcdefgHTTP"
    rest = b""
    for start in range(0, len(text), size):
        assert preamble.is_over == (start >= 7)
        rest += preamble.feed(STREAM, text[start : start + size])
    assert [b"".join(stage.taken) for stage in stages] == [b"abc", b"defg"]
    assert rest == b"HTTP"
    assert preamble.is_over
    assert stages[0].streams == stages[1].streams == {STREAM}


def test_a_stage_is_not_begun_before_its_first_byte() -> None:
    """A client that leaves then has not begun it, either."""
    stages = [Taking(3), Taking(4)]
    preamble = Preamble([*stages])
    assert preamble.feed(STREAM, b"abc") == b""
    assert not preamble.is_over
    assert stages[1].taken == []


@pytest.mark.parametrize(("said", "losses"), [(b"", [1, 0]), (b"ab", [1, 0]), (b"abc", [0, 1])])
def test_the_stage_at_work_is_told_when_the_connection_goes(said: bytes, losses: list[int]) -> None:
    stages = [Taking(3), Taking(4)]
    preamble = Preamble([*stages])
    preamble.feed(STREAM, said)
    preamble.lost(STREAM)
    assert [stage.losses for stage in stages] == losses


def test_none_is_told_when_all_are_done() -> None:
    stage = Taking(3)
    preamble = Preamble([stage])
    preamble.feed(STREAM, b"abc")
    preamble.lost(STREAM)
    assert stage.losses == 0


def test_a_stage_that_fails_keeps_the_next_from_its_bytes() -> None:
    stages = [Failing(3), Taking(4)]
    preamble = Preamble([*stages])
    with pytest.raises(StageFailed) as raised:
        preamble.feed(STREAM, b"abcdefg")
    assert raised.value.answer == b"answer"
    assert stages[1].taken == []


def test_a_protocol_that_takes_part_is_told() -> None:
    door = PreambleListener()
    assert listener(door) is door


def test_for_one_that_does_not_all_passes_but_proxies_that_say_nothing() -> None:
    indifferent: Any = listener(Protocol())
    assert indifferent.handshake_began() is None
    assert indifferent.handshake_failed("tls_left") is None
    assert indifferent.client_known(None) is True
    assert indifferent.proxy_header_missing(None) is False
    assert indifferent.haproxy_connected(b"") is False
