"""A stream keeps Twisted's contracts: order, producers, half-close, loss, abort."""

import socket
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IPushProducer,
    ISystemHandle,
    ITCPTransport,
    ITransport,
)
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.transport.turns import HUBS, Recorder, WatchingHub, is_closed, open_hub, pair_of_sockets
from vaultrelay.policy.limits.memory import HIGH_MARK
from vaultrelay.policy.limits.pending import HEAD_BYTES
from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.transport.hub_stream import READ, WRITE
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.preamble import OpeningStream, Stage, StageFailed
from vaultrelay.transport.socket_address import is_unix, twisted_address
from vaultrelay.transport.stream import Stream

MUCH = bytes(range(256)) * 16_384
"""4 MiB: more than the buffers of a socket pair hold."""


class Scene:
    """A stream, its protocol and its peer's socket."""

    def __init__(
        self,
        hub: WatchingHub,
        kind: type[Stream] = Stream,
        protocol: Recorder | None = None,
        stages: Sequence[Stage] = (),
    ) -> None:
        ours, self.peer = pair_of_sockets(kind is PlainStream)
        self.peer.setblocking(True)
        self.peer.settimeout(5)
        self.hub = hub
        self.turn = hub.turns.turn
        self.protocol: Any = protocol or Recorder()
        self.descriptor = ours.fileno()
        self.address = self.peer.getsockname()
        self.stream: Any = kind(hub, ours, self.address, self.protocol, stages)
        self.protocol.makeConnection(self.stream)

    @property
    def events(self) -> int:
        """For which the hub watches it."""
        return self.hub.events.get(self.descriptor, 0)

    def read(self, size: int) -> bytes:
        """What the peer gets, the reactor turning meanwhile."""
        found = bytearray()

        def step() -> int:
            try:
                data = self.peer.recv(1 << 20)
            except BlockingIOError:
                return 0
            found.extend(data)
            return len(data)

        self.peer.setblocking(False)
        self.hub.turns.turn_until(lambda: len(found) >= size, step)
        self.peer.settimeout(5)
        return bytes(found)

    def turn_until_lost(self) -> None:
        self.hub.turns.turn_until(lambda: self.protocol.lost, lambda: False)

    def close(self) -> None:
        self.peer.close()
        self.stream.abortConnection()
        self.turn()

    def assert_gone(self, reason: type) -> None:
        """It was lost, once, and nothing is left of it."""
        assert self.protocol.lost == [reason]
        assert self.events == 0
        assert is_closed(self.descriptor)
        assert self.stream.descriptor == -1


Make = Callable[..., Scene]


@pytest.fixture(params=HUBS)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    hub = open_hub(request.param)
    scenes: list[Scene] = []

    def build(*arguments: Any, **options: Any) -> Scene:
        scenes.append(Scene(hub, *arguments, **options))
        return scenes[-1]

    yield build
    for scene in scenes:
        scene.close()
    hub.stopService()
    assert hub.events == {}
    assert hub.turns.readers == hub.turns.writers == set()


@pytest.fixture
def scene(make: Make) -> Scene:
    return make()


class Stand:
    """Takes the place of a stream's socket, but for one method."""

    def __init__(self, scene: Scene, name: str, method: Any) -> None:
        self.whole = scene.stream.socket
        setattr(self, name, method)
        scene.stream.socket = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


