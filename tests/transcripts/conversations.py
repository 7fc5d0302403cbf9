"""Conversations of two devices, and the ways in which one of them leaves."""

import time
from collections.abc import Callable, Iterator

from tests.frames import BINARY, CLOSE, CONTINUATION, PING
from tests.transcripts.stream import Stream
from tests.transcripts.world import Play, World, data, frame, say


def conversations() -> Iterator[tuple[str, Play]]:
    """Those that are held with each way to listen."""
    yield from (
        ("talk", _talk),
        ("nack", _nack),
        ("keepalive and ping", _keepalive),
        ("half-close", _half_close),
        ("reset", _reset),
        ("replaced", _replaced),
        ("fragments with a ping between", _fragments),
        ("large", _large),
        ("a slow reader", _slow),
        ("many in one write", _many),
    )
    for stage in ("before the head", "in the head", "after the upgrade", "in a frame"):
        yield f"half-close {stage}", _leaves(stage, Stream.half_close)
        yield f"reset {stage}", _leaves(stage, Stream.reset)
    message = data(1, 1, b"ciphertext")
    for cut in range(1, len(message)):
        yield f"data frame cut at {cut}", _cut_frame(message, cut)


def _talk(world: World) -> None:
    first, second = world.pair()
    first.send(data(1, 1, b"to all") + data(1, 2, b"to two", to=2))
    second.send(data(2, 9, b"back", to=1))
    world.read(second)
    world.read(first)
    first.send(frame(CLOSE, (1000).to_bytes(2, "big")))
    world.read(first)
    world.read(second)


def _nack(world: World) -> None:
    first, _ = world.pair()
    first.send(data(1, 41, b"to nobody", to=77))
    world.read(first)


def _keepalive(world: World) -> None:
    first, _ = world.pair()
    first.send(say(type="keepalive", ping_seconds=300) + frame(PING, b"ping"))
    world.read(first)


def _half_close(world: World) -> None:
    first, second = world.pair()
    first.send(data(1, 1, b"last words"))
    first.half_close()
    world.read(second)
    world.note_end(first)


def _reset(world: World) -> None:
    first, second = world.pair()
    first.reset()
    world.read(second)


def _replaced(world: World) -> None:
    first, second = world.pair()
    again = world.join(1)
    world.read(first)
    world.read(second)
    again.send(data(3, 1, b"still here", to=2))
    world.read(second)


def _fragments(world: World) -> None:
    first, second = world.pair()
    header = bytes.fromhex("10000000ffffffff0000000100000005")
    first.send(
        frame(BINARY, header, fin=False)
        + frame(PING, b"between")
        + frame(CONTINUATION, b"one ", fin=False)
        + frame(CONTINUATION, b"two")
    )
    world.read(second)
    world.read(first)


def _large(world: World) -> None:
    first, second = world.pair()
    for id in range(3):
        first.send(data(1, id, bytes([id]) * 300_000))
    world.read(second)


def _slow(world: World) -> None:
    first, second = world.pair()
    for id in range(10):
        first.send(data(1, id, bytes([id]) * 60_000))
    time.sleep(0.05)
    first.send(say(type="keepalive", ping_seconds=60))
    world.read(second)
    world.read(first)


def _many(world: World) -> None:
    first, second = world.pair()
    first.send(b"".join(data(1, id, b"m%d" % id) for id in range(200)))
    world.read(second)


def _leaves(stage: str, leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        stream = world.connect()
        if stage == "in the head":
            stream.send(world.vault.head()[:40])
        elif stage != "before the head":
            stream.send(world.vault.head())
            world.read(stream)
        if stage == "in a frame":
            stream.send(say(type="hello")[:9])
        leave(stream)
        if leave is Stream.half_close:
            world.note_end(stream)

    return play


def _cut_frame(message: bytes, cut: int) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        first.send(message, cut)
        world.read(second)

    return play
