"""The scenarios, in families: what a client does, cut and paused where it hurts."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.transcripts.conversations import conversations
from tests.transcripts.faults import bad_input, ends
from tests.transcripts.world import LINE_1, VECTORS, Play, Vault, World

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LINE_2 = (
    SIGNATURE + b"\x21\x11\x00\x0c" + bytes([198, 51, 100, 7, 192, 0, 2, 1, 0x13, 0x88, 1, 187])
)
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
        for name, play in conversations():
            yield server, name, play
    for server in ("plain", "tls"):
        for name, play in bad_input():
            yield server, name, play
    for server in ("plain", "tls", "activated"):
        for name, play in ends():
            yield f"own-{server}", name, play


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
        world.note_end(stream)

    return play