def fail_with(error: OSError) -> Callable[..., Any]:
    def method(*arguments: object) -> None:
        raise error

    return method


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Recorder):
    """Is told of each direction's end."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    def readConnectionLost(self) -> None:
        self.ends.append("read")

    def writeConnectionLost(self) -> None:
        self.ends.append("write")


class Pull:
    """A pull producer that has a few pieces."""

    def __init__(self, stream: Any, pieces: list[bytes]) -> None:
        self.stream = stream
        self.pieces = pieces
        self.is_stopped = False

    def resumeProducing(self) -> None:
        self.stream.write(self.pieces.pop(0))
        if not self.pieces:
            self.stream.unregisterProducer()

    def stopProducing(self) -> None:
        self.is_stopped = True


class TestWriting:
    def test_a_write_goes_out_at_once(self, scene: Scene) -> None:
        scene.stream.write(b"now")
        assert scene.peer.recv(100) == b"now"
        assert scene.events == READ

    def test_nothing_is_written_for_nothing(self, scene: Scene) -> None:
        scene.stream.write(b"")
        scene.stream.writeSequence([])
        scene.stream.write(MUCH)
        scene.stream.write(b"")
        assert scene.read(len(MUCH)) == MUCH
        scene.turn()
        assert scene.events == READ

    def test_only_bytes_are_written(self, scene: Scene) -> None:
        with pytest.raises(TypeError):
            scene.stream.write("text")

    def test_what_the_kernel_does_not_take_follows_in_order(self, scene: Scene) -> None:
        scene.stream.write(MUCH)
        scene.stream.write(b"after it")
        assert scene.events == READ | WRITE
        assert scene.read(len(MUCH) + 8) == MUCH + b"after it"
        scene.turn()
        assert scene.events == READ
        scene.stream.write(b"at once again")
        assert scene.peer.recv(100) == b"at once again"

    def test_a_full_kernel_is_asked_again_later(self, scene: Scene) -> None:
        scene.stream.write(MUCH)
        scene.stream.can_write()
        scene.stream.can_write()
        assert scene.read(len(MUCH)) == MUCH

    @pytest.mark.parametrize("size", [10, 100_000])
    def test_pieces_go_out_at_once_and_in_order(self, scene: Scene, size: int) -> None:
        pieces = [b"head", bytes(size), b"tail"]
        scene.stream.writeSequence(iter(pieces))
        assert scene.events == READ
        assert scene.read(size + 8) == b"".join(pieces)

    @pytest.mark.parametrize("first", [b"head", MUCH])
    def test_pieces_that_the_kernel_does_not_take_follow_in_order(
        self, scene: Scene, first: bytes
    ) -> None:
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.writeSequence([first, MUCH, b"tail"])
        scene.stream.writeSequence([b"and", MUCH])
        assert scene.protocol.flow[0] == "pause"
        expected = first + MUCH + b"tail" + b"and" + MUCH
        assert scene.read(len(expected)) == expected
        scene.turn()
        assert scene.protocol.flow[-1] == "resume"

    def test_many_pieces_go_out_too(self, scene: Scene) -> None:
        pieces = [bytes([number]) * 1000 for number in range(200)]
        scene.stream.writeSequence(pieces)
        assert scene.read(200_000) == b"".join(pieces)

    def test_many_pieces_that_wait_go_out_too(self, scene: Scene) -> None:
        """More than the kernel takes at once."""
        pieces = [MUCH, *(bytes([number]) * 50 for number in range(100))]
        for piece in pieces:
            scene.stream.write(piece)
        assert scene.read(len(MUCH) + 5000) == b"".join(pieces)

    def test_pieces_to_a_broken_connection_are_found_out(self, scene: Scene) -> None:
        scene.stream.pauseProducing()
        scene.peer.close()
        scene.stream.writeSequence([b"into nothing", MUCH])
        assert scene.protocol.lost == []
        scene.turn()
        scene.assert_gone(ConnectionLost)

    @pytest.mark.parametrize("end", ["loseWriteConnection", "loseConnection"])
    def test_what_is_written_while_it_closes_is_sent(self, scene: Scene, end: str) -> None:
        """As Twisted does, until all is sent."""
        getattr(scene.stream, end)()
        scene.stream.write(b"a little")
        scene.stream.writeSequence([MUCH, b"more"])
        assert scene.read(len(MUCH) + 12) == b"a little" + MUCH + b"more"
        scene.turn()
        assert scene.peer.recv(1) == b""

    @pytest.mark.parametrize("kind", [PlainStream, Stream])
    def test_what_the_peer_does_not_take_is_not_acknowledged(
        self, make: Make, kind: type[Stream]
    ) -> None:
        scene = make(kind)
        scene.stream.write(MUCH)
        assert scene.stream.unacknowledged() > HIGH_MARK
        scene.peer.setblocking(False)
        got = 0

        def read() -> int:
            nonlocal got
            try:
                size = len(scene.peer.recv(1 << 20))
            except BlockingIOError:
                return 0
            got += size
            return size

        scene.hub.turns.turn_until(
            lambda: got == len(MUCH) and not scene.stream.unacknowledged(), read
        )
        scene.stream.write(b"unread")
        scene.stream.abortConnection()
        scene.turn()
        assert scene.stream.unacknowledged() == 0, "nobody can tell any more"

    def test_all_that_is_like_bytes_is_sent_and_nothing_else(self, scene: Scene) -> None:
        scene.stream.write(bytearray(b"one "))
        scene.stream.write(memoryview(b"not two")[4:])
        with pytest.raises(TypeError):
            scene.stream.write("three")
        assert scene.read(7) == b"one two"


class TestAPushProducer:
    def test_is_paused_while_much_is_queued_and_resumed_when_it_is_gone(self, scene: Scene) -> None:
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.write(b"little")
        assert scene.protocol.flow == []
        scene.stream.write(MUCH)
        assert scene.protocol.flow == ["pause"]
        scene.read(6 + len(MUCH))
        scene.turn()
        assert scene.protocol.flow == ["pause", "resume"]

    def test_is_paused_only_for_what_was_not_sent(self, scene: Scene) -> None:
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.write(b"all of it")
        assert scene.protocol.flow == []
        scene.stream.write(MUCH)
        assert scene.protocol.flow == ["pause"]
        assert scene.read(9 + len(MUCH)) == b"all of it" + MUCH
        scene.turn()
        assert scene.protocol.flow == ["pause", "resume"]

    def test_that_fills_it_again_is_paused_again(self, make: Make) -> None:
        class Refilling(Recorder):
            def resumeProducing(self) -> None:
                super().resumeProducing()
                if self.flow.count("resume") == 1:
                    self.transport.write(MUCH)

        scene = make(protocol=Refilling())
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.write(MUCH)
        assert scene.read(2 * len(MUCH)) == MUCH + MUCH
        scene.turn()
        assert scene.protocol.flow == ["pause", "resume", "pause", "resume"]

    def test_is_stopped_before_the_protocol_is_told_of_the_end(self, make: Make) -> None:
        told: list[str] = []

        class Ordered(Recorder):
            def stopProducing(self) -> None:
                told.append("stop")

            def connectionLost(self, reason: Any = None) -> None:
                super().connectionLost(reason)
                told.append("lost")

        scene = make(protocol=Ordered())
        scene.stream.registerProducer(scene.protocol, True)
        scene.peer.close()
        scene.turn()
        assert told == ["stop", "lost"]

    def test_that_is_unregistered_is_not_stopped(self, scene: Scene) -> None:
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.unregisterProducer()
        scene.stream.write(MUCH)
        scene.peer.close()
        scene.turn_until_lost()
        assert scene.protocol.flow == []

    def test_is_one_at_a_time(self, scene: Scene) -> None:
        scene.stream.registerProducer(scene.protocol, True)
        with pytest.raises(RuntimeError, match="registered already"):
            scene.stream.registerProducer(scene.protocol, True)
        scene.stream.unregisterProducer()
        scene.stream.registerProducer(scene.protocol, True)

    def test_of_a_closed_connection_is_stopped_at_once(self, scene: Scene) -> None:
        scene.peer.close()
        scene.turn()
        scene.stream.registerProducer(scene.protocol, True)
        assert scene.protocol.flow == ["stop"]


class TestAPullProducer:
    def test_is_asked_until_it_has_no_more(self, scene: Scene) -> None:
        pieces = [b"first", MUCH, b"last"]
        scene.stream.registerProducer(Pull(scene.stream, list(pieces)), False)
        expected = b"".join(pieces)
        assert scene.read(len(expected)) == expected
        scene.turn()
        assert scene.events == READ

    def test_is_asked_while_the_connection_closes(self, scene: Scene) -> None:
        """The close waits for it, as with Twisted's own."""
        scene.stream.registerProducer(Pull(scene.stream, [b"1", b"2", b"3"]), False)
        scene.stream.loseConnection()
        assert scene.read(3) == b"123"
        scene.turn()
        assert scene.peer.recv(1) == b""
        scene.assert_gone(ConnectionDone)

    def test_is_stopped_when_the_connection_goes(self, scene: Scene) -> None:
        producer = Pull(scene.stream, [b"1", b"2", b"3"])
        scene.stream.registerProducer(producer, False)
        scene.stream.abortConnection()
        scene.turn()
        assert producer.is_stopped
        assert len(producer.pieces) == 3


