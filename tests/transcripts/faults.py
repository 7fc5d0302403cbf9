"""What no client may send, and the ends of the relay itself."""

import signal
import time
from collections.abc import Iterator

from tests.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.transcripts.world import EVERYONE, VECTORS, Play, World, data, frame


def bad_input() -> Iterator[tuple[str, Play]]:
    for vector in VECTORS["refused_device_controls"]:
        yield f"control: {vector['why']}", _said(frame(TEXT, vector["text"].encode()))
    for vector in VECTORS["refused_data"]:
        message = bytes.fromhex(vector["hex"])
        yield f"data: {vector['why']}", _said(frame(BINARY, message))
    frames = {
        "compressed": frame(BINARY, b"x", rsv=4),
        "a reserved opcode": frame(3, b"x"),
        "a ping of 126 bytes": frame(PING, bytes(126)),
        "a continuation of nothing": frame(CONTINUATION, b"x"),
        "not UTF-8": frame(TEXT, b"\xff"),
        "a close of one byte": frame(CLOSE, b"\x03"),
        "a close with a code that nobody may send": frame(CLOSE, (1005).to_bytes(2, "big")),
        "a close without a code": frame(CLOSE),
        "a pong that answers nothing": frame(PONG, b"x"),
        "unmasked": b"\x81\x02{}",
    }
    for name, sent in frames.items():
        yield f"frame: {name}", _said(sent)


def _said(sent: bytes) -> Play:
    def play(world: World) -> None:
        stream = world.join(1)
        stream.send(sent)
        world.read(stream)

    return play


# Ends of the relay itself, each in a process of its own.


def ends() -> Iterator[tuple[str, Play]]:
    def drain(world: World) -> None:
        first = world.join(1)
        second = world.join(2)
        world.read(first)
        world.process.send_signal(signal.SIGTERM)
        for stream in (first, second):
            world.read(stream)
            stream.send(frame(CLOSE, (4000).to_bytes(2, "big")))
        world.note(f"exit status {world.process.wait(20)}")

    def drain_with_pending(world: World) -> None:
        pending = world.connect()
        pending.send(world.vault.head()[:30])
        upgraded = world.upgrade()
        world.read(upgraded)
        world.process.send_signal(signal.SIGTERM)
        world.read(upgraded)
        upgraded.send(frame(CLOSE, (4000).to_bytes(2, "big")))
        world.note_end(pending)
        world.note(f"exit status {world.process.wait(20)}")

    def reload(world: World) -> None:
        first = world.join(1)
        world.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        second = world.join(2)
        second.send(data(2, 1, b"after a reload", to=EVERYONE))
        world.read(first)

    yield from (
        ("drain", drain),
        ("drain with a pending connection", drain_with_pending),
        ("reload", reload),
    )
