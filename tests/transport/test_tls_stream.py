"""A TLS stream keeps Twisted's contracts, through buffers that all connections share."""

import gc
import random
import socket
import tracemalloc
from pathlib import Path

import pytest
from twisted.internet.interfaces import ISSLTransport, ITCPTransport
from zope.interface.verify import verifyObject

from tests.transport.key_updates import RECORD_BYTES, KeyUpdates
from tests.transport.tls_client import lenient_context
from tests.transport.tls_scene import MUCH, RECORD, V1_3, Make, Scene, Strict
from vaultrelay.policy.limits.streams import MAX_READ_BYTES, MIN_READ_BYTES
from vaultrelay.transport.hub_stream import READ, WRITE


class TestData:
    def test_passes_both_ways(self, shaken: Scene) -> None:
        shaken.client.say(b"question")
        shaken.until(lambda: shaken.protocol.heard == b"question")
        shaken.stream.write(b"answer")
        shaken.until(lambda: shaken.client.heard == b"answer")
        assert shaken.events == READ

    def test_is_on_its_way_when_write_returns(self, shaken: Scene) -> None:
        shaken.stream.write(b"now")
        assert shaken.events == READ
        shaken.reactor.turn_until(lambda: shaken.client.heard == b"now", shaken.client.step)

    def test_nothing_is_written_for_nothing(self, shaken: Scene) -> None:
        shaken.stream.write(b"")
        shaken.settle()
        assert shaken.client.heard == b""

    def test_only_bytes_are_written(self, shaken: Scene) -> None:
        with pytest.raises(TypeError):
            shaken.stream.write("text")

    @pytest.mark.parametrize(
        "size", [1, 2, RECORD - 1, RECORD, RECORD + 1, 2 * RECORD, 4 * RECORD, 4 * RECORD + 1]
    )
    def test_of_any_size_passes_both_ways(self, shaken: Scene, size: int) -> None:
        data = random.Random(size).randbytes(size)
        shaken.client.say(data)
        shaken.until(lambda: len(shaken.protocol.heard) >= size)
        assert shaken.protocol.heard == data
        shaken.stream.write(data)
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
            shaken.stream.write(text)
        shaken.until(lambda: len(shaken.client.heard) >= sum(sizes))
        assert shaken.client.heard == b"".join(texts)

    def test_much_of_it_passes_both_ways_at_once(self, shaken: Scene) -> None:
        shaken.client.say(MUCH)
        shaken.stream.write(MUCH)
        shaken.until(
            lambda: (
                len(shaken.client.heard) >= len(MUCH)
                and sum(map(len, shaken.protocol.received)) >= len(MUCH)
            )
        )
        assert shaken.client.heard == MUCH
        assert shaken.protocol.heard == MUCH

    @pytest.mark.parametrize(
        ("held", "maximum"), [(0, MAX_READ_BYTES), (1000, MIN_READ_BYTES)], ids=["empty", "full"]
    )
    def test_a_read_is_never_more_than_the_ledger_allows(
        self, shaken: Scene, held: int, maximum: int
    ) -> None:
        """More would let a sender overrun a full receiver."""
        ledger = shaken.hub.ledger
        ledger.configure(1000)
        ledger.add(held)
        shaken.client.say(MUCH)
        shaken.until(lambda: sum(map(len, shaken.protocol.received)) >= len(MUCH))
        # With what OpenSSL kept of a record that was cut.
        assert RECORD <= max(map(len, shaken.protocol.received)) < maximum + RECORD
        ledger.add(-held)

    def test_the_largest_read_may_complete_what_was_kept_of_a_record(self, shaken: Scene) -> None:
        """It decrypts to more than was read."""
        data = random.Random(4).randbytes(MAX_READ_BYTES + RECORD)
        shaken.client.tls.write(data)
        sealed = shaken.client.sealed()
        wire = shaken.client.wire
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_READ_BYTES)
        wire.sendall(sealed[:RECORD])
        shaken.stream.can_read()
        assert shaken.protocol.received == []
        wire.sendall(sealed[RECORD:][:MAX_READ_BYTES])
        shaken.stream.can_read()
        (received,) = shaken.protocol.received
        assert len(received) > MAX_READ_BYTES
        assert shaken.stream._tls.pending() == 0, "the kernel would not report that"
        assert data.startswith(received)

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
        self, make_tls: Make, sizes: list[int]
    ) -> None:
        """The reactor could not know of it, and no further byte comes from the peer."""

        class Pausing(Strict):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.transport.pauseProducing()

        scene = make_tls(protocol=Pausing()).shake()
        chance = random.Random(2)
        texts = [chance.randbytes(size) for size in sizes]
        scene.client.say(*texts)
        scene.settle()
        reads = 1
        while len(scene.protocol.heard) < sum(sizes):
            assert len(scene.protocol.received) == reads, "it was paused"
            assert scene.stream._tls.pending() == 0
            scene.stream.resumeProducing()
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
            shaken.stream.write(data)
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
        assert shaken.stream._unsent is None


