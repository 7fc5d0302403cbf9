"""The scenarios, in families: what a client does, cut and paused where it hurts."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.transcripts.stream import Stream
from tests.transcripts.world import EVERYONE, Vault, World, data, frame, say

Play = Callable[[World], None]
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "vectors.json").read_text("utf-8")
)
LINE_1 = b"PROXY TCP4 198.51.100.7 192.0.2.1 5000 443\r\n"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LINE_2 = SIGNATURE + b"\x21\x11\x00\x0c" + bytes([198, 51, 100, 7, 192, 0, 2, 1, 0x13, 0x88, 1, 187])
LINE_2_TLV = LINE_2[:14] + b"\x00\x13" + LINE_2[16:] + b"\x04\x00\x04abcd"
LINE_2_LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
LINE_2_UNIX = SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216)


@dataclass(frozen=True)
class Scenario:
    """One thing that clients do; `server` names the relay that it is done to."""

    name: str
    server: str
    play: Play


def all_scenarios() -> list[Scenario]:
    """All of them, in the order in which they are played."""
    found = [Scenario(f"{server} {name}", server, play) for server, name, play in _families()]
    assert len({scenario.name for scenario in found}) == len(found)
    return found


def _families() -> Iterator[tuple[str, str, Play]]:
    yield from _heads()
    yield from _proxy_lines()
    for server in ("plain", "tls", "unix", "proxied", "proxied-tls", "proxied-unix"):
        for name, play in _conversations(server):
            yield server, name, play
    for server in ("plain", "tls"):
        for name, play in _bad_input():
            yield server, name, play
    for server in ("plain", "tls", "activated"):
        for name, play in _ends(server):
            yield f"own-{server}", name, play


def _before(server: str) -> bytes:
    return LINE_1 if server.startswith("proxied") else b""


# Heads.


def _heads() -> Iterator[tuple[str, str, Play]]:
    size = len(Vault.of("").head())
    for cut in range(1, size):
        yield "plain", f"upgrade cut at {cut}", _cut_upgrade(cut)
    for cut in range(1, size, 4):
        yield "unix", f"upgrade cut at {cut}", _cut_upgrade(cut)
    for cut in range(1, 330, 6):
        yield "tls", f"client hello cut at {cut}", _cut_client_hello(cut)
    for cut in range(1, size, 16):
        yield "tls", f"upgrade record cut at {cut}", _cut_upgrade(cut)
    for kind, server in (("accepted_upgrades", "plain"), ("refused_upgrades", "plain")):
        for vector in VECTORS[kind]:
            what = vector.get("name") or vector.get("why")
            yield server, f"{kind}: {what}", _head(vector["head"].encode("latin-1"))
    for path in ("/", "/health", "/ready", "/address", "/privacy.json", "/nothing", "/?q", "//"):
        for method in ("GET", "HEAD", "POST"):
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            yield "plain", f"{method} {path}", _status(head)
            yield "tls", f"{method} {path}", _status(head)


def _cut_upgrade(cut: int) -> Play:
    def play(world: World) -> None:
        stream = world.upgrade(cut=cut)
        world.read(stream)

    return play


def _cut_client_hello(cut: int) -> Play:
    def play(world: World) -> None:
        stream = world.connect(tls_cut=cut)
        stream.send(world.vault.head())
        world.read(stream)

    return play


def _head(head: bytes) -> Play:
    def play(world: World) -> None:
        stream = world.connect()
        stream.send(head)
        world.read(stream)

    return play


def _status(head: bytes) -> Play:
    """Pages may change their words: the first line and the end are what counts."""

    def play(world: World) -> None:
        stream = world.connect()
        stream.send(head)
        text = stream.read(None)
        world.note(text.partition("\r\n")[0] + f" <{stream.end}>")

    return play


# PROXY lines.


def _proxy_lines() -> Iterator[tuple[str, str, Play]]:
    lines = {"v1": LINE_1, "v2": LINE_2, "v2 with a TLV": LINE_2_TLV}
    for name, line in lines.items():
        for cut in range(1, len(line)):
            yield "proxied", f"{name} cut at {cut}", _line_cut(line, cut)
        for cut in range(1, len(line), 3):
            yield "proxied-tls", f"{name} cut at {cut}", _line_cut(line, cut)
        for cut in range(1, len(line), 5):
            yield "proxied-unix", f"{name} cut at {cut}", _line_cut(line, cut)
    good = {
        "v1 TCP6": b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 443\r\n",
        "v1 UNKNOWN": b"PROXY UNKNOWN\r\n",
        "v1 UNKNOWN with words": b"PROXY UNKNOWN ff ff 1 2\r\n",
        "v2 LOCAL": LINE_2_LOCAL,
        "v2 unix": LINE_2_UNIX,
    }
    for name, line in good.items():
        for server in ("proxied", "proxied-tls", "proxied-unix"):
            yield server, name, _line_cut(line, 0)
    bad = {
        "no line": b"",
        "a lone line feed": LINE_1.replace(b"\r\n", b"\n"),
        "no address": b"PROXY TCP4 a b 1 2\r\n",
        "too long": b"PROXY TCP4 " + b"1" * 200 + b"\r\n",
        "another word": b"PROXI TCP4 198.51.100.7 192.0.2.1 5000 443\r\n",
        "v2 of another version": SIGNATURE + b"\x31\x11\x00\x0c" + LINE_2[16:],
        "v2 that is too long": SIGNATURE + b"\x21\x11\xff\xff" + LINE_2[16:],
    }
    for name, line in bad.items():
        yield "proxied", f"bad: {name}", _bad_line(line)
        yield "proxied-unix", f"bad: {name}", _bad_line(line)


def _line_cut(line: bytes, cut: int) -> Play:
    def play(world: World) -> None:
        stream = world.connect(line, cut)
        stream.send(world.vault.head())
        world.read(stream)

    return play


def _bad_line(line: bytes) -> Play:
    def play(world: World) -> None:
        stream = world.connect(line)
        stream.send(world.vault.head())
        world.note(_how_it_ended(stream))

    return play


def _how_it_ended(stream: Stream) -> str:
    """Whether something came, and that it ended; FIN or RST is up to the kernel's timing."""
    text = stream.read(None)
    return ("something came" if text and not text.startswith("<") else "nothing came") + (
        ", and it ended" if stream.end else ""
    )


