"""TLS on the socket keeps Twisted's contracts, sends nothing plain, and leaves nothing behind."""

import gc
import random
import socket
import ssl
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ISSLTransport

from tests.certificates import issue, write_pair
from tests.transport.tls_client import Client, lenient_context
from tests.transport.turns import Recorder, Turns, is_closed, pair_of_sockets
from vaultrelay.transport.certificate import CertificatePair, load_pair
from vaultrelay.transport.direct_tls import DirectTlsServer
from vaultrelay.transport.tls import ServerTls

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
RECORD = 16 * 1024
MUCH = bytes(range(256)) * 4096 * 8
"""8 MiB: more than the buffers of a connection hold."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> CertificatePair:
    return load_pair(*write_pair(tmp_path_factory.mktemp("pair"), issue()))


class Counting(Recorder):
    """Is told why a handshake failed, as the front door is."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[str] = []

    def handshake_failed(self, slug: str) -> None:
        self.failures.append(slug)


class Scene:
    """A connection of the server's, its protocol, and a client at the other end."""

    def __init__(
        self,
        tls: ServerTls,
        version: ssl.TLSVersion | None = None,
        protocol: Recorder | None = None,
        is_tcp: bool = False,
        **client: Any,
    ) -> None:
        wire, ours = pair_of_sockets(is_tcp)
        self.reactor = Turns()
        self.protocol: Any = protocol or Recorder()
        self.descriptor = ours.fileno()
        reactor, server = self.reactor, None
        self.transport: Any = DirectTlsServer(
            tls, ours, self.protocol, ("127.0.0.1", 1), server, 0, reactor
        )
        self.protocol.makeConnection(self.transport)
        client.setdefault("context", lenient_context(version))
        self.client = Client(wire, **client)

    def until(self, done: Callable[[], object]) -> None:
        self.reactor.turn_until(done, self.client.step)

    def shake(self) -> "Scene":
        """Have the handshake done at both ends, and all that follows it."""
        self.until(lambda: self.client.is_shaken and self.is_shaken)
        self.settle()
        return self

    def until_heard(self, data: bytes) -> None:
        self.until(lambda: self.protocol.heard == data)
        self.settle()

    def until_lost(self) -> None:
        """Turn until the connection is lost, and for what comes after it."""
        self.reactor.turn_until(lambda: self.protocol.lost, lambda: None)
        self.reactor.turn()

    def settle(self) -> None:
        self.reactor.settle(self.client.step)

    @property
    def is_shaken(self) -> bool:
        return not self.transport._writeDisconnected

    def close(self) -> None:
        """Close both ends, if they are open."""
        self.client.wire.close()
        self.transport.abortConnection()
        self.reactor.turn()

    def assert_gone(self, *reasons: type) -> None:
        """The connection is lost, once, and nothing is left of it."""
        assert len(self.protocol.lost) == 1
        assert self.protocol.lost[0] in (reasons or (ConnectionDone, ConnectionLost))
        assert self.reactor.readers == self.reactor.writers == set()
        assert not self.transport.connected
        assert is_closed(self.descriptor)


Make = Callable[..., Scene]


@pytest.fixture
def make(pair: CertificatePair) -> Iterator[Make]:
    scenes: list[Scene] = []

    def build(tls: ServerTls | None = None, **options: Any) -> Scene:
        scenes.append(Scene(tls or ServerTls([pair]), **options))
        return scenes[-1]

    yield build
    for scene in scenes:
        scene.close()


@pytest.fixture(params=[V1_2, V1_3], ids=["1.2", "1.3"])
def scene(request: pytest.FixtureRequest, make: Make) -> Scene:
    """A connection before its handshake, in either version."""
    return make(version=request.param)


@pytest.fixture
def shaken(scene: Scene) -> Scene:
    return scene.shake()