class TestReading:
    def test_each_read_is_kept_though_the_buffer_is_shared(self, scene: Scene) -> None:
        for data in (b"first", b"second"):
            scene.peer.sendall(data)
            scene.turn()
        assert scene.protocol.received == [b"first", b"second"]
        scene.turn()
        scene.stream.can_read()
        assert scene.protocol.received == [b"first", b"second"], "nothing there, nothing read"

    def test_what_was_read_stays_as_it_is(self, scene: Scene) -> None:
        """Large reads and small ones may use the memory of the buffer in different ways."""
        sent = [bytes([number]) * size for number, size in enumerate((65_536, 3, 50_000, 32_768))]
        for data in sent:
            scene.peer.sendall(data)
            scene.turn()
        assert scene.protocol.received == sent

    def test_a_message_of_64_kib_and_its_headers_come_in_one_read(self, scene: Scene) -> None:
        scene.peer.sendall(bytes(65536 + 30))
        scene.turn()
        assert [len(data) for data in scene.protocol.received] == [65536 + 30]

    @pytest.mark.parametrize(
        ("held", "size"), [(0, MAX_READ_BYTES), (1000, HEAD_BYTES)], ids=["empty", "full"]
    )
    def test_reads_shrink_as_the_ledger_fills(self, make: Make, held: int, size: int) -> None:
        scene = make()
        ledger = scene.hub.ledger
        ledger.configure(1000)
        ledger.add(held)
        scene.peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_READ_BYTES)
        scene.peer.setblocking(False)
        assert scene.peer.send(bytes(MAX_READ_BYTES + 1)) > size
        scene.turn()
        assert len(scene.protocol.received[0]) == size

    def test_a_read_of_less_than_nothing_is_a_mistake(self, make: Make) -> None:
        """As a size for the kernel it would be larger than any buffer."""
        scene = make()
        scene.stream.allowance = SimpleNamespace(bytes_allowed=-1)
        scene.hub.ledger.configure(1000)
        scene.hub.ledger.add(1000)
        scene.peer.send(b"more")
        with pytest.raises((ValueError, OverflowError)):
            scene.stream.can_read()
        assert scene.protocol.received == []

    def test_a_pause_leaves_bytes_in_the_kernel(self, scene: Scene) -> None:
        scene.stream.pauseProducing()
        scene.peer.send(b"later")
        scene.turn()
        scene.stream.can_read()
        assert scene.protocol.received == []
        scene.stream.resumeProducing()
        scene.turn()
        assert scene.protocol.received == [b"later"]

    def test_a_pause_by_one_that_was_served_before_it_holds_in_the_same_turn(
        self, make: Make
    ) -> None:
        class Pausing(Recorder):
            other: Any = None

            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.other.pauseProducing()

        scenes = [make(protocol=Pausing()) for _ in range(2)]
        for scene, other in (scenes, scenes[::-1]):
            scene.protocol.other = other.stream
            scene.peer.send(b"x")
        scenes[0].turn()
        assert sorted(scene.protocol.heard for scene in scenes) == [b"", b"x"]

    def test_a_pause_leaves_writing_as_it_is(self, scene: Scene) -> None:
        scene.stream.pauseProducing()
        scene.stream.write(MUCH)
        assert scene.events == WRITE
        scene.read(len(MUCH))
        scene.turn()
        assert scene.events == 0
        scene.stream.resumeProducing()
        assert scene.events == READ


