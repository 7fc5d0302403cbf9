"""The direct transport keeps Twisted's contracts: order, producers, half-close, loss, abort."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost

from tests.transport.turns import Recorder, Turns, pair_of_sockets
from vaultrelay.policy.limits import HIGH_MARK
from vaultrelay.transport.direct import DirectServer

MUCH = bytes(range(256)) * 16_384
"""4 MiB: more than the buffers of a socket pair hold."""


class Scene:
    """A direct connection, its protocol and its peer's socket."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.peer.settimeout(5)
        self.reactor = Turns()
        self.protocol = Recorder()
        reactor: Any = self.reactor
        server: Any = None
        self.transport = DirectServer(ours, self.protocol, ("", 0), server, 1, reactor)
        self.protocol.makeConnection(self.transport)

    def read(self, size: int) -> bytes:
        """What the peer gets, the reactor turning meanwhile."""
        found = b""
        while len(found) < size:
            self.reactor.turn()
            found += self.peer.recv(1 << 20)
        return found


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.peer.close()
    scene.transport.abortConnection()
    scene.reactor.turn()


def test_a_write_goes_out_at_once(scene: Scene) -> None:
    scene.transport.write(b"now")
    assert scene.peer.recv(100) == b"now"
    assert scene.reactor.writers == set()


def test_what_the_kernel_does_not_take_follows_in_order(scene: Scene) -> None:
    scene.transport.write(MUCH)
    scene.transport.write(b"after it")
    assert scene.reactor.writers == {scene.transport}
    assert scene.read(len(MUCH) + 8) == MUCH + b"after it"
    scene.reactor.turn()
    assert scene.reactor.writers == set()
    scene.transport.write(b"at once again")
    assert scene.peer.recv(100) == b"at once again"


def test_a_producer_is_paused_while_much_is_queued_and_resumed_when_it_is_gone(
    scene: Scene,
) -> None:
    scene.transport.registerProducer(scene.protocol, True)
    scene.transport.write(b"little")
    assert scene.protocol.flow == []
    scene.transport.write(MUCH)
    assert scene.protocol.flow == ["pause"]
    scene.read(6 + len(MUCH))
    scene.reactor.turn()
    assert scene.protocol.flow == ["pause", "resume"]


def test_lose_connection_waits_for_what_is_queued(scene: Scene) -> None:
    scene.transport.write(MUCH)
    scene.transport.loseConnection()
    assert scene.read(len(MUCH)) == MUCH
    scene.reactor.turn()
    assert scene.protocol.lost == [ConnectionDone]
    assert scene.peer.recv(1) == b""


def test_nothing_is_sent_after_half_a_close(scene: Scene) -> None:
    scene.transport.write(b"last")
    scene.transport.loseWriteConnection()
    scene.reactor.turn()
    scene.transport.write(b"too late")
    assert scene.read(4) == b"last"
    assert scene.peer.recv(100) == b""


def test_a_broken_connection_is_found_and_told_once(scene: Scene) -> None:
    scene.transport.stopReading()
    scene.peer.close()
    scene.transport.write(b"into nothing")
    scene.transport.write(b"into nothing")
    assert scene.protocol.lost == []
    scene.reactor.turn()
    assert scene.protocol.lost == [ConnectionLost]


def test_an_abort_drops_what_is_queued(scene: Scene) -> None:
    scene.transport.write(MUCH)
    scene.transport.abortConnection()
    scene.reactor.turn()
    assert len(scene.protocol.lost) == 1
    assert scene.reactor.readers == scene.reactor.writers == set()


def test_each_read_is_kept_though_the_buffer_is_shared(scene: Scene) -> None:
    for data in (b"first", b"second"):
        scene.peer.sendall(data)
        scene.reactor.turn()
    assert scene.protocol.received == [b"first", b"second"]
    scene.reactor.turn()
    assert scene.protocol.received == [b"first", b"second"], "nothing there, nothing read"


def test_the_end_of_the_stream_is_the_end_of_the_connection(scene: Scene) -> None:
    scene.peer.close()
    scene.reactor.turn()
    assert scene.protocol.lost == [ConnectionDone]
    scene.transport.write(b"to nobody")