# Conversations.


def _conversations(server: str) -> Iterator[tuple[str, Play]]:
    before = _before(server)

    def pair(world: World) -> tuple[Stream, Stream]:
        first = world.join(1, before)
        second = world.join(2, before)
        world.read(first)
        return first, second

    def talk(world: World) -> None:
        first, second = pair(world)
        first.send(data(1, 1, b"to all") + data(1, 2, b"to two", to=2))
        second.send(data(2, 9, b"back", to=1))
        world.read(second)
        world.read(first)
        first.send(frame(CLOSE, (1000).to_bytes(2, "big")))
        world.read(first)
        world.read(second)

    def nack(world: World) -> None:
        first, _ = pair(world)
        first.send(data(1, 41, b"to nobody", to=77))
        world.read(first)

    def keepalive(world: World) -> None:
        first, _ = pair(world)
        first.send(say(type="keepalive", ping_seconds=300) + frame(PING, b"ping"))
        world.read(first)

    def half_close(world: World) -> None:
        first, second = pair(world)
        first.send(data(1, 1, b"last words"))
        first.half_close()
        world.read(second)
        world.note(_how_it_ended(first))

    def reset(world: World) -> None:
        first, second = pair(world)
        first.reset()
        world.read(second)

    def replaced(world: World) -> None:
        first, second = pair(world)
        again = world.join(1, before)
        world.read(first)
        world.read(second)
        again.send(data(3, 1, b"still here", to=2))
        world.read(second)

    def fragments(world: World) -> None:
        first, second = pair(world)
        header = bytes.fromhex("10000000ffffffff0000000100000005")
        first.send(
            frame(BINARY, header, fin=False)
            + frame(PING, b"between")
            + frame(CONTINUATION, b"one ", fin=False)
            + frame(CONTINUATION, b"two")
        )
        world.read(second)
        world.read(first)

    def large(world: World) -> None:
        first, second = pair(world)
        for id in range(3):
            first.send(data(1, id, bytes([id]) * 300_000))
        world.read(second)

    def slow(world: World) -> None:
        first, second = pair(world)
        for id in range(10):
            first.send(data(1, id, bytes([id]) * 60_000))
        time.sleep(0.05)
        first.send(say(type="keepalive", ping_seconds=60))
        world.read(second)
        world.read(first)

    def many(world: World) -> None:
        first, second = pair(world)
        first.send(b"".join(data(1, id, b"m%d" % id) for id in range(200)))
        world.read(second)

    yield from (
        ("talk", talk),
        ("nack", nack),
        ("keepalive and ping", keepalive),
        ("half-close", half_close),
        ("reset", reset),
        ("replaced", replaced),
        ("fragments with a ping between", fragments),
        ("large", large),
        ("a slow reader", slow),
        ("many in one write", many),
    )
    for stage in ("before the head", "in the head", "after the upgrade", "in a frame"):
        yield f"half-close {stage}", _leaves(before, stage, Stream.half_close)
        yield f"reset {stage}", _leaves(before, stage, Stream.reset)
    message = data(1, 1, b"ciphertext")
    for cut in range(1, len(message)):
        yield f"data frame cut at {cut}", _cut_frame(before, message, cut)


def _leaves(before: bytes, stage: str, leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        stream = world.connect(before)
        if stage == "in the head":
            stream.send(world.vault.head()[:40])
        elif stage != "before the head":
            stream.send(world.vault.head())
            world.read(stream)
        if stage == "in a frame":
            stream.send(say(type="hello")[:9])
        leave(stream)
        if leave is Stream.half_close:
            world.note(_how_it_ended(stream))

    return play


def _cut_frame(before: bytes, message: bytes, cut: int) -> Play:
    def play(world: World) -> None:
        first = world.join(1, before)
        second = world.join(2, before)
        world.read(first)
        first.send(message, cut)
        world.read(second)

    return play


# Bad input.


def _bad_input() -> Iterator[tuple[str, Play]]:
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


def _ends(server: str) -> Iterator[tuple[str, Play]]:
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
        world.note(_how_it_ended(pending))
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