class TestTheEnd:
    def test_lose_connection_waits_for_what_is_queued(self, scene: Scene) -> None:
        scene.stream.write(MUCH)
        scene.stream.loseConnection()
        assert scene.stream.disconnecting
        assert scene.read(len(MUCH)) == MUCH
        scene.turn()
        scene.assert_gone(ConnectionDone)
        assert not scene.stream.disconnecting
        assert scene.peer.recv(1) == b""

    def test_a_producer_is_to_stop_by_closing(self, scene: Scene) -> None:
        scene.stream.write(b"last")
        scene.stream.stopProducing()
        scene.turn()
        scene.assert_gone(ConnectionDone)
        assert scene.peer.recv(100) == b"last"

    def test_nothing_is_read_while_it_closes(self, scene: Scene) -> None:
        scene.stream.write(MUCH)
        scene.stream.loseConnection()
        scene.stream.resumeProducing()
        scene.peer.send(b"unheard")
        scene.turn()
        assert scene.protocol.received == []
        assert scene.events == WRITE

    def test_a_paused_producer_has_its_turn_before_the_close(self, make: Make) -> None:
        class Refilling(Recorder):
            def resumeProducing(self) -> None:
                self.transport.unregisterProducer()
                self.transport.write(b"the rest")

        scene = make(protocol=Refilling())
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.write(MUCH)
        scene.stream.loseConnection()
        assert scene.read(len(MUCH) + 8) == MUCH + b"the rest"
        scene.turn()
        scene.assert_gone(ConnectionDone)

    def test_a_producer_that_was_resumed_is_not_asked_again_before_the_close(
        self, scene: Scene
    ) -> None:
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.write(MUCH)
        scene.read(len(MUCH))
        scene.turn()
        scene.stream.loseConnection()
        scene.turn()
        scene.assert_gone(ConnectionDone)
        assert scene.protocol.flow == ["pause", "resume", "stop"]

    def test_nothing_is_sent_after_half_a_close(self, scene: Scene) -> None:
        scene.stream.write(b"last")
        scene.stream.loseWriteConnection()
        scene.turn()
        scene.stream.write(b"too late")
        scene.stream.writeSequence([MUCH])
        scene.stream.loseWriteConnection()
        assert scene.read(4) == b"last"
        assert scene.peer.recv(100) == b""

    def test_after_half_a_close_it_still_reads(self, make: Make) -> None:
        scene = make(protocol=HalfCloseable())
        scene.stream.write(MUCH)
        scene.stream.loseWriteConnection()
        assert scene.protocol.ends == []
        scene.read(len(MUCH))
        scene.turn()
        assert scene.protocol.ends == ["write"]
        scene.peer.send(b"heard")
        scene.turn()
        assert scene.protocol.received == [b"heard"]
        scene.stream.loseConnection()
        scene.turn()
        scene.assert_gone(ConnectionDone)

    def test_half_a_close_is_one_though_a_producer_leaves_after_it(self, make: Make) -> None:
        scene = make(protocol=HalfCloseable())
        scene.stream.registerProducer(scene.protocol, True)
        scene.stream.loseWriteConnection()
        scene.turn()
        scene.stream.unregisterProducer()
        scene.turn()
        assert scene.protocol.ends == ["write"]
        assert scene.events == READ

    def test_after_half_a_close_of_the_peer_it_still_writes(self, make: Make) -> None:
        scene = make(protocol=HalfCloseable())
        scene.peer.send(b"question")
        scene.peer.shutdown(socket.SHUT_WR)
        scene.turn()
        scene.turn()
        assert (scene.protocol.received, scene.protocol.ends) == ([b"question"], ["read"])
        assert scene.turn() == 0, "an end is told once"
        scene.stream.write(b"answer")
        assert scene.peer.recv(100) == b"answer"
        scene.stream.loseConnection()
        scene.turn()
        scene.assert_gone(ConnectionDone)

    def test_the_end_of_both_halves_is_the_end_of_the_connection(self, scene: Scene) -> None:
        scene.stream.loseWriteConnection()
        scene.turn()
        scene.peer.close()
        scene.turn()
        scene.assert_gone(ConnectionDone)

    def test_the_end_of_the_stream_is_the_end_of_the_connection(self, scene: Scene) -> None:
        scene.peer.close()
        scene.turn()
        scene.assert_gone(ConnectionDone)
        scene.stream.write(b"to nobody")
        scene.stream.writeSequence([MUCH])

    def test_a_reset_is_a_loss(self, scene: Scene) -> None:
        scene.stream.write(b"not read")
        scene.peer.close()
        scene.turn()
        scene.assert_gone(ConnectionLost)

    def test_a_broken_connection_is_found_and_told_once(self, scene: Scene) -> None:
        scene.stream.pauseProducing()
        scene.peer.close()
        scene.stream.write(b"into nothing")
        scene.stream.write(b"into nothing")
        assert scene.protocol.lost == []
        scene.turn()
        scene.turn()
        scene.assert_gone(ConnectionLost)

    def test_an_error_is_told_even_to_one_that_reads_nothing(self, make: Make) -> None:
        scene = make()
        scene.stream.pauseProducing()
        scene.stream.ready(READ)
        assert scene.protocol.lost == []
        scene.stream.ready(8)
        scene.assert_gone(ConnectionLost)

    def test_an_abort_drops_what_is_queued(self, scene: Scene) -> None:
        scene.stream.write(MUCH)
        scene.stream.abortConnection()
        scene.stream.abortConnection()
        assert scene.protocol.lost == [], "its caller is not called back"
        scene.stream.write(b"more")
        scene.turn()
        scene.assert_gone(ConnectionAborted)

    def test_an_abort_resets_the_connection(self, make: Make) -> None:
        scene = make(PlainStream)
        scene.stream.abortConnection()
        scene.turn()
        with pytest.raises(ConnectionResetError):
            scene.peer.recv(1)

    def test_nothing_that_is_asked_after_it_does_anything(self, scene: Scene) -> None:
        scene.peer.close()
        scene.turn()
        scene.stream.lose(None)
        scene.stream.abortConnection()
        scene.stream.loseConnection()
        scene.stream.loseWriteConnection()
        scene.stream.pauseProducing()
        scene.stream.resumeProducing()
        scene.stream.unregisterProducer()
        assert scene.turn() == 0
        scene.assert_gone(ConnectionDone)

    def test_the_socket_may_be_gone_already(self, scene: Scene) -> None:
        """Its peer reset the connection: then neither half can be shut down."""
        Stand(scene, "shutdown", fail_with(OSError(107, "not connected")))
        scene.stream.loseWriteConnection()
        scene.turn()
        scene.stream.loseConnection()
        scene.turn()
        scene.assert_gone(ConnectionDone)