def test_a_reset_is_a_loss(scene: Scene) -> None:
    class Reset:
        def recv_into(self, buffer: bytearray) -> int:
            raise ConnectionResetError(104, "reset")

        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

    whole = scene.transport.socket
    scene.peer.send(b"something to read")
    scene.transport.socket = Reset()  # type: ignore[assignment]
    scene.reactor.turn()
    scene.transport.socket = whole
    assert scene.protocol.lost == [ConnectionLost]


@pytest.mark.parametrize("size", [10, 100_000])
def test_pieces_go_out_at_once_and_in_order(scene: Scene, size: int) -> None:
    pieces = [b"head", bytes(size), b"tail"]
    scene.transport.writeSequence(iter(pieces))
    assert scene.reactor.writers == set()
    assert scene.read(size + 8) == b"".join(pieces)


@pytest.mark.parametrize("first", [b"head", MUCH])
def test_pieces_that_the_kernel_does_not_take_follow_in_order(scene: Scene, first: bytes) -> None:
    scene.transport.registerProducer(scene.protocol, True)
    scene.transport.writeSequence([first, MUCH, b"tail"])
    scene.transport.writeSequence([b"and", MUCH])
    assert scene.protocol.flow[0] == "pause"
    expected = first + MUCH + b"tail" + b"and" + MUCH
    assert scene.read(len(expected)) == expected
    scene.reactor.turn()
    assert scene.protocol.flow[-1] == "resume"


def test_many_pieces_go_out_too(scene: Scene) -> None:
    pieces = [bytes([number]) * 1000 for number in range(200)]
    scene.transport.writeSequence(pieces)
    assert scene.read(200_000) == b"".join(pieces)


def test_pieces_to_a_broken_connection_are_found_out(scene: Scene) -> None:
    scene.transport.stopReading()
    scene.peer.close()
    scene.transport.writeSequence([b"into nothing", MUCH])
    scene.reactor.turn()
    assert scene.protocol.lost == [ConnectionLost]


def test_a_message_of_64_kib_and_its_headers_come_in_one_read(scene: Scene) -> None:
    scene.peer.sendall(bytes(65536 + 30))
    scene.reactor.turn()
    assert [len(data) for data in scene.protocol.received] == [65536 + 30]


def test_no_text_of_a_connection_names_its_client(scene: Scene) -> None:
    assert scene.transport.logPrefix() == repr(scene.transport) == "DirectServer"


def test_a_producer_is_paused_only_for_what_was_not_sent(scene: Scene) -> None:
    scene.transport.registerProducer(scene.protocol, True)
    scene.transport.write(b"all of it")
    assert scene.protocol.flow == []

    class Greedy:
        """Takes all but a little."""

        def send(self, data: bytes) -> int:
            return len(data) - 10

        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

    whole = scene.transport.socket
    scene.transport.socket = Greedy()  # type: ignore[assignment]
    scene.transport.write(MUCH)
    scene.transport.socket = whole
    assert scene.protocol.flow == ["pause"]
    scene.reactor.turn()
    assert scene.peer.recv(100) == b"all of it" + MUCH[-10:]
    assert scene.protocol.flow == ["pause", "resume"]


@pytest.mark.parametrize("is_tcp", [True, False], ids=["tcp", "unix"])
def test_what_the_peer_does_not_take_is_not_acknowledged(is_tcp: bool) -> None:
    reactor: Any = Turns()
    here, there = pair_of_sockets(is_tcp)
    transport = DirectServer(here, Recorder(), ("", 0), None, 0, reactor)
    got = 0

    def read() -> int:
        nonlocal got
        try:
            size = len(there.recv(1 << 20))
        except BlockingIOError:
            return 0
        got += size
        return size

    try:
        transport.write(MUCH)
        assert transport.unacknowledged() > HIGH_MARK
        reactor.turn_until(lambda: got == len(MUCH) and not transport.unacknowledged(), read)
    finally:
        here.close()
        there.close()
    assert transport.unacknowledged() == 0, "nobody can tell any more"
