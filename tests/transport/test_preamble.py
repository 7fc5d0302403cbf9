"""Preamble: the stages of a connection, one after another, and what follows them."""

from typing import Any

import pytest

from vaultrelay.transport.preamble import Preamble, PreambleListener, StageFailed, preamble_listener

STREAM: Any = object()


class Taking:
    """A stage that takes so many bytes."""

    def __init__(self, name: str, size: int, log: list[tuple[str, bytes]]) -> None:
        self.name = name
        self.size = size
        self.log = log

    def feed(self, stream: object, data: bytes) -> bytes | None:
        assert stream is STREAM
        self.log.append((self.name, data))
        taken, rest = data[: self.size], data[self.size :]
        self.size -= len(taken)
        return None if self.size else rest

    def lost(self, stream: object, is_orderly: bool) -> None:
        assert stream is STREAM
        self.log.append((self.name, b"lost"))


@pytest.fixture
def log() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def preamble(log: list[tuple[str, bytes]]) -> Preamble:
    return Preamble([Taking("first", 3, log), Taking("second", 2, log)])


def test_stages_take_their_bytes_in_order_and_the_rest_is_returned(
    preamble: Preamble, log: list[tuple[str, bytes]]
) -> None:
    assert preamble.feed(STREAM, b"aaabbrest") == b"rest"
    assert log == [("first", b"aaabbrest"), ("second", b"bbrest")]
    assert preamble.is_over
    assert preamble.feed(STREAM, b"more") == b"more"


def test_a_stage_waits_for_bytes_of_its_own(
    preamble: Preamble, log: list[tuple[str, bytes]]
) -> None:
    """Nothing is said to it before: it could take that for an end."""
    for piece in (b"aa", b"a", b"b"):
        assert preamble.feed(STREAM, piece) == b""
        assert not preamble.is_over
    assert preamble.feed(STREAM, b"b") == b""
    assert preamble.is_over
    assert log == [("first", b"aa"), ("first", b"a"), ("second", b"b"), ("second", b"b")]


@pytest.mark.parametrize(
    ("said", "told"), [(b"", ["first"]), (b"aa", ["first"]), (b"aaa", ["second"]), (b"aaabb", [])]
)
def test_the_stage_at_work_learns_that_the_connection_is_lost(
    preamble: Preamble, log: list[tuple[str, bytes]], said: bytes, told: list[str]
) -> None:
    preamble.feed(STREAM, said)
    preamble.lost(STREAM, True)
    assert [name for name, what in log if what == b"lost"] == told


def test_a_stage_that_failed_has_an_answer_or_none() -> None:
    assert StageFailed().answer == b""
    assert StageFailed(b"no").answer == b"no"


def test_a_protocol_that_does_not_listen_is_told_nothing() -> None:
    """As twisted.web's would."""
    own = PreambleListener()
    assert preamble_listener(own) is own
    indifferent = preamble_listener(object())
    assert indifferent is not own
    assert indifferent.client_known(None)
