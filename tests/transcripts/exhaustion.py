"""Descriptors running out: what newcomers see, and that joined devices talk on.

How many are let in before the end is noted as bounds, or as a number where a rule decides on it.
"""

import signal
import time
from collections.abc import Iterator

from tests.frames import CLOSE
from tests.transcripts.stream import Stream
from tests.transcripts.traffic import Traffic
from tests.transcripts.world import Play, Vault, World, frame

_ROOM = 4
"""Descriptors that are left when newcomers begin to come."""
_CROWD = 40
"""Newcomers at once: more than are accepted in a turn."""
_MANY = 650
"""More than the limit of open files that the relay starts with."""
_PATIENCE_SECONDS = 10.0
_MOST = 10_000
_SAID = "No file descriptor is left"


def exhaustions() -> Iterator[tuple[str, Play]]:
    """Each in a process of its own, whose limit is low from the start."""
    yield from (
        ("devices beyond a limit that is low from the start", _start_low),
        ("silent connections beyond a low limit", _silent_low),
        ("descriptors run out", _run_out),
        ("descriptors run out for a crowd", _crowd),
        ("silent connections hold the last descriptors", _silent_last),
        ("drain without a descriptor left", _drain),
        ("reload without a descriptor left", _reload),
    )


def _exhaust(world: World, room: int) -> None:
    """Leave the relay so many descriptors more than it has."""
    world.server.limit_files(world.server.open_files() + room)


def _come(world: World, count: int) -> tuple[list[Stream], int, int]:
    """Devices that try to join, one after another: those let in; those closed; those refused."""
    joined, closed, refused = [], 0, 0
    for index in range(count):
        stream = world.dialled()
        stream.send_raw(world.line)
        if world.tls is not None:
            stream.handshake()
        vault = Vault.of(f"{world.name} newcomer {index}")
        if not stream.end:
            stream.send(vault.head())
        if stream.receive_until(b'"challenge"'):
            stream.send(vault.hello(world.challenge(stream), 1))
            assert stream.receive_until(b'"welcome"')
            joined.append(stream)
            continue
        refused += bool(stream.data)
        closed += bool(stream.end and not stream.data)
        stream.close()
        world.streams.remove(stream)
    return joined, closed, refused


def _run_out(world: World) -> None:
    traffic = Traffic(world)
    _exhaust(world, _ROOM)
    joined, closed, refused = _come(world, 12)
    world.note(f"let in: one at least {len(joined) > 0}, {_ROOM} at most {len(joined) <= _ROOM}")
    world.note(f"all others were closed at once: {len(joined) + closed == 12}, {refused} answered")
    for _ in range(20):
        traffic.round()
    world.note(f"the log says so once: {world.server.log().count(_SAID) == 1}")
    for stream in joined:
        stream.close()
    _note_return(world)
    _note_end(world, traffic)


def _crowd(world: World) -> None:
    traffic = Traffic(world)
    _exhaust(world, _ROOM)
    crowd = [world.dialled() for _ in range(_CROWD)]
    for _ in range(20):
        traffic.round()
    # Those that got a descriptor have nothing to say; after them come those that were closed.
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and sum(bool(each.end) for each in crowd) < _CROWD - _ROOM:
        for stream in crowd:
            if not stream.end:
                stream.receive(0)
        traffic.round()
        time.sleep(0.01)
    ended = sum(bool(stream.end) for stream in crowd)
    world.note(f"closed: all but {_ROOM} at least {ended >= _CROWD - _ROOM}")
    world.note(f"nothing else came: {not any(stream.data for stream in crowd)}")
    world.note(f"the log says so once: {world.server.log().count(_SAID) == 1}")
    for stream in crowd:
        stream.close()
    _note_return(world)
    _note_end(world, traffic)


def _silent_last(world: World) -> None:
    """Those that say nothing give way; no limit is raised meanwhile."""
    traffic = Traffic(world)
    _exhaust(world, _ROOM)
    for _ in range(_ROOM):
        world.dialled()
    _note_return(world)
    _note_end(world, traffic)


def _note_return(world: World) -> None:
    """Devices come again and again: when one is let in."""
    until = time.monotonic() + _PATIENCE_SECONDS
    joined: list[Stream] = []
    while not joined and time.monotonic() < until:
        time.sleep(0.02)
        joined, _, _ = _come(world, 1)
    world.note(f"a device is let in again: {bool(joined)}")
    for stream in joined:
        stream.close()


def _note_end(world: World, traffic: Traffic) -> None:
    """The devices that were there talk to the end, and all is well with more descriptors."""
    for _ in range(20):
        traffic.round()
    traffic.note_end(world)
    world.server.limit_files(world.server.open_files() + 100)
    joined, _, _ = _come(world, 3)
    world.note(f"with descriptors again: {len(joined)} of 3 are let in")
    joins = world.server.counters()["vaultrelay_joins_total"]
    world.note(f"all joins are counted: {joins >= len(joined) + 8}")


def _drain(world: World) -> None:
    first, second = world.pair()
    _exhaust(world, 0)
    world.process.send_signal(signal.SIGTERM)
    for stream in (first, second):
        world.read(stream)
        stream.send(frame(CLOSE, (4000).to_bytes(2, "big")))
    world.note(f"exit status {world.process.wait(20)}")


def _reload(world: World) -> None:
    traffic = Traffic(world)
    _exhaust(world, 0)
    before = len(world.server.log())
    world.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(world.server.log()) == before and time.monotonic() < until:
        traffic.round()
        time.sleep(0.01)
    world.note(f"the relay runs: {world.process.poll() is None}")
    _note_end(world, traffic)


# A limit that is low from the start.


def _start_low(world: World) -> None:
    """The rule for sharing descriptors decides how many are let in; the next is refused."""
    traffic = Traffic(world)
    joined: list[Stream] = []
    while len(joined) < _MANY:
        vault = Vault.of(f"{world.name} {len(joined)}")
        stream = world.connect()
        stream.send(vault.head())
        if not stream.receive_until(b'"challenge"'):
            break
        stream.send(vault.hello(world.challenge(stream), 1))
        assert stream.receive_until(b'"welcome"')
        joined.append(stream)
    world.note(f"devices beside the pairs: {len(joined)}")
    world.note(f"the next: {stream.receive_end().partition(chr(13))[0]}")
    traffic.round()
    if joined:
        joined[0].close()
        _note_return(world)
    traffic.round()
    traffic.note_end(world)


def _silent_low(world: World) -> None:
    """They wait, or give way: the next device is let in all the same."""
    traffic = Traffic(world)
    silent = [world.dialled() for _ in range(_MANY)]
    traffic.round()
    _note_return(world)
    world.note(f"nothing came to the silent: {not any(stream.data for stream in silent)}")
    for stream in silent:
        stream.close()
    traffic.round()
    traffic.note_end(world)
