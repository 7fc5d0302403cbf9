"""RouteResult of certificates under load: files are replaced while devices talk and others come."""

import signal
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.transcripts.stream import Stream
from tests.transcripts.traffic import Traffic
from tests.transcripts.world import Play, World

_WAIT_SECONDS = 10.0
"""A busy machine's patience."""
_AFTER = 10
"""Handshakes that are looked at after the first with the new certificate, or after a reload."""
_RELOADED = "Options reloaded"
"""In the log line of a reload, whether it took the files or not."""


def handovers() -> Iterator[tuple[str, Play]]:
    """Those of a relay with one pair in two files."""
    yield "handover on SIGHUP under load", partial(_handover, asks=True)
    yield "handover by itself under load", partial(_handover, asks=False)
    yield "three handovers under load", _three
    yield "handover while handshakes are half way", half_way
    yield "handover and sessions of TLS 1.2", partial(_resumed, version=ssl.TLSVersion.TLSv1_2)
    yield "handover and sessions of TLS 1.3", partial(_resumed, version=ssl.TLSVersion.TLSv1_3)
    for name, break_pair in _BROKEN.items():
        yield f"no handover: {name}", partial(_no_handover, break_pair=break_pair)


_NAMES = {
    "first": ("localhost",),
    "second": ("other.test", "*.wild.test"),
    "third": ("third.test",),
}


def install(world: World, file: str) -> bytes:
    """Put a new pair there; the certificate in DER."""
    der: bytes = world.server.install(file, *_NAMES[file]).der
    return der


def present(world: World) -> dict[bytes, str]:
    """The certificates that are in the files, by DER."""
    found = {}
    for file in _NAMES:
        path = world.server.folder / f"{file}.pem"
        if path.exists():
            found[ssl.PEM_cert_to_DER_cert(path.read_text())] = f"the old {file}"
    return found


def _shake(world: World, name: str | None = "localhost") -> Stream:
    """A handshake that takes whatever certificate of the root there is."""
    tls = world.server.client_tls()
    tls.check_hostname = False
    stream = world.dialled(tls, name=name)
    stream.send_raw(world.line)
    stream.handshake()
    return stream


def seen_by(world: World, known: dict[bytes, str], name: str | None = "localhost") -> str:
    """Which certificate a new connection gets; its request is answered, too."""
    stream = _shake(world, name)
    if stream.end:
        return f"failed: {stream.end}"
    stream.send(world.vault.head())
    if not stream.receive_until(b'"challenge"'):
        return "no challenge"
    stream.close()
    world.streams.remove(stream)
    return known.get(stream.certificate or b"", "another")


def _under_load(
    world: World, traffic: Traffic, known: dict[bytes, str], is_done: Callable[[str], bool]
) -> list[str]:
    """Handshakes amid traffic until one shows that it is done, and some more; what they got."""
    seen: list[str] = []
    more = _AFTER
    until = time.monotonic() + _WAIT_SECONDS
    while more and time.monotonic() < until:
        traffic.round()
        found = seen_by(world, known)
        if not seen or seen[-1] != found:
            seen.append(found)
        more -= is_done(found)
        time.sleep(0.005)
    return seen


def _handover(world: World, asks: bool) -> None:
    known, traffic = present(world), Traffic(world)
    for _ in range(_AFTER):
        traffic.round()
        found = seen_by(world, known)
    world.note(found)
    known[install(world, "first")] = "the new first"
    if asks:
        world.process.send_signal(signal.SIGHUP)
    seen = _under_load(world, traffic, known, lambda found: found == "the new first")
    # The old one may be gone before the next handshake.
    world.note(", then ".join(each for each in seen if each != "the old first"))
    traffic.note_end(world)
    note_handshakes(world)


def _three(world: World) -> None:
    known, traffic = present(world), Traffic(world)
    for number in (1, 2, 3):
        name = f"renewal {number}"
        known[install(world, "first")] = name
        world.process.send_signal(signal.SIGHUP)
        seen = _under_load(world, traffic, known, name.__eq__)
        world.note(f"{seen[-1]}, and {'others' if len(seen) > 2 else 'no other'}")
    traffic.note_end(world)
    note_handshakes(world)


