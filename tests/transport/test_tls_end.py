"""TLS connections end with a goodbye where they can, and nothing is left of them."""

import gc
import socket
import ssl
import weakref
from typing import Any

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.logger import LogEvent

from tests.transport.tls_scene import (
    MUCH,
    RECORD,
    Make,
    Scene,
    Strict,
    assert_shared_buffers_are_empty,
    fill,
)
from vaultrelay.transport.tls_stream import TlsStream


class TestTheEnd:
    def test_a_close_says_goodbye_after_all_that_was_written(self, shaken: Scene) -> None:
        shaken.client.reads = False
        shaken.stream.write(MUCH)
        shaken.stream.write(b"last words")
        shaken.stream.loseConnection()
        shaken.client.reads = True
        shaken.until(lambda: shaken.client.ended)
        assert shaken.client.heard == MUCH + b"last words"
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)

    def test_a_close_with_nothing_written_says_goodbye(self, shaken: Scene) -> None:
        shaken.stream.loseConnection()
        shaken.stream.loseConnection()
        shaken.until(lambda: shaken.client.ended)
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)
        shaken.stream.write(b"too late")

    def test_half_a_close_is_a_whole_one(self, shaken: Scene) -> None:
        shaken.stream.write(b"last")
        shaken.stream.loseWriteConnection()
        shaken.until(lambda: shaken.client.ended)
        assert shaken.client.heard == b"last"
        assert shaken.client.said_goodbye
        shaken.assert_gone(ConnectionDone)

    def test_nothing_is_told_after_a_close(self, shaken: Scene) -> None:
        shaken.client.say(b"unheard")
        shaken.client.step()
        shaken.stream.loseConnection()
        shaken.reactor.settle()
        assert shaken.protocol.received == []
        shaken.assert_gone(ConnectionDone)

    def test_an_abort_drops_what_waits_and_says_nothing(self, shaken: Scene) -> None:
        shaken.client.reads = False
        shaken.stream.write(MUCH)
        shaken.stream.abortConnection()
        shaken.reactor.settle()
        shaken.assert_gone(ConnectionAborted)
        shaken.client.reads = True
        shaken.until(lambda: shaken.client.ended)
        assert not shaken.client.said_goodbye

    @pytest.mark.parametrize("end", ["abortConnection", "loseConnection"])
    def test_may_be_brought_about_by_what_is_heard(self, make_tls: Make, end: str) -> None:
        class Ending(Strict):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                getattr(self.transport, end)()

        scene = make_tls(protocol=Ending()).shake()
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

    def test_a_broken_connection_is_told_once(self, make_tls: Make) -> None:
        scene = make_tls(is_tcp=True).shake()
        scene.client.reset()
        scene.until_lost()
        scene.assert_gone()
        scene.stream.write(b"into nothing")
        scene.stream.loseConnection()
        scene.stream.abortConnection()
        scene.reactor.settle()
        scene.assert_gone()

    @pytest.mark.parametrize("size", [12, 4 * RECORD, len(MUCH)])
    def test_a_broken_connection_is_found_by_writing(self, shaken: Scene, size: int) -> None:
        shaken.stream.pauseProducing()
        shaken.client.wire.close()
        shaken.stream.write(bytes(size))
        shaken.stream.write(b"into nothing")
        assert shaken.protocol.lost == [], "only the reactor tells"
        shaken.until_lost()
        shaken.assert_gone(ConnectionLost)

    def test_a_close_finds_a_broken_connection(self, make_tls: Make) -> None:
        scene = make_tls(is_tcp=True).shake()
        scene.stream.pauseProducing()
        scene.client.reset()
        scene.stream.loseConnection()
        scene.until_lost()
        scene.assert_gone()

    def test_bytes_that_are_no_tls_end_it(self, shaken: Scene) -> None:
        shaken.client.say(b"good")
        shaken.client.step()
        shaken.client.wire.send(b"GET / HTTP/1.1\r\n\r\n" * 4000)
        shaken.reactor.settle()
        assert shaken.protocol.heard == b"good"
        shaken.assert_gone(ConnectionLost)

    def test_a_protocol_that_writes_when_the_peer_has_gone_harms_nobody(
        self, make_tls: Make
    ) -> None:
        class Answering(Strict):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.transport.write(b"answer" * 100_000)

        scene = make_tls(protocol=Answering()).shake()
        scene.client.say(b"bye")
        scene.client.step()
        scene.client.wire.close()
        scene.reactor.settle()
        scene.assert_gone()

    def test_a_protocol_that_writes_after_what_is_no_tls_harms_nobody(self, make_tls: Make) -> None:
        """OpenSSL encrypts nothing more then."""

        class Answering(Strict):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                self.transport.write(b"answer" * 100_000)

        scene = make_tls(protocol=Answering()).shake()
        scene.client.tls.write(b"good")
        scene.client.send_raw(scene.client.sealed() + b"GET / HTTP/1.1\r\n\r\n")
        scene.client.step()
        scene.reactor.settle()
        assert scene.protocol.heard == b"good"
        scene.assert_gone(ConnectionAborted)

    def test_a_goodbye_that_the_kernel_does_not_take_is_left_out(self, shaken: Scene) -> None:
        shaken.client.reads = False
        shaken.client.say_goodbye()
        fill(shaken.stream.socket)
        shaken.reactor.turn()
        shaken.assert_gone(ConnectionDone)

    def test_what_follows_a_goodbye_means_nothing(self, shaken: Scene) -> None:
        shaken.client.say(b"last words")
        shaken.client.step()
        shaken.client.say_goodbye()
        shaken.client.wire.send(b"garbage" * 10)
        shaken.reactor.settle()
        assert shaken.protocol.heard == b"last words"
        shaken.assert_gone(ConnectionDone)

    def test_a_fault_in_a_record_is_answered_with_an_alert(self, shaken: Scene) -> None:
        shaken.client.tls.write(b"good")
        sealed = bytearray(shaken.client.sealed())
        sealed[-1] ^= 1
        shaken.client.wire.send(sealed)
        shaken.reactor.settle()
        assert shaken.protocol.received == []
        shaken.assert_gone(ConnectionLost)
        with pytest.raises(ssl.SSLError, match=r"(?i)alert bad record mac"):
            shaken.client.step()

    def test_the_goodbye_of_an_abort_is_none_even_while_it_closes(self, shaken: Scene) -> None:
        shaken.client.reads = False
        shaken.stream.write(MUCH)
        shaken.stream.loseConnection()
        shaken.stream.abortConnection()
        shaken.reactor.settle()
        shaken.assert_gone(ConnectionAborted)

    def test_a_failure_inside_openssl_ends_it_alone(
        self, shaken: Scene, logged_errors: list[LogEvent]
    ) -> None:
        """And what it left in the shared buffers is nobody's."""

        class Failing:
            def read(self, size: int, buffer: memoryview) -> int:
                raise MemoryError

        shaken.stream._tls = Failing()
        shaken.client.say(b"never read")
        shaken.client.step()
        shaken.reactor.turn()
        assert_shared_buffers_are_empty()
        shaken.assert_gone(ConnectionAborted)
        assert len(logged_errors) == 1
        logged_errors.clear()

    @pytest.mark.parametrize("stage", ["silent", "garbage", "half a handshake", "joined"])
    @pytest.mark.parametrize("end", ["loseConnection", "abortConnection", "hang up"])
    def test_leaves_nothing_for_the_collector(self, make_tls: Make, stage: str, end: str) -> None:

        class Collected(TlsStream):
            """Can be referred to weakly: its parents have slots alone."""

        scene = make_tls(kind=Collected)
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
            getattr(scene.stream, end)()
        freed_tls: Any = weakref.ref(scene.stream._tls) if stage == "joined" else lambda: None
        gc.disable()
        try:
            scene.reactor.settle()
            assert freed_tls() is None, "16 KB"
            freed = weakref.ref(scene.stream)
            scene.stream = scene.protocol.transport = None
            assert freed() is None
        finally:
            gc.enable()
            scene.stream = make_tls().stream