class Line:
    """A stage that takes one line."""

    def __init__(self, failure: StageFailed | None = None) -> None:
        self.failure = failure
        self.so_far = b""
        self.losses = 0

    def feed(self, stream: OpeningStream, data: bytes) -> bytes | None:
        if self.failure is not None:
            raise self.failure
        self.so_far += data
        line, end, rest = self.so_far.partition(b"\n")
        if not end:
            return None
        stream.peer = IPv4Address("TCP", line.decode(), 1)
        return rest

    def lost(self, stream: OpeningStream, is_orderly: bool) -> None:
        self.losses += 1


class TestThePreamble:
    def test_comes_before_what_the_protocol_gets(self, make: Make) -> None:
        scene = make(stages=[Line()])
        for piece in (b"192.0", b".2.1\nfirst", b"second"):
            scene.peer.send(piece)
            scene.turn()
        assert scene.protocol.received == [b"first", b"second"]
        assert scene.stream.getPeer() == IPv4Address("TCP", "192.0.2.1", 1)

    def test_may_end_with_a_read(self, make: Make) -> None:
        scene = make(stages=[Line()])
        scene.peer.send(b"192.0.2.1\n")
        scene.turn()
        assert scene.protocol.received == []
        scene.peer.send(b"first")
        scene.turn()
        assert scene.protocol.received == [b"first"]

    @pytest.mark.parametrize("answer", [b"", b"no"])
    def test_that_fails_ends_the_connection_with_its_answer(
        self, make: Make, answer: bytes
    ) -> None:
        stage = Line(StageFailed(answer))
        scene = make(stages=[stage])
        scene.peer.send(b"bad\n")
        scene.turn()
        assert scene.protocol.received == []
        scene.assert_gone(ConnectionLost)
        assert scene.peer.recv(100) == answer
        assert stage.losses == 0

    def test_is_told_when_the_connection_goes(self, make: Make) -> None:
        stage = Line()
        scene = make(protocol=HalfCloseable(), stages=[stage])
        scene.peer.send(b"192.0")
        scene.turn()
        scene.peer.close()
        scene.turn()
        assert stage.losses == 1
        assert scene.protocol.ends == []
        scene.assert_gone(ConnectionLost)

    def test_may_close_the_connection(self, make: Make) -> None:
        class Closing(Line):
            def feed(self, stream: Any, data: bytes) -> bytes | None:
                stream.abortConnection()
                return super().feed(stream, data)

        scene = make(stages=[Closing()])
        scene.peer.send(b"192.0.2.1\nrest")
        scene.turn()
        assert scene.protocol.received == []
        scene.assert_gone(ConnectionAborted)