class TestASlowReader:
    def fill_up(self, scene: Scene) -> None:
        scene.client.reads = False
        scene.stream.write(MUCH)

    def test_gets_all_in_its_order(self, shaken: Scene) -> None:
        chance = random.Random(3)
        texts = [MUCH, *(chance.randbytes(chance.choice([1, 3000, 40_000])) for _ in range(200))]
        shaken.client.reads = False
        for text in texts[:100]:
            shaken.stream.write(text)
        assert shaken.events == READ | WRITE
        for _ in range(5):
            # The kernel is asked again and again.
            shaken.reactor.turn()
            shaken.stream.can_write()
        shaken.stream.writeSequence(texts[100:])
        shaken.client.reads = True
        whole = b"".join(texts)
        shaken.until(lambda: len(shaken.client.heard) >= len(whole))
        assert shaken.client.heard == whole
        shaken.reactor.turn()
        assert shaken.events == READ
        shaken.stream.write(b"at once again")
        assert shaken.events == READ

    @pytest.mark.parametrize("is_full", [False, True])
    @pytest.mark.parametrize(
        "sizes", [[4, 60_000], [4, RECORD], [4, RECORD + 1], [2 * RECORD, 60_000], [1] * 30, [0]]
    )
    def test_pieces_of_one_write_are_encrypted_like_all_else(
        self, shaken: Scene, sizes: list[int], is_full: bool
    ) -> None:
        """Plain TCP hands large pieces to the kernel as they are."""
        expected = b""
        if is_full:
            self.fill_up(shaken)
            expected = MUCH
            shaken.client.reads = True
        chance = random.Random(5)
        pieces = [chance.randbytes(size) for size in sizes]
        shaken.stream.writeSequence(iter(pieces))
        expected += b"".join(pieces)
        shaken.until(lambda: len(shaken.client.heard) >= len(expected))
        assert shaken.client.heard == expected

    def test_does_not_keep_the_server_from_reading(self, shaken: Scene) -> None:
        self.fill_up(shaken)
        shaken.client.say(b"I read nothing")
        shaken.until(lambda: shaken.protocol.heard == b"I read nothing")
        shaken.client.reads = True
        shaken.until(lambda: len(shaken.client.heard) >= len(MUCH))
        assert shaken.client.heard == MUCH

    def test_is_owed_only_what_was_not_sent(self, shaken: Scene) -> None:
        self.fill_up(shaken)
        owed = shaken.stream._unsent.size
        assert owed <= len(MUCH) - 2 * RECORD
        shaken.client.reads = True
        for _ in range(5):
            shaken.client.step()
        shaken.stream.can_write()
        assert shaken.stream._unsent.size < owed

    def test_pauses_the_producer_until_all_is_sent(self, shaken: Scene) -> None:
        shaken.stream.registerProducer(shaken.protocol, True)
        shaken.stream.write(b"little")
        assert shaken.protocol.flow == []
        self.fill_up(shaken)
        shaken.settle()
        assert shaken.protocol.flow == ["pause"]
        shaken.client.reads = True
        shaken.until(lambda: shaken.protocol.flow == ["pause", "resume"])
        shaken.until(lambda: len(shaken.client.heard) >= len(MUCH) + 6)
        assert shaken.client.heard == b"little" + MUCH

    def test_stops_the_producer_when_it_goes(self, shaken: Scene) -> None:
        shaken.stream.registerProducer(shaken.protocol, True)
        self.fill_up(shaken)
        shaken.client.wire.close()
        shaken.reactor.settle()
        assert shaken.protocol.flow[-1] == "stop"
        assert shaken.protocol.flow.count("stop") == 1
        shaken.assert_gone()