class TestTheHandshake:
    def test_is_not_told_to_the_protocol(self, shaken: Scene) -> None:
        assert shaken.protocol.received == []
        assert shaken.protocol.lost == []
        assert shaken.reactor.writers == set()

    @pytest.mark.parametrize("size", [1, 7, 100])
    def test_may_come_in_small_pieces(self, scene: Scene, size: int) -> None:
        scene.client.piece_bytes = size
        scene.client.say(b"hello")
        scene.until(lambda: scene.protocol.heard == b"hello")

    def test_what_follows_it_at_once_arrives(self, scene: Scene) -> None:
        """The client's last flight and its first words, in one segment."""
        scene.client.step()
        for _ in range(10):
            scene.reactor.turn(0.05)
            scene.client.say(b"GET /")
            scene.client.piece_bytes = 0
            scene.client.step()
            scene.client.piece_bytes = 1 << 30
            if scene.client.is_shaken:
                break
            scene.client.step()
        scene.until(lambda: scene.protocol.heard.startswith(b"GET /"))

    def test_waits_for_room_where_the_kernel_takes_nothing(self, scene: Scene) -> None:
        size = fill(scene.transport.socket)
        scene.client.reads = False
        scene.client.step()
        for _ in range(3):
            scene.reactor.turn()
            assert scene.reactor.writers == {scene.transport}
        # What filled the connection up is not TLS.
        while size:
            size -= len(scene.client.wire.recv(size))
        scene.client.reads = True
        scene.shake()
        assert scene.reactor.writers == set()

    def test_agrees_on_the_version(self, shaken: Scene) -> None:
        assert shaken.client.tls.version() == shaken.transport.socket.version()

    def test_lets_sessions_of_tls_1_2_be_resumed(self, make: Make) -> None:
        tls = make(version=V1_2).transport._tls
        context = lenient_context(V1_2)
        first = make(tls, context=context).shake()
        assert not first.client.tls.session_reused
        session = first.client.tls.session
        second = make(tls, context=context, session=session).shake()
        assert second.client.tls.session_reused
        second.client.say(b"resumed")
        second.until_heard(b"resumed")

    def test_gives_no_tickets_for_tls_1_3(self, make: Make) -> None:
        """Each handshake would pay more for them than a resumption saves."""
        tls = make(version=V1_3).transport._tls
        context = lenient_context(V1_3)
        first = make(tls, context=context).shake()
        first.client.say(b"tickets come with the first answer")
        first.until_heard(b"tickets come with the first answer")
        session = first.client.tls.session
        assert not (session and session.has_ticket)
        assert not make(tls, context=context, session=session).shake().client.tls.session_reused

    @pytest.mark.parametrize(
        "said",
        [
            b"GET / HTTP/1.1\r\nHost: relay.example.org\r\n\r\n",
            b"\x00" * 100,
            bytes(range(256)) * 300,
            b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
            b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        ],
        ids=["HTTP", "zeros", "garbage", "short hello", "long record", "line of a proxy"],
    )
    def test_of_what_is_no_tls_ends_the_connection(
        self, scene: Scene, said: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        scene.client.wire.send(said)
        scene.reactor.settle()
        scene.assert_gone(ConnectionLost)
        assert scene.protocol.received == []
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("follows", [b"", b"\x16\x03\x01\x02\x00" + bytes(512)])
    def test_in_place_of_which_a_proxy_header_comes_is_answered_in_clear(
        self, scene: Scene, follows: bytes
    ) -> None:
        scene.client.wire.send(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n" + follows)
        scene.reactor.settle()
        answer = scene.client.wire.recv(4096)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"--listen haproxy:" in answer
        scene.assert_gone(ConnectionLost)

    def test_that_nobody_begins_waits(self, scene: Scene) -> None:
        scene.reactor.settle()
        assert scene.reactor.readers == {scene.transport}
        assert scene.protocol.lost == []

    @pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00"])
    def test_may_end_in_its_middle(self, scene: Scene, said: bytes) -> None:
        if said:
            scene.client.wire.send(said)
            scene.reactor.settle()
        scene.client.wire.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        scene.assert_gone()

    @pytest.mark.parametrize("steps", [0, 1, 2])
    @pytest.mark.parametrize("turns", [0, 1, 2])
    def test_may_be_broken_at_any_time(self, make: Make, steps: int, turns: int) -> None:
        scene = make(is_tcp=True)
        for number in range(2):
            if number < steps:
                scene.client.step()
            if number < turns:
                scene.reactor.turn(0.05)
        scene.client.reset()
        scene.until_lost()
        scene.assert_gone()

    def test_may_be_broken_before_its_last_step(self, scene: Scene) -> None:
        scene.client.step()
        scene.reactor.turn()
        scene.client.wire.close()
        scene.until_lost()
        scene.assert_gone()

    @pytest.mark.parametrize(
        ("said", "slug"),
        [
            (b"GET / HTTP/1.1\r\n\r\n", "tls_no_tls"),
            (b"POST / HTTP/1.1\r\n\r\n", "tls_no_tls"),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "proxy_unexpected"),
            (b"PROXY UNKNOWN\r\n\x16\x03\x01\x02\x00", "proxy_unexpected"),
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "proxy_unexpected"),
            (b"\x16", "tls_left"),
            (b"\x16\x03\x01\x02\x00\x01\x00", "tls_left"),
            (b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", "tls_other"),
        ],
    )
    def test_that_fails_is_counted_by_a_word_of_ours(
        self, make: Make, said: bytes, slug: str
    ) -> None:
        scene = make(protocol=Counting())
        scene.client.wire.send(said)
        scene.reactor.settle()
        scene.client.wire.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == [slug]

    def test_that_never_began_is_no_failure(self, make: Make) -> None:
        scene = make(protocol=Counting())
        scene.client.wire.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == []

    def test_that_was_reset_before_it_began_is_no_failure(self, make: Make) -> None:
        scene = make(protocol=Counting())
        scene.client.reset()
        scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == []

    @pytest.mark.parametrize(
        ("context", "slug"),
        [
            (ssl.create_default_context, "tls_distrust"),
            (lambda: lenient_context(suites="ECDHE+AES:!AESGCM:@SECLEVEL=0"), "tls_suites"),
            (lambda: lenient_context(ssl.TLSVersion.TLSv1_1), "tls_version"),
        ],
    )
    def test_that_a_client_cannot_agree_to_is_counted_by_why(
        self, make: Make, context: Callable[[], ssl.SSLContext], slug: str
    ) -> None:
        client = context()
        if slug == "tls_suites":
            client.maximum_version = ssl.TLSVersion.TLSv1_2
        scene = make(protocol=Counting(), context=client)
        for _ in range(4):
            with suppress(ssl.SSLError):
                scene.client.step()
            scene.client._flush()
            scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == [slug]

    def test_may_fail_when_openssl_gets_the_socket(self, scene: Scene) -> None:
        """The peer has gone, and the kernel tells it when it is asked for its address."""

        class Refusing:
            def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:
                sock.close()
                raise OSError(22, "Invalid argument")

        scene.transport._tls = type("Tls", (), {"context": Refusing()})
        scene.client.step()
        scene.reactor.settle()
        scene.assert_gone(ConnectionLost)


def fill(sock: socket.socket) -> int:
    """Send until the kernel takes nothing more; how much it took."""
    size = 0
    with suppress(BlockingIOError):
        while True:
            size += sock.send(bytes(1 << 16))
    return size


class TestBeforeTheHandshake:
    @pytest.mark.parametrize("how", ["write", "writeSequence"])
    def test_nothing_is_written(self, scene: Scene, how: str) -> None:
        """Neither in plain text nor later: nobody has been promised anything yet."""
        data = b"secret" * 1000
        getattr(scene.transport, how)(data if how == "write" else [data])
        assert scene.reactor.writers == set()
        scene.shake()
        scene.transport.write(b"now")
        scene.until(lambda: scene.client.heard)
        assert scene.client.heard == b"now"
        assert b"secret" not in scene.client.received

    def test_a_write_in_its_middle_is_dropped_too(self, scene: Scene) -> None:
        scene.client.step()
        scene.transport.write(b"secret")
        scene.reactor.turn(0.05)
        scene.transport.write(b"secret")
        scene.shake()
        scene.settle()
        assert scene.client.heard == b""
        assert b"secret" not in scene.client.received

    @pytest.mark.parametrize("turns", [0, 1])
    @pytest.mark.parametrize("close", ["loseConnection", "loseWriteConnection"])
    def test_a_close_is_one_at_once(self, scene: Scene, turns: int, close: str) -> None:
        for _ in range(turns):
            scene.client.step()
            scene.reactor.turn(0.05)
        getattr(scene.transport, close)()
        scene.assert_gone(ConnectionDone)
        scene.transport.loseConnection()
        scene.transport.write(b"too late")
        scene.reactor.settle()

    @pytest.mark.parametrize("turns", [0, 1])
    def test_an_abort_leaves_nothing(self, scene: Scene, turns: int) -> None:
        for _ in range(turns):
            scene.client.step()
            scene.reactor.turn(0.05)
        scene.transport.abortConnection()
        scene.transport.abortConnection()
        scene.reactor.settle()
        scene.assert_gone(ConnectionAborted)


class TestData:
    def test_passes_both_ways(self, shaken: Scene) -> None:
        shaken.client.say(b"question")
        shaken.until(lambda: shaken.protocol.heard == b"question")
        shaken.transport.write(b"answer")
        shaken.until(lambda: shaken.client.heard == b"answer")
        assert shaken.reactor.writers == set()

    def test_is_on_its_way_when_write_returns(self, shaken: Scene) -> None:
        shaken.transport.write(b"now")
        assert shaken.reactor.writers == set()
        shaken.reactor.turn_until(lambda: shaken.client.heard == b"now", shaken.client.step)

    def test_nothing_is_written_for_nothing(self, shaken: Scene) -> None:
        shaken.transport.write(b"")
        shaken.settle()
        assert shaken.client.heard == b""

    def test_only_bytes_are_written(self, shaken: Scene) -> None:
        with pytest.raises(TypeError):
            shaken.transport.write("text")

    @pytest.mark.parametrize(
        "size", [1, 2, RECORD - 1, RECORD, RECORD + 1, 2 * RECORD, 4 * RECORD, 4 * RECORD + 1]
    )
    def test_of_any_size_passes_both_ways(self, shaken: Scene, size: int) -> None:
        data = random.Random(size).randbytes(size)
        shaken.client.say(data)
        shaken.until(lambda: len(shaken.protocol.heard) >= size)
        assert shaken.protocol.heard == data
        shaken.transport.write(data)
        shaken.until(lambda: len(shaken.client.heard) >= size)
        assert shaken.client.heard == data

    def test_in_many_records_of_all_sizes_keeps_its_order(self, shaken: Scene) -> None:
        chance = random.Random(1)
        sizes = [chance.choice([1, 5, 1000, RECORD - 1, RECORD]) for _ in range(300)]
        texts = [chance.randbytes(size) for size in sizes]
        shaken.client.say(*texts)
        shaken.until(lambda: len(shaken.protocol.heard) >= sum(sizes))
        assert shaken.protocol.heard == b"".join(texts)
        for text in texts:
            shaken.transport.write(text)
        shaken.until(lambda: len(shaken.client.heard) >= sum(sizes))
        assert shaken.client.heard == b"".join(texts)

    def test_much_of_it_passes_both_ways_at_once(self, shaken: Scene) -> None:
        shaken.client.say(MUCH)
        shaken.transport.write(MUCH)
        shaken.until(
            lambda: (
                len(shaken.client.heard) >= len(MUCH)
                and sum(map(len, shaken.protocol.received)) >= len(MUCH)
            )
        )
        assert shaken.client.heard == MUCH
        assert shaken.protocol.heard == MUCH

    def test_a_read_is_never_more_than_64_kib(self, shaken: Scene) -> None:
        """More would let a sender overrun a full receiver."""
        shaken.client.say(MUCH)
        shaken.until(lambda: sum(map(len, shaken.protocol.received)) >= len(MUCH))
        assert max(map(len, shaken.protocol.received)) == 4 * RECORD

    def test_each_read_is_kept_though_the_buffer_is_shared(self, shaken: Scene) -> None:
        for text in (b"first", b"second"):
            shaken.client.say(text)
            shaken.settle()
        assert shaken.protocol.received == [b"first", b"second"]

    def test_dripping_in_single_bytes_arrives(self, shaken: Scene) -> None:
        shaken.client.piece_bytes = 1
        shaken.client.say(b"drip", b"drop")
        shaken.until(lambda: shaken.protocol.heard == b"dripdrop")

    @pytest.mark.parametrize(
        "sizes",
        [[10] * 20, [RECORD] * 10, [RECORD, 10, RECORD, 10], [RECORD] * 3 + [10, 10], [3 * RECORD]],
        ids=str,
    )
    def test_nothing_is_left_inside_openssl_by_who_pauses_after_each_read(
        self, make: Make, sizes: list[int]
    ) -> None:
        """The reactor could not know of it, and no further byte comes from the peer."""

        class Pausing(Recorder):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.transport.pauseProducing()

        scene = make(protocol=Pausing()).shake()
        chance = random.Random(2)
        texts = [chance.randbytes(size) for size in sizes]
        scene.client.say(*texts)
        scene.settle()
        reads = 1
        while len(scene.protocol.heard) < sum(sizes):
            assert len(scene.protocol.received) == reads, "it was paused"
            assert scene.transport.socket.pending() == 0
            scene.transport.resumeProducing()
            scene.settle()
            reads += 1
        assert scene.protocol.heard == b"".join(texts)

    def test_keeps_nothing_of_a_large_message(self, shaken: Scene) -> None:
        """All of it may have passed at once: then there is no cause to keep what held it."""
        size = 4 * RECORD
        data = bytes(size)

        def exchange() -> None:
            shaken.protocol.received.clear()
            shaken.client.heard.clear()
            shaken.client.received.clear()
            shaken.client.say(data)
            shaken.until(lambda: sum(map(len, shaken.protocol.received)) == size)
            shaken.transport.write(data)
            shaken.until(lambda: len(shaken.client.heard) == size)
            shaken.protocol.received.clear()

        exchange()
        gc.collect()
        tracemalloc.start()
        try:
            exchange()
            gc.collect()
            kept = tracemalloc.take_snapshot().filter_traces(
                [tracemalloc.Filter(True, "*/vaultrelay/*"), tracemalloc.Filter(True, "*/ssl.py")]
            )
            # The client stands in the test's own files.
            total = sum(each.size for each in kept.statistics("filename"))
        finally:
            tracemalloc.stop()
        assert total < 4096
        assert shaken.transport.dataBuffer == b""
        assert shaken.transport._tempDataBuffer == []


class TestASlowReader:
    def fill_up(self, scene: Scene) -> None:
        scene.client.reads = False
        scene.transport.write(MUCH)

    def test_gets_all_in_its_order(self, shaken: Scene) -> None:
        chance = random.Random(3)
        texts = [MUCH, *(chance.randbytes(chance.choice([1, 3000, 40_000])) for _ in range(200))]
        shaken.client.reads = False
        for text in texts[:100]:
            shaken.transport.write(text)
        assert shaken.reactor.writers == {shaken.transport}
        for _ in range(5):
            # OpenSSL is asked again and again for the record that it could not send.
            shaken.transport.doWrite()
            shaken.transport.doWrite()
        shaken.transport.writeSequence(texts[100:])
        shaken.client.reads = True
        whole = b"".join(texts)
        shaken.until(lambda: len(shaken.client.heard) >= len(whole))
        assert shaken.client.heard == whole
        shaken.reactor.turn()
        assert shaken.reactor.writers == set()
        shaken.transport.write(b"at once again")
        assert shaken.reactor.writers == set()

    def test_large_pieces_of_one_write_are_encrypted_like_all_else(self, shaken: Scene) -> None:
        """Plain TCP hands such pieces to the kernel as they are."""
        pieces = [b"head", bytes(60_000)]
        shaken.transport.writeSequence(pieces)
        shaken.until(lambda: len(shaken.client.heard) >= 60_004)
        assert shaken.client.heard == b"".join(pieces)

    def test_does_not_keep_the_server_from_reading(self, shaken: Scene) -> None:
        self.fill_up(shaken)
        shaken.client.say(b"I read nothing")
        shaken.until(lambda: shaken.protocol.heard == b"I read nothing")
        shaken.client.reads = True
        shaken.until(lambda: len(shaken.client.heard) >= len(MUCH))
        assert shaken.client.heard == MUCH

    def test_is_owed_only_what_was_not_sent(self, shaken: Scene) -> None:
        self.fill_up(shaken)
        owed = shaken.transport._tempDataLen
        assert owed <= len(MUCH) - 2 * RECORD
        shaken.client.reads = True
        for _ in range(3):
            shaken.client.step()
        shaken.transport.doWrite()
        assert len(shaken.transport.dataBuffer) == owed
        assert shaken.transport.offset > 0

    def test_pauses_the_producer_until_all_is_sent(self, shaken: Scene) -> None:
        shaken.transport.registerProducer(shaken.protocol, True)
        shaken.transport.write(b"little")
        assert shaken.protocol.flow == []
        self.fill_up(shaken)
        assert shaken.protocol.flow == ["pause"]
        shaken.settle()
        assert shaken.protocol.flow == ["pause"]
        shaken.client.reads = True
        shaken.until(lambda: shaken.protocol.flow == ["pause", "resume"])
        shaken.until(lambda: len(shaken.client.heard) >= len(MUCH) + 6)
        assert shaken.client.heard == b"little" + MUCH

    def test_stops_the_producer_when_it_goes(self, shaken: Scene) -> None:
        shaken.transport.registerProducer(shaken.protocol, True)
        self.fill_up(shaken)
        shaken.client.wire.close()
        shaken.reactor.settle()
        assert shaken.protocol.flow == ["pause", "stop"]
        shaken.assert_gone()


class TestTheEnd:
    def test_a_close_says_goodbye_after_all_that_was_written(self, shaken: Scene) -> None:
        shaken.client.reads = False
        shaken.transport.write(MUCH)
        shaken.transport.write(b"last words")
        shaken.transport.loseConnection()
        shaken.client.reads = True
        shaken.until(lambda: shaken.client.ended)
        assert shaken.client.heard == MUCH + b"last words"
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)

    def test_a_close_with_nothing_written_says_goodbye(self, shaken: Scene) -> None:
        shaken.transport.loseConnection()
        shaken.transport.loseConnection()
        shaken.until(lambda: shaken.client.ended)
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)
        shaken.transport.write(b"too late")

    def test_half_a_close_is_a_whole_one(self, shaken: Scene) -> None:
        shaken.transport.write(b"last")
        shaken.transport.loseWriteConnection()
        shaken.until(lambda: shaken.client.ended)
        assert shaken.client.heard == b"last"
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)

    def test_nothing_is_told_after_a_close(self, shaken: Scene) -> None:
        shaken.client.say(b"unheard")
        shaken.client.step()
        shaken.transport.loseConnection()
        shaken.reactor.settle()
        assert shaken.protocol.received == []
        shaken.assert_gone(ConnectionDone)

    def test_an_abort_drops_what_waits_and_says_nothing(self, shaken: Scene) -> None:
        shaken.client.reads = False
        shaken.transport.write(MUCH)
        shaken.transport.abortConnection()
        shaken.reactor.settle()
        shaken.assert_gone(ConnectionAborted)
        shaken.client.reads = True
        shaken.until(lambda: shaken.client.ended)
        assert not shaken.client.said_goodbye

    @pytest.mark.parametrize("end", ["abortConnection", "loseConnection"])
    def test_may_be_brought_about_by_what_is_heard(self, make: Make, end: str) -> None:
        class Ending(Recorder):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                getattr(self.transport, end)()

        scene = make(protocol=Ending()).shake()
        # The goodbye comes with it: the same read tells of both.
        scene.client.tls.write(b"x" * RECORD)
        scene.client.say_goodbye()
        scene.client.wire.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        assert scene.protocol.heard == b"x" * RECORD
        scene.assert_gone(ConnectionDone, ConnectionAborted)

    def test_a_goodbye_of_the_peer_is_answered(self, shaken: Scene) -> None:
        shaken.client.say(b"last words")
        shaken.client.step()
        shaken.client.say_goodbye()
        shaken.until(lambda: shaken.client.ended)
        assert shaken.protocol.heard == b"last words"
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)

    @pytest.mark.parametrize("size", [0, 10, RECORD, 4 * RECORD])
    def test_an_end_without_goodbye_is_one_too(self, shaken: Scene, size: int) -> None:
        shaken.client.say(bytes(size))
        shaken.client.step()
        shaken.client.wire.shutdown(socket.SHUT_WR)
        shaken.reactor.settle()
        assert shaken.protocol.heard == bytes(size)
        shaken.assert_gone()

    def test_an_end_in_the_middle_of_a_record_loses_that(self, shaken: Scene) -> None:
        shaken.client.say(bytes(RECORD))
        shaken.client.piece_bytes = 100
        shaken.client.step()
        shaken.client.wire.shutdown(socket.SHUT_WR)
        shaken.reactor.settle()
        assert shaken.protocol.received == []
        shaken.assert_gone()

    def test_a_broken_connection_is_told_once(self, make: Make) -> None:
        scene = make(is_tcp=True).shake()
        scene.client.reset()
        scene.until_lost()
        scene.assert_gone()
        scene.transport.write(b"into nothing")
        scene.transport.loseConnection()
        scene.transport.abortConnection()
        scene.reactor.settle()
        scene.assert_gone()

    @pytest.mark.parametrize("size", [12, 4 * RECORD, len(MUCH)])
    def test_a_broken_connection_is_found_by_writing(self, shaken: Scene, size: int) -> None:
        shaken.transport.stopReading()
        shaken.client.wire.close()
        shaken.transport.write(bytes(size))
        shaken.transport.write(b"into nothing")
        assert shaken.protocol.lost == [], "only the reactor tells"
        shaken.until_lost()
        shaken.assert_gone(ConnectionLost)

    def test_a_close_finds_a_broken_connection(self, make: Make) -> None:
        scene = make(is_tcp=True).shake()
        scene.transport.stopReading()
        scene.client.reset()
        scene.transport.loseConnection()
        scene.until_lost()
        scene.assert_gone()

    def test_bytes_that_are_no_tls_end_it(self, shaken: Scene) -> None:
        shaken.client.say(b"good")
        shaken.client.step()
        shaken.client.wire.send(b"GET / HTTP/1.1\r\n\r\n" * 4000)
        shaken.reactor.settle()
        assert shaken.protocol.heard == b"good"
        shaken.assert_gone(ConnectionLost)

    def test_a_protocol_that_writes_when_the_peer_has_gone_harms_nobody(self, make: Make) -> None:
        class Answering(Recorder):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.transport.write(b"answer" * 100_000)

        scene = make(protocol=Answering()).shake()
        scene.client.say(b"bye")
        scene.client.step()
        scene.client.wire.close()
        scene.reactor.settle()
        scene.assert_gone()

    @pytest.mark.parametrize("stage", ["silent", "garbage", "half a handshake", "joined"])
    @pytest.mark.parametrize("end", ["loseConnection", "abortConnection", "hang up"])
    def test_leaves_nothing_for_the_collector(self, make: Make, stage: str, end: str) -> None:
        scene = make()
        if stage == "joined":
            scene.shake()
        elif stage == "garbage":
            scene.client.wire.send(b"garbage")
        elif stage == "half a handshake":
            scene.client.step()
            scene.reactor.turn()
        if end == "hang up":
            scene.client.wire.close()
        else:
            getattr(scene.transport, end)()
        gc.disable()
        try:
            scene.reactor.settle()
            freed = weakref.ref(scene.transport)
            scene.transport = scene.protocol.transport = None
            assert freed() is None
        finally:
            gc.enable()
            scene.transport = make().transport


