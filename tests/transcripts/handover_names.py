"""RouteResult of certificates where a folder has several, of which clients ask for one by name."""

from collections.abc import Callable, Iterator
from functools import partial

from tests.transcripts.handover import (
    half_way,
    install,
    note_handshakes,
    present,
    reload,
    seen_by,
)
from tests.transcripts.traffic import Traffic
from tests.transcripts.world import Play, World

_ASKED = ("localhost", "LOCALHOST", "other.test", "a.wild.test", "a.b.wild.test", "third.test")


def handovers_of_several() -> Iterator[tuple[str, Play]]:
    """Those of a relay with a folder of pairs, of which clients ask for one by name."""
    yield (
        "one of two is renewed under load",
        partial(_named, change=lambda world: {"second": install(world, "second")}),
    )
    yield (
        "both are renewed under load",
        partial(
            _named,
            change=lambda world: {
                "first": install(world, "first"),
                "second": install(world, "second"),
            },
        ),
    )
    yield (
        "a third comes under load",
        partial(_named, change=lambda world: {"third": install(world, "third")}),
    )
    yield "one of two goes under load", partial(_named, change=_remove_second)
    yield "no handover: a broken one of two", partial(_named, change=_break_second)
    yield "handover while handshakes are half way", half_way


def _remove_second(world: World) -> dict[str, bytes]:
    for name in ("second.pem", "second-key.pem"):
        (world.server.folder / name).unlink()
    return {}


def _break_second(world: World) -> dict[str, bytes]:
    (world.server.folder / "second.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nx\n")
    return {}


def _named(world: World, change: Callable[[World], dict[str, bytes]]) -> None:
    known, traffic = present(world), Traffic(world)
    _note_names(world, known)
    known |= {der: f"the new {file}" for file, der in change(world).items()}
    reload(world, traffic)
    world.note("after the reload")
    traffic.round()
    _note_names(world, known)
    traffic.note_end(world)
    note_handshakes(world)


def _note_names(world: World, known: dict[bytes, str]) -> None:
    for name in (*_ASKED, "unknown.test", None):
        world.note(f"{name}: {seen_by(world, known, name)}")