class TestKeyUpdates:
    """The answers are what a peer can make TLS send without limit."""

    COUNT = 60

    @pytest.fixture
    def scene(self, make_tls: Make, tmp_path: Path) -> Scene:
        context = lenient_context(V1_3)
        context.keylog_filename = str(tmp_path / "keys")
        return make_tls(context=context).shake()

    @pytest.fixture
    def updates(self, scene: Scene, tmp_path: Path) -> KeyUpdates:
        return KeyUpdates(scene.client.tls, tmp_path / "keys")

    def fill_up(self, scene: Scene, updates: KeyUpdates) -> None:
        """Let the answers wait behind what the peer does not read."""
        scene.client.reads = False
        scene.stream.write(MUCH)
        scene.client.wire.send(updates.requests(self.COUNT))
        scene.reactor.settle()

    def test_are_answered(self, scene: Scene, updates: KeyUpdates) -> None:
        scene.client.wire.send(
            updates.data(b"old") + updates.requests(self.COUNT) + updates.data(b"new")
        )
        scene.until_heard(b"oldnew")
        before = len(scene.client.received)
        assert before >= RECORD_BYTES
        scene.stream.write(b"with new keys, too")
        scene.until(lambda: scene.client.heard == b"with new keys, too")
        assert (scene.stream.own_unsent, scene.hub.ledger.held) == (0, 0)
        assert scene.events == READ

    def test_of_a_peer_that_reads_nothing_are_counted_and_stop_its_reading(
        self, scene: Scene, updates: KeyUpdates
    ) -> None:
        self.fill_up(scene, updates)
        assert scene.stream.own_unsent == scene.hub.ledger.held
        assert scene.hub.ledger.held >= (self.COUNT - 1) * RECORD_BYTES
        assert scene.events == WRITE
        scene.client.wire.send(updates.requests(self.COUNT) + updates.data(b"later"))
        scene.reactor.settle()
        assert scene.protocol.received == []
        scene.client.reads = True
        scene.until_heard(b"later")
        assert scene.client.heard == MUCH
        assert (scene.stream.own_unsent, scene.hub.ledger.held) == (0, 0)
        assert scene.events == READ

    def test_leave_the_pause_of_a_protocol_as_it_is(
        self, scene: Scene, updates: KeyUpdates
    ) -> None:
        self.fill_up(scene, updates)
        scene.stream.resumeProducing()
        assert scene.events == WRITE, "the answers are not sent yet"
        scene.stream.pauseProducing()
        scene.client.reads = True
        scene.until(lambda: scene.client.heard == MUCH)
        scene.settle()
        assert scene.events == 0
        scene.stream.resumeProducing()
        assert scene.events == READ

    def test_are_read_again_though_a_producer_always_has_more(
        self, make_tls: Make, tmp_path: Path
    ) -> None:
        """A device that is slower than those that send to it would never be heard again."""

        class Refilling(Strict):
            def resumeProducing(self) -> None:
                super().resumeProducing()
                self.transport.write(bytes(1 << 20))

        context = lenient_context(V1_3)
        context.keylog_filename = str(tmp_path / "keys")
        scene = make_tls(context=context, protocol=Refilling()).shake()
        scene.stream.registerProducer(scene.protocol, True)
        self.fill_up(scene, KeyUpdates(scene.client.tls, tmp_path / "keys"))
        assert scene.events == WRITE
        scene.client.reads = True
        scene.until(lambda: "resume" in scene.protocol.flow)
        assert (scene.stream.own_unsent, scene.hub.ledger.held) == (0, 0)
        assert scene.events == READ | WRITE

    @pytest.mark.parametrize("end", ["abortConnection", "hang up"])
    def test_are_counted_no_longer_than_the_connection_lasts(
        self, scene: Scene, updates: KeyUpdates, end: str
    ) -> None:
        self.fill_up(scene, updates)
        if end == "hang up":
            scene.client.wire.close()
        else:
            scene.stream.abortConnection()
            assert scene.hub.ledger.held == 0, "at once, for the sake of a relief"
        scene.reactor.settle()
        scene.assert_gone(*scene.protocol.lost)
        assert scene.hub.ledger.held == 0


def test_its_interfaces_are_those_of_twisted(tls_scene: Scene) -> None:
    """A page may ask by them whether it is sent with TLS."""
    for interface in (ISSLTransport, ITCPTransport):
        verifyObject(interface, tls_scene.stream)
    assert tls_scene.stream.getPeerCertificate() is None


def test_no_text_of_a_connection_has_a_secret_or_an_address(shaken: Scene) -> None:
    assert repr(shaken.stream).startswith("<vaultrelay.transport.tls_stream.TlsStream object at ")
