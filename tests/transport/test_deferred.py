"""Streams that are not read while memory is full: they wait in order, and cost no turn."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.transport.turns import HUBS, Recorder, WatchingHub, open_hub, pair_of_sockets
from vaultrelay.transport.stream import Stream

LIMIT = 16 << 20
PEERS: list[Any] = []
"""Closed after each test."""


class NoAllowance:
    bytes_allowed = 0


@pytest.fixture(params=HUBS)
def hub(request: pytest.FixtureRequest) -> Iterator[WatchingHub]:
    hub = open_hub(request.param, LIMIT)
    yield hub
    hub.ledger.add(-hub.ledger.held)
    hub.stopService()
    while PEERS:
        PEERS.pop().close()
    hub.turns.turn()
    assert hub.events == {}


def deferred(hub: WatchingHub, is_tcp: bool = False) -> tuple[Any, Any]:
    """A stream that has input, and is not read; and its peer."""
    ours, peer = pair_of_sockets(is_tcp)
    PEERS.append(peer)
    stream: Any = Stream(hub, ours, "", Recorder())
    stream.protocol.makeConnection(stream)
    stream.allowance = NoAllowance()
    peer.send(b"hello")
    hub.ledger.add(LIMIT)
    hub.turns.turn(1.0)
    assert hub.events[stream.descriptor] == 0
    return stream, peer


def test_a_deferred_stream_is_read_when_memory_is_freed(hub: WatchingHub) -> None:
    stream, _ = deferred(hub)
    assert hub.turns.turn() == 0
    hub.ledger.add(-LIMIT)
    hub.turns.settle()
    assert stream.protocol.heard == b"hello"


def test_a_deferred_stream_that_is_paused_stays_so(hub: WatchingHub) -> None:
    stream, _ = deferred(hub)
    stream.pauseProducing()
    hub.ledger.add(-LIMIT)
    hub.turns.settle()
    assert stream.protocol.heard == b""
    stream.resumeProducing()
    hub.turns.settle()
    assert stream.protocol.heard == b"hello"


def test_what_is_allowed_later_is_read_though_memory_is_full(hub: WatchingHub) -> None:
    stream, _ = deferred(hub)
    stream.allowance.bytes_allowed = 3
    stream.read_again()
    hub.turns.turn()
    assert stream.protocol.heard == b"hel"


@pytest.mark.parametrize("is_tcp", [False, True])
def test_a_deferred_stream_whose_peer_is_gone_takes_no_turns(
    hub: WatchingHub, is_tcp: bool
) -> None:
    _, peer = deferred(hub, is_tcp)
    peer.close()
    hub.turns.turn()
    assert hub.turns.turn() == 0


def test_a_closed_stream_is_no_longer_deferred(hub: WatchingHub) -> None:
    stream, _ = deferred(hub)
    stream.abortConnection()
    hub.turns.settle()
    hub.ledger.add(-LIMIT)
    hub.turns.settle()
    assert stream.protocol is None
