"""Ends at bad moments, and readers that are slow: what was sent before an end is not lost."""

import time
from collections.abc import Callable, Iterator

from tests.frames import BINARY, CLOSE, take_server_frame
from tests.transcripts.stream import Stream
from tests.transcripts.world import Play, World, data, frame, say

_GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
_LARGE = 300_000
_FLOOD = 24
"""Messages of 512 KiB to a device that reads nothing: more than kernel and relay hold before the
sender has to wait."""
_FLOOD_BYTES = 512 * 1024
_UNSURE = ("vaultrelay_message", "vaultrelay_undelivered", "vaultrelay_nack")
"""Counters of messages that may be in the kernel or in the relay when their receiver goes."""
_ON_THE_WIRE = _FLOOD * (10 + 16 + _FLOOD_BYTES)
"""All of them as they come, each with the heads of its frame and of its message."""
_HELD_SECONDS = 0.3
"""After which a sender that gets rid of nothing is taken to be held."""
_LEAVES: dict[str, Callable[[Stream], None]] = {
    "FIN": Stream.half_close_raw,
    "half-close": Stream.half_close,
    "reset": Stream.reset,
}


def leaving() -> Iterator[tuple[str, Play]]:
    """Those that are played to each way to listen."""
    for name, leave in _LEAVES.items():
        yield f"GET and {name} in one go", _get(_GET, leave)
        yield f"half a GET and {name}", _get(_GET[:20], leave)
        yield f"{name} after the answer", _after_answer(leave)
        yield f"upgrade and {name} in one go", _upgrade(leave)
        yield f"three messages and {name} in one go", _messages(leave)
        for size in (7, 70_000):
            yield f"{name} after {size} bytes of a message", _in_message(size, leave)
        yield f"{name} between fragments", _in_fragments(leave)
        yield f"close frame and {name} in one go", _close_frame(leave)
        yield f"{name} while much is on its way to it", _asleep(leave)
    yield from (
        ("two GETs in one write", _pipelined),
        ("GET with a body behind it", _body),
        ("a sleeper that wakes", _wakes),
        ("a sleeper that is replaced", _sleeper_replaced),
        ("a sender that breaks a rule while much is on its way", _bad_sender),
    )


def _note_answer(world: World, stream: Stream) -> None:
    if stream.sock.fileno() >= 0:
        text = stream.receive_end()
        world.note(text.partition("\r\n")[0] if text.startswith("HTTP") else text)


def _get(sent: bytes, leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        stream = world.connect()
        stream.send(sent)
        leave(stream)
        _note_answer(world, stream)
        if leave is Stream.reset:
            # Whether the request was read before the reset is up to the kernel.
            world.uncounted = ("vaultrelay",)

    return play


def _after_answer(leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        stream = world.connect()
        stream.send(_GET)
        stream.receive_until(b"\r\n\r\n")
        leave(stream)
        _note_answer(world, stream)

    return play


def _upgrade(leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        stream = world.connect()
        stream.send(world.vault.head())
        leave(stream)
        _note_answer(world, stream)
        if leave is Stream.reset:
            world.uncounted = ("vaultrelay",)

    return play


def _messages(leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        first.send(b"".join(data(1, id, b"last words") for id in (1, 2, 3)))
        if leave is Stream.reset:
            # A reset overtakes what the relay has not read: these come first.
            second.receive_until(data_bytes(3))
        leave(first)
        world.read(second)
        _note_answer(world, first)

    return play


def data_bytes(id: int) -> bytes:
    """What the end of such a message looks like to its receiver."""
    return id.to_bytes(4, "big") + b"last words"


def _in_message(size: int, leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        first.send(data(1, 1, bytes(_LARGE))[:size])
        time.sleep(0.01)
        leave(first)
        world.read(second)
        _note_answer(world, first)

    return play


def _in_fragments(leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        header = bytes.fromhex("10000000ffffffff0000000100000005")
        first.send(frame(BINARY, header, fin=False))
        time.sleep(0.01)
        leave(first)
        world.read(second)
        _note_answer(world, first)

    return play


def _close_frame(leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        first.send(data(1, 1, b"last words") + frame(CLOSE, (1000).to_bytes(2, "big")))
        if leave is Stream.reset:
            second.receive_until(b'"left"')
        leave(first)
        world.read(second)

    return play


def _asleep(leave: Callable[[Stream], None]) -> Play:
    """The one that leaves has read nothing of it; how much it was sent is up to the kernel."""

    def play(world: World) -> None:
        first, second = world.pair()
        second.is_asleep = True
        left = first.send_some(first.sealed(data(1, 1, bytes(_LARGE)) * 8), _HELD_SECONDS)
        leave(second)
        if leave is not Stream.reset:
            end = second.receive_end().rpartition("\n")[2]
            world.note(end)
        first.receive_until(b'"left"')
        again = world.quiet_join(3)
        assert again is not None
        first.send_raw(left)
        first.send(data(1, 9, b"after it"))
        world.note(f"the next device gets it: {again.receive_until(b'after it')}")
        world.uncounted = _UNSURE

    return play


def _pipelined(world: World) -> None:
    stream = world.connect()
    stream.send(_GET * 2)
    text = stream.receive_end()
    world.note(f"{text.count('HTTP/1.1 200')} answer")


def _body(world: World) -> None:
    stream = world.connect()
    stream.send(_GET + bytes(1000))
    _note_answer(world, stream)


# Readers that are slow.


def flood(world: World, first: Stream, second: Stream) -> None:
    """Send to a sleeper until the sender has to wait; note what came once it is awake."""
    second.is_asleep = True
    sealed = [first.sealed(data(1, id, bytes([id]) * _FLOOD_BYTES)) for id in range(_FLOOD)]
    left = first.send_some(b"".join(sealed), _HELD_SECONDS)
    world.note("the sender is held" if left else "all was taken")
    second.is_asleep = False
    first.send_raw(left)
    until = time.monotonic() + 10
    while len(second.data) < _ON_THE_WIRE and time.monotonic() < until:
        second.receive(1)
    ids = []
    while taken := take_server_frame(second.data):
        got, second.data = taken
        id, content = got.payload[15], got.payload[16:]
        assert content == bytes([id]) * _FLOOD_BYTES
        ids.append(id)
        if len(ids) == _FLOOD:
            break
    world.note(f"{len(ids)} came, in order: {ids == list(range(_FLOOD))}")


def _wakes(world: World) -> None:
    first, second = world.pair()
    flood(world, first, second)
    first.send(say(type="keepalive", ping_seconds=60) + data(1, 99, b"and on"))
    world.read(second)


def _sleeper_replaced(world: World) -> None:
    first, second = world.pair()
    second.is_asleep = True
    left = first.send_some(first.sealed(data(1, 1, bytes(_LARGE)) * 8), _HELD_SECONDS)
    again = world.quiet_join(2)
    assert again is not None
    first.send_raw(left)
    first.send(data(1, 9, b"to the new one"))
    world.note(f"the next device gets it: {again.receive_until(b'to the new one')}")
    world.uncounted = _UNSURE


def _bad_sender(world: World) -> None:
    first, second = world.pair()
    second.is_asleep = True
    for id in range(3):
        first.send(data(1, id, bytes(50_000)))
    first.send(frame(3, b"x"))
    world.read(first)
    second.is_asleep = False
    world.read(second)