class TestItsAddressesAndOptions:
    def test_of_tcp(self, make: Make) -> None:
        scene = make(PlainStream)
        verifyObject(ITCPTransport, scene.stream)
        assert scene.stream.getPeer() == IPv4Address("TCP", *scene.address)
        assert scene.stream.getHost() == IPv4Address("TCP", *scene.peer.getpeername())
        for name in ("TcpNoDelay", "TcpKeepAlive"):
            for wanted in (True, False):
                getattr(scene.stream, f"set{name}")(wanted)
                assert getattr(scene.stream, f"get{name}")() is wanted

    def test_of_a_unix_socket(self, scene: Scene) -> None:
        assert scene.stream.getPeer() == scene.stream.getHost() == UNIXAddress(None)
        assert not hasattr(scene.stream, "setTcpNoDelay")

    @pytest.mark.parametrize(
        "interface", [ITransport, IConsumer, IPushProducer, ISystemHandle], ids=str
    )
    def test_are_those_of_twisted(self, scene: Scene, interface: Any) -> None:
        verifyObject(interface, scene.stream)
        assert scene.stream.getHandle() is scene.stream.socket

    @pytest.mark.parametrize("name", ["/run/relay.sock", b"\0abstract", ""])
    def test_unix_sockets_may_have_a_name(self, name: str | bytes) -> None:
        assert twisted_address(socket.AF_UNIX, name) == UNIXAddress(name or None)

    def test_families_are_told_apart(self) -> None:
        assert is_unix(socket.AF_UNIX)
        assert not is_unix(socket.AF_INET)

    def test_ipv6_has_its_own(self) -> None:
        address = ("2001:db8::1", 443, 0, 0)
        assert twisted_address(socket.AF_INET6, address) == IPv6Address("TCP", *address)

    @pytest.mark.parametrize("kind", [PlainStream, Stream])
    def test_no_text_of_a_connection_names_its_client(self, make: Make, kind: type[Stream]) -> None:
        scene = make(kind)
        for text in (repr(scene.stream), str(scene.stream)):
            assert kind.__name__ in text
            assert str(scene.address[0] if scene.address else "127") not in text


def test_a_socket_without_the_option_of_linux_is_served_all_the_same(make: Make) -> None:
    """As a unix socket is one: TCP_NOTSENT_LOWAT is none of its."""
    hub = make().hub
    ours, peer = pair_of_sockets()
    with peer:
        protocol: Any = Recorder()
        stream = PlainStream(hub, ours, "", protocol)
        stream.write(b"hello")
        assert peer.recv(100) == b"hello"
        stream.abortConnection()
        hub.turns.turn()
