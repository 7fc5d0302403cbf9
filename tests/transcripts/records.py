"""TLS records: flights and records cut, glued and broken, and handshakes that fail."""

import ssl
from collections.abc import Iterator

from tests.transcripts.handshakes import begun
from tests.transcripts.world import Play, World, data

_BATCH = 40
"""Connections of one conversation that cuts at each byte: what they do hardly differs."""
_HELLO_BYTES = 320
"""More than a client hello has; a cut behind its end is none."""
_LAST_BYTES = 80
"""The same of the client's last flight."""
_SEALED_BYTES = 80
"""The same of a record with a short message."""


def records() -> Iterator[tuple[str, Play]]:
    """Those that are played to a relay with TLS, with a PROXY header or without."""
    for start in range(1, _HELLO_BYTES, _BATCH):
        yield f"client hello cut at each byte from {start}", _hellos(start)
    for start in range(1, _LAST_BYTES, _BATCH):
        yield f"last flight cut at each byte from {start}", _last_flights(start)
    yield from (
        ("client hello byte by byte", _drip_hello),
        ("last flight with the upgrade", _glued_upgrade),
        ("upgrade in records of one byte", _small_records),
        ("record cut at each byte", _cut_records),
        ("close_notify behind three records", _closed_behind),
        ("close_notify in a write of its own", _closed_alone),
        ("close_notify without FIN", _closed_open),
        ("FIN without close_notify", _no_goodbye),
        ("talk in TLS 1.2", _talk_12),
    )
    for size in (1, 7, 29, 100, 1000):
        yield f"twenty records in writes of {size}", _pieces(size)
    for size in (5, 16_384 + 21, 16_384 + 22, 16_384 + 23, 60_000):
        yield f"300 KB with a cut at {size}", _large_cut(size)
    for name, sent in _BROKEN.items():
        yield f"broken: {name}", _broken(sent)
    yield "broken: a record that is not authentic", _garbled


# Handshakes.


def _hellos(start: int) -> Play:
    return lambda world: world.note_outcomes(
        _upgraded(world, cut=cut) for cut in range(start, start + _BATCH)
    )


def _last_flights(start: int) -> Play:
    return lambda world: world.note_outcomes(
        _upgraded(world, last_cut=cut) for cut in range(start, start + _BATCH)
    )


def _upgraded(world: World, cut: int = 0, last_cut: int = 0) -> str:
    stream = begun(world)
    stream.handshake(cut, last_cut)
    stream.send(world.vault.head())
    stream.receive_until(b'"challenge"')
    stream.close()
    return stream.data.partition(b"\r\n")[0].decode() + stream.end


def _drip_hello(world: World) -> None:
    stream = begun(world)
    stream.send_pieces(stream.hello(), 1)
    stream.handshake()
    stream.send(world.vault.head())
    world.read(stream)


def _glued_upgrade(world: World) -> None:
    for cut in (0, 1, 6, 50, 100, 200):
        stream = begun(world)
        stream.handshake(holds_last=True)
        stream.send(world.vault.head(), cut)
        world.read(stream)


def _small_records(world: World) -> None:
    stream = world.connect()
    stream.send_raw(b"".join(stream.sealed(bytes([each])) for each in world.vault.head()))
    world.read(stream)


def _talk_12(world: World) -> None:
    assert world.tls is not None
    world.tls = world.server.client_tls()
    world.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    first, second = world.pair()
    world.note(str(first.tls.version()))
    first.send(data(1, 1, b"older"))
    world.read(second)
    second.send(data(2, 1, bytes(100_000)))
    world.read(first)


# Records of a joined device.


def _cut_records(world: World) -> None:
    first, second = world.pair()
    for cut in range(1, _SEALED_BYTES):
        first.send(data(1, cut, b"ciphertext"), cut)
    world.read(second)


def _closed_behind(world: World) -> None:
    first, second = world.pair()
    sealed = b"".join(first.sealed(data(1, id, b"last words")) for id in (1, 2))
    first.send_raw(sealed + first.sealed(data(1, 3, b"really"), closing=True))
    world.read(second)
    world.note(first.receive_end())


def _closed_alone(world: World) -> None:
    first, second = world.pair()
    sealed = first.sealed(data(1, 1, b"last words"), closing=True)
    first.send_raw(sealed, len(sealed) - 24)
    world.read(second)
    world.note(first.receive_end())


def _closed_open(world: World) -> None:
    stream = world.connect()
    stream.send_raw(stream.sealed(world.vault.head()[:30], closing=True))
    world.note(stream.receive_end())


def _no_goodbye(world: World) -> None:
    first, second = world.pair()
    first.send(data(1, 1, b"last words"))
    first.half_close_raw()
    world.read(second)
    world.note(first.receive_end())


def _pieces(size: int) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        sealed = b"".join(first.sealed(data(1, id, b"message %d" % id)) for id in range(20))
        first.send_pieces(sealed, size)
        world.read(second)

    return play


def _large_cut(size: int) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        first.send(data(1, 1, b"\x05" * 300_000), size)
        world.read(second)

    return play


# Records that are none.

_BROKEN = {
    "an unknown type of record": b"\x63\x03\x03\x00\x01\x00",
    "a record that is too long": b"\x17\x03\x03\xff\xff" + bytes(100),
    "a plain alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "an empty record": b"\x17\x03\x03\x00\x00",
}


def _broken(sent: bytes) -> Play:
    def play(world: World) -> None:
        first, second = world.pair()
        first.send_raw(first.sealed(data(1, 1, b"before")) + sent)
        world.read(second)
        first.half_close_raw()
        world.note(first.receive_end(names_alert=True))

    return play


def _garbled(world: World) -> None:
    first, second = world.pair()
    good, bad = first.sealed(data(1, 1, b"good")), first.sealed(data(1, 2, b"bad"))
    first.send_raw(good + bad[:-3] + bytes([bad[-3] ^ 1]) + bad[-2:])
    world.read(second)
    world.note(first.receive_end(names_alert=True))
