"""The scenarios, in families: what a client does, cut and paused where it hurts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.transcripts.conversations import conversations
from tests.transcripts.exhaustion import exhaustions
from tests.transcripts.faults import bad_input, ends
from tests.transcripts.handover import handovers
from tests.transcripts.handover_names import handovers_of_several
from tests.transcripts.handshakes import handshakes
from tests.transcripts.leaving import leaving
from tests.transcripts.proxied import proxy_lines
from tests.transcripts.records import records
from tests.transcripts.world import VECTORS, Play, Vault, World


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
    yield from proxy_lines()
    for servers, family in _PLAYED_TO:
        for server in servers:
            for name, play in family():
                yield server, name, play


_LISTENING = ("plain", "tls", "unix")
_INHERITED = ("activated", "activated-unix")
_PLAYED_TO: tuple[tuple[tuple[str, ...], Callable[[], Iterator[tuple[str, Play]]]], ...] = (
    ((*_LISTENING, "proxied", "proxied-tls", "proxied-unix", *_INHERITED), conversations),
    (_LISTENING, leaving),
    (("plain", "tls"), bad_input),
    (("tls", "proxied-tls"), records),
    (("tls", "proxied-tls"), handshakes),
    (tuple(f"own-{each}" for each in ("plain", "tls", *_INHERITED, "proxied-tls")), ends),
    (("own-tls",), handovers),
    (("own-several-tls",), handovers_of_several),
    (("own-limited", "own-limited-tls", "own-limited-unix"), exhaustions),
)
"""The servers of each other family."""


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