def half_way(world: World) -> None:
    """What was begun is ended, whichever of the two it gets."""
    known = present(world)
    started = []
    for part in ("nothing", "half a hello", "a hello"):
        tls = world.server.client_tls()
        stream = world.dialled(tls)
        hello = stream.hello()
        sent = {"nothing": 0, "half a hello": len(hello) // 2, "a hello": len(hello)}[part]
        stream.send_raw(hello[:sent])
        started.append((part, stream, hello[sent:]))
    traffic = Traffic(world)
    known[install(world, "first")] = "the new first"
    world.process.send_signal(signal.SIGHUP)
    _under_load(world, traffic, known, lambda found: found == "the new first")
    for part, stream, rest in started:
        stream.send_raw(rest)
        stream.handshake()
        stream.send(world.vault.head())
        is_answered = stream.receive_until(b'"challenge"')
        is_known = (stream.certificate or b"") in known
        world.note(f"after {part}: answered {is_answered}, with one of the two {is_known}")
    traffic.note_end(world)
    note_handshakes(world)


def _resumed(world: World, version: ssl.TLSVersion) -> None:
    """A session may be resumed or not, but no handshake fails for it."""
    known = present(world)
    tls = world.server.client_tls()
    tls.minimum_version = tls.maximum_version = version
    first = world.dialled(tls)
    first.handshake()
    first.send(world.vault.head())
    first.receive_until(b'"challenge"')
    session = first.tls.session
    for when in ("before", "after"):
        again = world.dialled(tls, session=session)
        again.handshake()
        again.send(world.vault.head())
        is_answered = again.receive_until(b'"challenge"')
        world.note(f"{when}: answered {is_answered} {again.end}")
        if when == "before":
            known[install(world, "first")] = "the new first"
            world.process.send_signal(signal.SIGHUP)
            traffic = Traffic(world)
            _under_load(world, traffic, known, lambda found: found == "the new first")
    first.send(world.vault.hello(world.challenge(first), 1))
    has_joined = first.receive_until(b'"welcome"')
    world.note(f"the first connection joins: {has_joined}")
    note_handshakes(world)


# Pairs that cannot be served: the old one stays until a good one comes.


def _other_key(world: World) -> None:
    install(world, "first")
    (world.server.folder / "first-key.pem").write_bytes(world.server.root.key_pem)


def _garbage(world: World, content: bytes = b"no certificate\n") -> None:
    (world.server.folder / "first.pem").write_bytes(content)


def _half_written(world: World) -> None:
    install(world, "first")
    path = world.server.folder / "first.pem"
    path.write_bytes(path.read_bytes()[:300])


def _missing(world: World) -> None:
    (world.server.folder / "first-key.pem").unlink()


def _expired(world: World) -> None:
    now = datetime.now(UTC)
    world.server.install(
        "first", "localhost", starts=now - timedelta(days=9), ends=now - timedelta(days=1)
    )


_BROKEN: dict[str, Callable[[World], None]] = {
    "the key of another": _other_key,
    "no certificate": _garbage,
    "a certificate that is half written": _half_written,
    "no key": _missing,
    "a certificate that has expired": _expired,
    "an empty file": lambda world: _garbage(world, b""),
}


def _no_handover(world: World, break_pair: Callable[[World], None]) -> None:
    known, traffic = present(world), Traffic(world)
    break_pair(world)
    reload(world, traffic)
    seen = _under_load(world, traffic, known, lambda _: True)
    world.note(f"with a broken pair: {seen}")
    known[install(world, "first")] = "the new first"
    world.process.send_signal(signal.SIGHUP)
    seen = _under_load(world, traffic, known, lambda found: found == "the new first")
    world.note(f"with a good one: {seen[-1]}")
    traffic.note_end(world)
    note_handshakes(world)


def reload(world: World, traffic: Traffic) -> None:
    """Ask for it, and wait until the log tells of it."""
    before = len(world.server.log())
    world.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        traffic.round()
        if _RELOADED in world.server.log()[before:]:
            return
        time.sleep(0.01)
    raise AssertionError(f"no reload: {world.server.log()[before:]}")


def note_handshakes(world: World) -> None:
    """What the relay counted of handshakes that failed: none did."""
    counts = world.server.counters()
    failed = {name for name in counts if 'outcome="tls' in name and counts[name]}
    world.note(f"failed handshakes: {sorted(failed)}")
