"""Preamble: the stages of a connection, one after another, and what follows them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.transport.test_stream import Scene
from tests.transport.turns import HUBS, open_hub
from vaultrelay.transport.preamble import PreambleListener, StageFailed, preamble_listener


class Taking:
    """A stage that takes so many bytes."""

    def __init__(self, name: str, size: int, log: list[tuple[str, bytes]]) -> None:
        self.name = name
        self.size = size
        self.log = log

    def feed(self, stream: Any, data: bytes) -> bytes | None:
        self.log.append((self.name, data))
        taken, rest = data[: self.size], data[self.size :]
        self.size -= len(taken)
        return None if self.size else rest

    def lost(self, stream: Any, is_orderly: bool) -> None:
        assert is_orderly
        self.log.append((self.name, b"lost"))


@pytest.fixture
def log() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def scene(log: list[tuple[str, bytes]]) -> Iterator[Scene]:
    hub = open_hub(HUBS[0])
    scene = Scene(hub, stages=[Taking("first", 3, log), Taking("second", 2, log)])
    yield scene
    scene.close()
    hub.stopService()


def send(scene: Scene, *pieces: bytes) -> None:
    for piece in pieces:
        scene.peer.send(piece)
        scene.turn()


def test_stages_take_their_bytes_in_order_and_the_protocol_the_rest(
    scene: Scene, log: list[tuple[str, bytes]]
) -> None:
    send(scene, b"aaabbrest", b"more")
    assert scene.protocol.received == [b"rest", b"more"]
    assert log == [("first", b"aaabbrest"), ("second", b"bbrest")]


def test_a_stage_waits_for_bytes_of_its_own(scene: Scene, log: list[tuple[str, bytes]]) -> None:
    """It gets none before: it could take that for an end."""
    send(scene, b"aa", b"a", b"b", b"b")
    assert scene.protocol.received == []
    assert log == [("first", b"aa"), ("first", b"a"), ("second", b"b"), ("second", b"b")]
    send(scene, b"more")
    assert scene.protocol.received == [b"more"]


@pytest.mark.parametrize(
    ("pieces", "lost"), [([], ["first"]), ([b"aa"], ["first"]), ([b"aaa"], ["second"])]
)
def test_the_current_stage_gets_the_loss_of_the_connection(
    scene: Scene, log: list[tuple[str, bytes]], pieces: list[bytes], lost: list[str]
) -> None:
    send(scene, *pieces)
    scene.peer.close()
    scene.turn()
    assert [name for name, data in log if data == b"lost"] == lost


def test_stages_that_are_done_get_no_loss(scene: Scene, log: list[tuple[str, bytes]]) -> None:
    send(scene, b"aaabb")
    scene.peer.close()
    scene.turn()
    assert (b"lost" in [data for _, data in log]) is False
    assert scene.protocol.lost


def test_a_stage_that_failed_has_an_answer_or_none() -> None:
    assert StageFailed().answer == b""
    assert StageFailed(b"no").answer == b"no"


def test_a_protocol_that_does_not_listen_gets_no_events() -> None:
    """As twisted.web's would."""
    own = PreambleListener()
    assert preamble_listener(own) is own
    ignoring = preamble_listener(object())
    assert ignoring is not own
    assert ignoring.client_known(None)
