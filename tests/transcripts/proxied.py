"""PROXY headers of both versions: cut, glued, unusual and bad; what follows is HTTP or TLS."""

from collections.abc import Callable, Iterator

from tests.transcripts.stream import Stream
from tests.transcripts.world import LINE_1, Play, World

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LINE_2 = (
    SIGNATURE + b"\x21\x11\x00\x0c" + bytes([198, 51, 100, 7, 192, 0, 2, 1, 0x13, 0x88, 1, 187])
)
LINE_2_TLV = LINE_2[:14] + b"\x00\x13" + LINE_2[16:] + b"\x04\x00\x04abcd"
LINE_2_LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
LINE_2_UNIX = SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216)
_ADDRESSES_4 = LINE_2[16:]
_ADDRESSES_6 = bytes.fromhex("20010db8000000000000000000000007") * 2 + _ADDRESSES_4[8:]
_TLS_TLV = bytes.fromhex("20000c") + b"\x01" + bytes(4) + b"\x21\x00\x04TLS3"


def _line_2(command: int, family: int, body: bytes) -> bytes:
    """A header of version 2 (section 2.2 of the specification)."""
    return SIGNATURE + bytes([0x20 | command, family]) + len(body).to_bytes(2, "big") + body


_UNUSUAL_2 = {
    "LOCAL with addresses": _line_2(0, 0x11, _ADDRESSES_4),
    "LOCAL of an unknown family": _line_2(0, 0x00, b""),
    "LOCAL with a TLV": _line_2(0, 0x00, b"\x04\x00\x04abcd"),
    "an unknown command": _line_2(2, 0x11, _ADDRESSES_4),
    "PROXY of an unknown family": _line_2(1, 0x00, b""),
    "PROXY of an unknown family with a TLV": _line_2(1, 0x00, b"\x04\x00\x04abcd"),
    "a family that does not exist": _line_2(1, 0x41, _ADDRESSES_4),
    "a protocol that does not exist": _line_2(1, 0x13, _ADDRESSES_4),
    "TCP6": _line_2(1, 0x21, _ADDRESSES_6),
    "UDP4": _line_2(1, 0x12, _ADDRESSES_4),
    "UDP6": _line_2(1, 0x22, _ADDRESSES_6),
    "unix datagram": _line_2(1, 0x32, bytes(216)),
    "TCP4 without addresses": _line_2(1, 0x11, b""),
    "TCP4 with half an address": _line_2(1, 0x11, _ADDRESSES_4[:6]),
    "TCP6 with addresses of TCP4": _line_2(1, 0x21, _ADDRESSES_4),
    "TLS's TLV": _line_2(1, 0x11, _ADDRESSES_4 + _TLS_TLV),
    "many TLVs": _line_2(1, 0x11, _ADDRESSES_4 + b"\x04\x00\x04abcd" * 100),
    "a TLV beyond the end": _line_2(1, 0x11, _ADDRESSES_4 + b"\x04\xff\xff"),
    "the longest": _line_2(1, 0x11, _ADDRESSES_4 + b"\x04\x0f\xe1" + bytes(4065)),
    "one byte longer than the longest": _line_2(1, 0x11, _ADDRESSES_4 + bytes(4069)),
    "the version in place of the command": SIGNATURE + b"\x12\x11\x00\x0c" + _ADDRESSES_4,
    "a broken signature": SIGNATURE[:-1] + b"\r" + LINE_2[12:],
}


def proxy_lines() -> Iterator[tuple[str, str, Play]]:
    lines = {"v1": LINE_1, "v2": LINE_2, "v2 with a TLV": LINE_2_TLV}
    for name, line in lines.items():
        for cut in range(1, len(line)):
            yield "proxied", f"{name} cut at {cut}", _line_cut(line, cut)
        for cut in range(1, len(line)):
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
    yield from _joints(lines)


def _joints(lines: dict[str, bytes]) -> Iterator[tuple[str, str, Play]]:
    """Headers and what follows them, and headers that proxies seldom send."""
    for server in ("proxied", "proxied-tls", "proxied-unix"):
        for name, line in lines.items():
            for cut in (0, 1, len(line) - 1, len(line) + 1, len(line) + 6):
                yield (
                    server,
                    f"{name} in one write with what follows, cut at {cut}",
                    _glued(line, cut),
                )
            yield server, f"{name} byte by byte", _dripped(line)
            for leave in (Stream.half_close_raw, Stream.reset):
                yield server, f"{name}, half of it, and {leave.__name__}", _half(line, leave)
        for name, line in _UNUSUAL_2.items():
            yield server, f"v2, {name}", _unusual(line)
    for server in ("plain", "unix", "proxied-tls"):
        for name, line in lines.items():
            yield server, f"{name} twice", _unusual(line * 2)


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


def _glued(line: bytes, cut: int) -> Play:
    """What follows is the client hello where there is TLS, and the request where there is none."""

    def play(world: World) -> None:
        stream = world.dialled()
        stream.send_raw(line + (stream.hello() if world.tls else world.vault.head()), cut)
        if world.tls:
            stream.handshake()
            stream.send(world.vault.head())
        world.read(stream)

    return play


def _dripped(line: bytes) -> Play:
    def play(world: World) -> None:
        stream = world.dialled()
        stream.send_pieces(line, 1)
        if world.tls:
            stream.handshake()
        stream.send(world.vault.head())
        world.read(stream)

    return play


def _half(line: bytes, leave: Callable[[Stream], None]) -> Play:
    def play(world: World) -> None:
        stream = world.dialled()
        stream.send_raw(line[: len(line) // 2])
        leave(stream)
        if leave is not Stream.reset:
            world.note(stream.receive_end())

    return play


def _unusual(line: bytes) -> Play:
    """The relay may refuse it or not: what counts is that an old one and a new one agree."""

    def play(world: World) -> None:
        stream = world.dialled()
        stream.send_raw(line)
        if world.tls:
            stream.handshake()
        if not stream.end:
            stream.send(world.vault.head())
            stream.receive_until(b'"challenge"')
        world.note_first_line(stream)

    return play
