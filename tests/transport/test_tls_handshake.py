"""The handshake: told to no protocol, counted by why it fails, and nothing plain is sent."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.logger import LogEvent

from tests.authority import issue, write_pair
from tests.transport.tls_client import lenient_context
from tests.transport.tls_scene import V1_2, V1_3, Counting, Make, Scene, fill
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.policy.limits.streams import MAX_READ_BYTES
from vaultrelay.transport.hub_stream import READ, WRITE
from vaultrelay.transport.kernel_queue import unacknowledged_bytes
from vaultrelay.transport.server_tls import ServerTls


class TestTheHandshake:
    def test_is_not_told_to_the_protocol(self, shaken: Scene) -> None:
        assert shaken.protocol.received == []
        assert shaken.protocol.lost == []
        assert shaken.events == READ

    @pytest.mark.parametrize("size", [1, 7, 100])
    def test_may_come_in_small_pieces(self, tls_scene: Scene, size: int) -> None:
        tls_scene.client.piece_bytes = size
        tls_scene.client.say(b"hello")
        tls_scene.until(lambda: tls_scene.protocol.heard == b"hello")

    def test_what_follows_it_at_once_arrives(self, tls_scene: Scene) -> None:
        """The client's last flight and its first words, in one segment."""
        tls_scene.client.step()
        for _ in range(10):
            tls_scene.reactor.turn(0.05)
            tls_scene.client.say(b"GET /")
            tls_scene.client.piece_bytes = 0
            tls_scene.client.step()
            tls_scene.client.piece_bytes = 1 << 30
            if tls_scene.client.is_shaken:
                break
            tls_scene.client.step()
        tls_scene.until(lambda: tls_scene.protocol.heard.startswith(b"GET /"))

    def test_waits_for_room_where_the_kernel_takes_nothing(self, tls_scene: Scene) -> None:
        size = fill(tls_scene.stream.socket)
        tls_scene.client.reads = False
        tls_scene.client.step()
        for _ in range(3):
            tls_scene.reactor.turn()
            assert tls_scene.events == READ | WRITE
        # What filled the connection up is not TLS.
        while size:
            size -= len(tls_scene.client.wire.recv(size))
        tls_scene.client.reads = True
        tls_scene.shake()
        assert tls_scene.events == READ

    def test_agrees_on_the_version(self, shaken: Scene) -> None:
        assert shaken.client.tls.version() == shaken.stream._tls.version()

    def test_lets_sessions_of_tls_1_2_be_resumed(
        self, make_tls: Make, pair: ServerCertificate
    ) -> None:
        tls = ServerTls([pair])
        context = lenient_context(V1_2)
        first = make_tls(tls, context=context).shake()
        assert not first.client.tls.session_reused
        session = first.client.tls.session
        second = make_tls(tls, context=context, session=session).shake()
        assert second.client.tls.session_reused
        second.client.say(b"resumed")
        second.until_heard(b"resumed")

    def test_gives_no_tickets_for_tls_1_3(self, make_tls: Make, pair: ServerCertificate) -> None:
        """Each handshake would pay more for them than a resumption saves."""
        tls = ServerTls([pair])
        context = lenient_context(V1_3)
        first = make_tls(tls, context=context).shake()
        first.client.say(b"tickets come with the first answer")
        first.until_heard(b"tickets come with the first answer")
        session = first.client.tls.session
        assert not (session and session.has_ticket)
        assert not make_tls(tls, context=context, session=session).shake().client.tls.session_reused

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
        self, tls_scene: Scene, said: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        tls_scene.client.wire.send(said)
        tls_scene.reactor.settle()
        tls_scene.assert_gone(ConnectionLost)
        assert tls_scene.protocol.received == []
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("follows", [b"", b"\x16\x03\x01\x02\x00" + bytes(512)])
    def test_in_place_of_which_a_proxy_header_comes_is_answered_in_clear(
        self, tls_scene: Scene, follows: bytes
    ) -> None:
        tls_scene.client.wire.send(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n" + follows)
        tls_scene.reactor.settle()
        answer = tls_scene.client.wire.recv(4096)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"--listen haproxy:" in answer
        tls_scene.assert_gone(ConnectionLost)

    def test_that_nobody_begins_waits(self, tls_scene: Scene) -> None:
        tls_scene.reactor.settle()
        assert tls_scene.events == READ
        assert tls_scene.protocol.lost == []

    @pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00"])
    def test_may_end_in_its_middle(self, tls_scene: Scene, said: bytes) -> None:
        if said:
            tls_scene.client.wire.send(said)
            tls_scene.reactor.settle()
        tls_scene.client.wire.shutdown(socket.SHUT_WR)
        tls_scene.reactor.settle()
        tls_scene.assert_gone()

    @pytest.mark.parametrize("steps", [0, 1, 2])
    @pytest.mark.parametrize("turns", [0, 1, 2])
    def test_may_be_broken_at_any_time(self, make_tls: Make, steps: int, turns: int) -> None:
        scene = make_tls(is_tcp=True)
        for number in range(2):
            if number < steps:
                scene.client.step()
            if number < turns:
                scene.reactor.turn(0.05)
        scene.client.reset()
        scene.until_lost()
        scene.assert_gone()

    def test_may_be_broken_before_its_last_step(self, tls_scene: Scene) -> None:
        tls_scene.client.step()
        tls_scene.reactor.turn()
        tls_scene.client.wire.close()
        tls_scene.until_lost()
        tls_scene.assert_gone()

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
        self, make_tls: Make, said: bytes, slug: str
    ) -> None:
        scene = make_tls(protocol=Counting())
        scene.client.wire.send(said)
        scene.reactor.settle()
        scene.client.wire.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == [slug]

    def test_that_never_began_is_no_failure(self, make_tls: Make) -> None:
        scene = make_tls(protocol=Counting())
        scene.client.wire.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == []

    def test_that_was_reset_before_it_began_is_no_failure(self, make_tls: Make) -> None:
        scene = make_tls(protocol=Counting())
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
        self, make_tls: Make, context: Callable[[], ssl.SSLContext], slug: str
    ) -> None:
        client = context()
        if slug == "tls_suites":
            client.maximum_version = ssl.TLSVersion.TLSv1_2
        scene = make_tls(protocol=Counting(), context=client)
        for _ in range(4):
            with suppress(ssl.SSLError):
                scene.client.step()
            scene.client._flush()
            scene.reactor.settle()
        scene.assert_gone()
        assert scene.protocol.failures == [slug]

    def test_may_fail_when_openssl_begins(
        self, make_tls: Make, logged_errors: list[LogEvent]
    ) -> None:
        """It has no memory left, say. That ends this connection, and is logged."""

        class Refusing:
            def wrap_bio(self, *arguments: object, **options: object) -> ssl.SSLObject:
                raise ssl.SSLError(1, "malloc failure")

        other = make_tls().shake()
        scene = make_tls(type("Tls", (), {"context": Refusing()}))
        scene.client.step()
        scene.reactor.settle()
        scene.assert_gone(ConnectionAborted)
        assert len(logged_errors) == 1
        logged_errors.clear()
        other.client.say(b"hello")
        other.until_heard(b"hello")

    @pytest.mark.parametrize("piece_bytes", [100, 1 << 30])
    def test_is_told_of_once_where_it_begins(self, make_tls: Make, piece_bytes: int) -> None:
        scene = make_tls(protocol=Counting())
        assert scene.protocol.begun == 0
        scene.client.piece_bytes = piece_bytes
        scene.shake()
        assert scene.protocol.begun == 1
        assert scene.protocol.failures == []

    def test_that_a_client_takes_back_has_left(self, make_tls: Make) -> None:
        """It says goodbye in place of going on: a close_notify, not encrypted yet."""
        scene = make_tls(protocol=Counting(), version=V1_2)
        scene.client.step()
        scene.reactor.turn()
        scene.client.wire.send(b"\x15\x03\x03\0\x02\x01\0")
        scene.reactor.settle()
        scene.assert_gone(ConnectionLost)
        assert scene.protocol.failures == ["tls_left"]

    def test_that_fails_sends_its_alert_first(self, make_tls: Make) -> None:
        context = lenient_context(ssl.TLSVersion.TLSv1_1)
        scene = make_tls(context=context)
        scene.client.step()
        scene.reactor.settle()
        scene.assert_gone(ConnectionLost)
        with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
            scene.client.step()

    def test_of_others_is_not_disturbed_by_garbage(self, make_tls: Make) -> None:
        """All use the same buffers, and each is served between the pieces of the others."""
        honest = [make_tls(version=version) for version in (V1_2, V1_3) * 5]
        for scene in honest:
            scene.client.piece_bytes = 200
            scene.client.say(b"hello")
        for number in range(10):
            bad = make_tls()
            bad.client.step()
            bad.client.wire.send(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00" * number)
            for scene in honest:
                scene.client.step()
            bad.reactor.turn()
            with suppress(BrokenPipeError):
                bad.client.wire.send(b"garbage" * number)
        for scene in honest:
            scene.until_heard(b"hello")
            scene.stream.write(b"hello yourself")
            scene.settle()
            assert scene.client.heard == b"hello yourself"

    def test_leaves_what_follows_a_refused_header_unread(self, tls_scene: Scene) -> None:
        """As much as one read takes is read with it: unread bytes would reset the connection."""
        tls_scene.client.wire.send(b"PROXY UNKNOWN\r\n" + bytes(100_000))
        tls_scene.reactor.settle()
        assert MAX_READ_BYTES > 100_000
        assert tls_scene.client.wire.recv(4096).startswith(b"HTTP/1.1 400 ")
        tls_scene.assert_gone(ConnectionLost)


class TestBeforeTheHandshake:
    @pytest.mark.parametrize("how", ["write", "writeSequence"])
    def test_nothing_is_written(self, tls_scene: Scene, how: str) -> None:
        """Neither in plain text nor later: nobody has been promised anything yet."""
        data = b"secret" * 1000
        getattr(tls_scene.stream, how)(data if how == "write" else [data])
        assert tls_scene.events == READ
        tls_scene.shake()
        tls_scene.stream.write(b"now")
        tls_scene.until(lambda: tls_scene.client.heard)
        assert tls_scene.client.heard == b"now"
        assert b"secret" not in tls_scene.client.received

    def test_a_write_in_its_middle_is_dropped_too(self, tls_scene: Scene) -> None:
        tls_scene.client.step()
        tls_scene.stream.write(b"secret")
        tls_scene.reactor.turn(0.05)
        tls_scene.stream.write(b"secret")
        tls_scene.shake()
        tls_scene.settle()
        assert tls_scene.client.heard == b""
        assert b"secret" not in tls_scene.client.received

    @pytest.mark.parametrize("turns", [0, 1])
    @pytest.mark.parametrize("close", ["loseConnection", "loseWriteConnection"])
    def test_a_close_needs_no_goodbye(self, tls_scene: Scene, turns: int, close: str) -> None:
        for _ in range(turns):
            tls_scene.client.step()
            tls_scene.reactor.turn(0.05)
        getattr(tls_scene.stream, close)()
        tls_scene.reactor.turn()
        tls_scene.assert_gone(ConnectionDone)
        tls_scene.stream.loseConnection()
        tls_scene.stream.write(b"too late")
        tls_scene.reactor.settle()

    @pytest.mark.parametrize("turns", [0, 1])
    def test_an_abort_leaves_nothing(self, tls_scene: Scene, turns: int) -> None:
        for _ in range(turns):
            tls_scene.client.step()
            tls_scene.reactor.turn(0.05)
        tls_scene.stream.abortConnection()
        tls_scene.stream.abortConnection()
        tls_scene.reactor.settle()
        tls_scene.assert_gone(ConnectionAborted)


def test_what_is_served_can_be_exchanged_while_connections_are_open(
    make_tls: Make, pair: ServerCertificate, tmp_path: Path
) -> None:
    issued = issue()
    tls = ServerTls([pair])
    waiting, old = make_tls(tls), make_tls(tls).shake()
    tls.serve([load_certificate(*write_pair(tmp_path, issued))])
    new = make_tls(tls).shake()
    assert new.client.tls.getpeercert(binary_form=True) == issued.der
    assert waiting.shake().client.tls.getpeercert(binary_form=True) == issued.der
    assert old.client.tls.getpeercert(binary_form=True) != issued.der
    for scene in (old, new, waiting):
        scene.client.say(b"hello")
        scene.stream.write(b"hello")
        scene.until_heard(b"hello")
        assert scene.client.heard == b"hello"


def test_a_session_of_the_old_certificate_is_not_resumed_with_the_new(
    make_tls: Make, pair: ServerCertificate, tmp_path: Path
) -> None:
    tls = ServerTls([pair])
    context = lenient_context()
    session = make_tls(tls, context=context).shake().client.tls.session
    tls.serve([load_certificate(*write_pair(tmp_path, issue()))])
    assert not make_tls(tls, context=context, session=session).shake().client.tls.session_reused


def test_a_server_name_that_is_no_ascii_is_not_printed(
    make_tls: Make,
    pair: ServerCertificate,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    other = load_certificate(*write_pair(tmp_path, issue(["other.example"])))
    scene = make_tls(ServerTls([pair, other]), name="name-of-mine.example")
    scene.client.piece_bytes = 0
    scene.client.step()
    hello = bytes(scene.client.to_send).replace(b"name-of-mine", b"n\xffme-of-m\x80ne")
    assert b"\xff" in hello
    scene.client.wire.send(hello)
    scene.reactor.settle()
    scene.assert_gone(ConnectionLost)
    assert unraisable == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux alone has the option")
def test_its_last_flight_is_acknowledged_at_once(make_tls: Make) -> None:
    # Else a client with Nagle's algorithm holds its request back for 40 ms.
    scene = make_tls(version=V1_3, is_tcp=True)
    scene.until(lambda: scene.client.is_shaken)
    assert unacknowledged_bytes(scene.client.wire.fileno())
    scene.reactor.turn_until(lambda: scene.is_shaken, lambda: None)
    assert unacknowledged_bytes(scene.client.wire.fileno()) == 0