def test_what_is_served_can_be_exchanged_while_connections_are_open(
    make: Make, pair: CertificatePair, tmp_path: Path
) -> None:
    issued = issue()
    tls = ServerTls([pair])
    waiting, old = make(tls), make(tls).shake()
    tls.serve([load_pair(*write_pair(tmp_path, issued))])
    new = make(tls).shake()
    assert new.client.tls.getpeercert(binary_form=True) == issued.der
    assert waiting.shake().client.tls.getpeercert(binary_form=True) == issued.der
    assert old.client.tls.getpeercert(binary_form=True) != issued.der
    for scene in (old, new, waiting):
        scene.client.say(b"hello")
        scene.transport.write(b"hello")
        scene.until_heard(b"hello")
        assert scene.client.heard == b"hello"


def test_a_session_of_the_old_certificate_is_not_resumed_with_the_new(
    make: Make, pair: CertificatePair, tmp_path: Path
) -> None:
    tls = ServerTls([pair])
    context = lenient_context()
    session = make(tls, context=context).shake().client.tls.session
    tls.serve([load_pair(*write_pair(tmp_path, issue()))])
    assert not make(tls, context=context, session=session).shake().client.tls.session_reused


def test_a_page_may_ask_whether_it_is_sent_with_tls(scene: Scene) -> None:
    assert ISSLTransport.providedBy(scene.transport)


def test_a_server_name_that_is_no_ascii_is_not_printed(
    make: Make,
    pair: CertificatePair,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    other = load_pair(*write_pair(tmp_path, issue(["other.example"])))
    scene = make(ServerTls([pair, other]), name="name-of-mine.example")
    scene.client.piece_bytes = 0
    scene.client.step()
    hello = bytes(scene.client.to_send).replace(b"name-of-mine", b"n\xffme-of-m\x80ne")
    assert b"\xff" in hello
    scene.client.wire.send(hello)
    scene.reactor.settle()
    scene.assert_gone(ConnectionLost)
    assert unraisable == []
    assert capfd.readouterr() == ("", "")
