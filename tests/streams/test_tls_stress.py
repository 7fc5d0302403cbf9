"""Hundreds of TLS connections through one pair of buffers: every byte to the right one, or none."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.error import ConnectionDone

from tests.authority import issue, write_pair
from tests.streams.probe import Producer
from tests.streams.tls_peer import (
    Peer,
    Server,
    drop_some,
    flip_one_bit,
    put_plain_text_between,
)
from vaultrelay.certificates.server_certificate import load_certificate
from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.shared_bio import INCOMING, OUTGOING

CROWD = 300
MOST_TURNS = 20_000
SEEDS = (1, 7, 15, 1009, 20261128)
RECORD = 16 * 1024


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ServerTls:
    return ServerTls([load_certificate(*write_pair(tmp_path_factory.mktemp("pair"), issue()))])


@pytest.fixture
def server(tls: ServerTls) -> Iterator[Server]:
    found = Server(tls)
    yield found
    found.close()
    assert found.ledger.held == 0
    assert not found.hub._streams
    assert (INCOMING.pending, OUTGOING.pending) == (0, 0)


def own_text(number: int, part: int, size: int) -> bytes:
    """Returns text that no other connection says."""
    mark = b"<%d.%d>" % (number, part)
    return (mark * (size // len(mark) + 1))[:size]


def turn_until_all_is_quiet(server: Server, peers: list[Peer], sizes: list[int]) -> None:
    """Let each peer send pieces of its own size, in turns, until nothing passes any more."""
    for _ in range(MOST_TURNS):
        passed = [peer.step(size) for peer, size in zip(peers, sizes, strict=True)]
        served = server.reactor.turn()
        if not any(passed) and not served:
            return
    raise AssertionError("it never came to rest")


def shaken(server: Server, *peers: Peer) -> None:
    turn_until_all_is_quiet(server, list(peers), [1 << 20] * len(peers))
    assert all(peer.is_shaken for peer in peers)


@pytest.mark.parametrize("is_old", [False, True], ids=["1.3", "1.2"])
def test_records_are_cut_at_every_byte_among_300_connections(server: Server, is_old: bool) -> None:
    """Connection k has a cut at every byte whose number leaves the remainder k."""
    peers = [Peer(server, is_old) for _ in range(CROWD)]
    has_spoken: set[int] = set()
    cuts = set()
    for _ in range(MOST_TURNS):
        passed = False
        for number, peer in enumerate(peers):
            size = CROWD - (peer.sent - number) % CROWD
            passed = peer.step(size) or passed
            cuts.add(peer.sent)
            if peer.is_shaken and number not in has_spoken:
                has_spoken.add(number)
                for part, length in enumerate((1, 20, 300)):
                    peer.say(own_text(number, part, length))
        if not passed and not server.reactor.turn():
            break
        server.reactor.turn()
    for peer in peers:
        peer.check_honest()
        assert len(peer.said) == 321
    minimum = min(peer.sent for peer in peers)
    assert cuts >= set(range(1, minimum)), "some byte was never the last of a piece"


def test_single_bytes_of_30_connections_among_270_others(server: Server) -> None:
    peers = [Peer(server, is_old=number % 2 == 0) for number in range(CROWD)]
    sizes = [1 if number < 30 else 700 + number for number in range(CROWD)]
    turn_until_all_is_quiet(server, peers, sizes)
    for number, peer in enumerate(peers):
        for part in range(3):
            peer.say(own_text(number, part, 100 if number < 30 else 3000))
    turn_until_all_is_quiet(server, peers, sizes)
    for peer in peers:
        peer.check_honest()


def _crowd(server: Server, chosen: random.Random, folder: Path) -> dict[str, list[Peer]]:
    """Returns peers of all kinds, and changes what the dishonest ones send."""
    crowd: dict[str, list[Peer]] = {}
    for number in range(CROWD):
        is_old = number % 5 == 0
        kind = ("honest", "update", "leaving", "flip", "drop", "plain", "vanishing", "early")[
            (number % 16) if number % 16 < 8 else 0
        ]
        peer = Peer(server, keys=folder) if kind == "update" else Peer(server, is_old)
        if kind == "flip":
            peer.change = flip_one_bit(chosen)
        elif kind == "drop":
            peer.change = drop_some(chosen)
        elif kind == "plain":
            peer.change = put_plain_text_between(chosen)
        elif kind == "early" and chosen.random() < 0.7:
            # Its hello is spoilt already, or the Finished that follows it.
            peer.to_send[:] = flip_one_bit(random.Random(0))(bytes(peer.to_send))
            peer.to_send[chosen.randrange(len(peer.to_send))] ^= 1 << chosen.randrange(8)
        crowd.setdefault(kind, []).append(peer)
    return crowd


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crowd_of_honest_and_other_peers(server: Server, seed: int, tmp_path: Path) -> None:
    chosen = random.Random(seed)
    crowd = _crowd(server, chosen, tmp_path)
    everyone = [(kind, peer) for kind, peers in crowd.items() for peer in peers]
    number_of = {id(peer): number for number, (_, peer) in enumerate(everyone)}
    parts = {id(peer): chosen.randrange(2, 7) for _, peer in everyone}
    for _ in range(MOST_TURNS):
        passed = False
        for kind, peer in chosen.sample(everyone, chosen.choice((5, 60, CROWD))):
            size = chosen.choice((1, 3, 5, 6, 50, 1000, 20_000, 1 << 20))
            passed = peer.step(size) or passed
            if not peer.is_shaken or peer.is_gone or not parts[id(peer)]:
                continue
            parts[id(peer)] = left = parts[id(peer)] - 1
            passed = True
            if kind == "update":
                for _ in range(chosen.randrange(4)):
                    peer.update_key()
            length = chosen.choice((1, 30, 1000, RECORD - 1, RECORD, 2000))
            peer.say(own_text(number_of[id(peer)], left, length), kind == "leaving" and not left)
            if kind == "vanishing" and chosen.random() < 0.3:
                peer.vanish()
        server.reactor.turn()
        if not passed:
            busy = [peer.step(1 << 20) for _, peer in everyone]
            served = server.reactor.turn()
            has_more = any(
                peer.is_shaken and not peer.is_gone and parts[id(peer)] for _, peer in everyone
            )
            if not any(busy) and not served and not has_more:
                break
    else:
        raise AssertionError("it never came to rest")
    _check(crowd)


def _check(crowd: dict[str, list[Peer]]) -> None:
    for kind in ("honest", "update"):
        for peer in crowd[kind]:
            peer.check_honest()
            assert not peer.probe.reasons
    for peer in crowd["leaving"]:
        assert peer.probe.received == peer.said
        assert peer.probe.reasons == [ConnectionDone]
        peer.check_prefix()
    for kind in ("flip", "drop", "plain", "vanishing", "early"):
        for peer in crowd[kind]:
            peer.check_prefix()
    spoilt = [peer for kind in ("flip", "drop", "plain") for peer in crowd[kind]]
    ended = [peer for peer in spoilt if peer.probe.reasons]
    assert len(ended) > len(spoilt) // 5, "hardly anything was garbled"


def test_answers_to_key_updates_are_bounded_and_counted(server: Server, tmp_path: Path) -> None:
    peer = Peer(server, keys=tmp_path, buffer_bytes=16 * 1024)
    other = Peer(server)
    shaken(server, peer, other)
    for _ in range(20_000):
        peer.update_key()
    peer.said += b"after all of them"
    peer.to_send += peer.sealer.data(b"after all of them")
    whole = len(peer.to_send)
    transport = peer.probe.transport
    # It sends all it can, and reads nothing.
    while True:
        sent = _send_without_reading(peer)
        if not server.reactor.turn() and not sent:
            break
    held = server.ledger.held
    assert 0 < held <= MAX_READ_BYTES + RECORD
    assert transport.own_unsent == held
    left = len(peer.to_send)
    assert 0 < left < whole
    other.say(b"not disturbed")
    turn_until_all_is_quiet(server, [other], [1 << 20])
    other.check_honest()
    assert server.ledger.held == held
    # Once it reads, it is read.
    turn_until_all_is_quiet(server, [peer, other], [1 << 20] * 2)
    assert (server.ledger.held, transport.own_unsent) == (0, 0)
    peer.check_honest()


def _send_without_reading(peer: Peer) -> int:
    try:
        sent = peer.wire.send(peer.to_send)
    except BlockingIOError:
        return 0
    del peer.to_send[:sent]
    return sent


def test_what_is_held_is_given_back_when_the_peer_vanishes(server: Server, tmp_path: Path) -> None:
    peer = Peer(server, keys=tmp_path, buffer_bytes=16 * 1024)
    shaken(server, peer)
    for _ in range(4000):
        peer.update_key()
    while _send_without_reading(peer) or server.reactor.turn():
        pass
    assert server.ledger.held > 0
    peer.vanish()
    server.reactor.turn_until(lambda: peer.probe.reasons, lambda: None)
    assert server.ledger.held == 0


def test_a_pause_of_the_protocol_outlasts_that_of_key_updates(
    server: Server, tmp_path: Path
) -> None:
    peer = Peer(server, keys=tmp_path, buffer_bytes=16 * 1024)
    shaken(server, peer)
    for _ in range(4000):
        peer.update_key()
    while _send_without_reading(peer) or server.reactor.turn():
        pass
    assert server.ledger.held > 0
    peer.probe.transport.pauseProducing()
    peer.say(b"paused")
    turn_until_all_is_quiet(server, [peer], [1 << 20])
    assert server.ledger.held == 0
    assert not peer.probe.received
    peer.probe.transport.resumeProducing()
    turn_until_all_is_quiet(server, [peer], [1 << 20])
    peer.check_honest()


def test_a_producer_that_never_ends_does_not_keep_key_updates_waiting(
    server: Server, tmp_path: Path
) -> None:
    peer = Peer(server, keys=tmp_path, buffer_bytes=16 * 1024)
    shaken(server, peer)
    peer.probe.on_data = lambda *_: None
    produced = bytes(64 * 1024)

    def produce(producer: Producer) -> None:
        producer.probe.transport.write(produced)

    peer.probe.transport.registerProducer(Producer(peer.probe, resume=produce), False)
    for part in range(20):
        peer.update_key()
        peer.say(own_text(1, part, 500))
    for _ in range(400):
        peer.step(300)
        server.reactor.turn()
    assert peer.probe.received == peer.said
    assert len(peer.heard) > 10 * len(produced)
    peer.probe.transport.abortConnection()
    server.reactor.turn_until(lambda: peer.probe.reasons, lambda: None)
    peer.check_calls()
