"""TLS from the client's side: what it trusts, what passes, and who is told what went wrong."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet.defer import ensureDeferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.authority import DAY, NAME, Issued, issue, write_pair
from tests.instant_endpoint import InstantEndpoint
from vaultrelay.certificates.server_certificate import load_certificate
from vaultrelay.client import Refused, connect
from vaultrelay.commands.checkup.tls_endpoint import TlsEndpoint, device_context, endpoint_of
from vaultrelay.wire.relay_url import RelayUrl

SEED = bytes(32)
MUCH = bytes(range(256)) * 4096 * 4
MOST_STEPS = 30
V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@implementer(IHandshakeListener)
class Recorder(Protocol):
    """Remembers what it is told."""

    transport: Any

    def __init__(self) -> None:
        self.told: list[str] = []
        self.received: list[bytes] = []
        self.lost: list[Failure] = []

    def connectionMade(self) -> None:
        self.told.append("connection")

    def handshakeCompleted(self) -> None:
        self.told.append("handshake")

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.append(reason)


class Scene:
    """A client with TLS and a server that takes its steps when the test says so."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, host: str = NAME) -> None:
        self.wire = InstantEndpoint()
        self.inner = Recorder()
        factory = Factory()
        factory.buildProtocol = lambda addr: self.inner  # type: ignore[method-assign]
        found: list[Any] = []
        TlsEndpoint(self.wire, host, client).connect(factory).addCallback(found.append)
        assert found == [self.inner]
        self.outer = self.wire.protocol
        self.piece_bytes = 1 << 30
        self.heard = b""
        self.got_goodbye = False
        self._to_us, self._from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.wrap_bio(self._to_us, self._from_us, server_side=True)
        self._is_shaken = False

    @property
    def transport(self) -> StringTransport:
        return self.wire.transport

    def say(self, data: bytes) -> None:
        self.tls.write(data)

    def steps(self) -> "Scene":
        """Let both ends go on until neither has anything to say."""
        for _ in range(MOST_STEPS):
            said = self.transport.value()
            self.transport.clear()
            self._to_us.write(said)
            self._hear()
            answer = self._from_us.read()
            if not said and not answer:
                return self
            for place in range(0, len(answer), self.piece_bytes):
                self.outer.dataReceived(answer[place : place + self.piece_bytes])
        raise AssertionError("it never came to rest")

    def _hear(self) -> None:
        try:
            if not self._is_shaken:
                self.tls.do_handshake()
                self._is_shaken = True
            while data := self.tls.read(1 << 16):
                self.heard += data
            self.got_goodbye = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.got_goodbye = True
        except ssl.SSLError:
            # The client has told why it trusts nobody here.
            self.heard = b"alert"

    def lose(self, reason: Exception) -> Exception:
        """TCP is over; what the protocol is told."""
        self.outer.connectionLost(Failure(reason))
        (found,) = self.inner.lost
        assert isinstance(found.value, Exception)
        return found.value


@pytest.fixture(scope="module")
def issued() -> Issued:
    return issue([NAME, "192.0.2.1", "2001:db8::1"])


def context_of(folder: Path, issued: Issued) -> ssl.SSLContext:
    """A server's."""
    return load_certificate(*write_pair(folder, issued)).context


def trusting(*issued: Issued, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client's, that trusts these and nobody else."""
    context = ssl.create_default_context(cadata="".join(each.pem.decode() for each in issued))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


Make = Callable[..., Scene]


@pytest.fixture
def make(tmp_path: Path, issued: Issued) -> Make:
    def build(served: Issued | None = None, **options: Any) -> Scene:
        options.setdefault("client", trusting(issued))
        return Scene(context_of(tmp_path, served or issued), **options)

    return build


@pytest.fixture(params=[V1_2, V1_3], ids=["1.2", "1.3"])
def scene(request: pytest.FixtureRequest, make: Make, issued: Issued) -> Scene:
    """A connection before its handshake, in either version."""
    return make(client=trusting(issued, version=request.param))


def test_what_is_written_before_the_handshake_arrives_after_it(scene: Scene) -> None:
    scene.inner.transport.write(b"early ")
    scene.inner.transport.writeSequence([b"words", b" "])
    assert b"early" not in scene.transport.value()
    scene.steps()
    scene.inner.transport.write(b"late")
    scene.inner.transport.write(b"")
    scene.steps()
    assert scene.heard == b"early words late"


def test_nothing_is_sent_in_plain_text(scene: Scene) -> None:
    scene.steps()
    for how, data in (("write", b"secret"), ("writeSequence", [b"sec", b"ret"])):
        getattr(scene.inner.transport, how)(data)
        assert b"sec" not in scene.transport.value()
        scene.steps()
    assert scene.heard == b"secretsecret"


def test_the_protocol_is_told_of_connection_and_handshake(scene: Scene) -> None:
    assert scene.inner.told == ["connection"]
    scene.steps()
    assert scene.inner.told == ["connection", "handshake"]
    assert scene.inner.transport.tls.version() in ("TLSv1.2", "TLSv1.3")
    assert scene.inner.transport.tls.getpeercert()["subjectAltName"][0] == ("DNS", NAME)


@pytest.mark.parametrize("host", [NAME, "192.0.2.1", "2001:db8::1"])
def test_the_host_may_be_a_name_or_an_address(make: Make, host: str) -> None:
    assert make(host=host).steps().inner.told == ["connection", "handshake"]


def test_a_certificate_of_an_authority_is_good(make: Make) -> None:
    root = issue((), subject="root", authority=True)
    own = issue(issuer=root)
    scene = make(own, client=trusting(root)).steps()
    assert scene.inner.told == ["connection", "handshake"]


class TestWhatIsNotTrusted:
    def why(self, scene: Scene) -> str:
        """What a protocol is told of a certificate that is not good."""
        scene.inner.transport.write(b"secret")
        scene.steps()
        assert scene.heard == b"alert", "nothing else is told to who is not trusted"
        assert scene.transport.disconnecting
        assert scene.inner.told == ["connection"]
        error = scene.lose(ConnectionDone())
        assert isinstance(error, ssl.SSLCertVerificationError)
        assert scene.inner.received == []
        return error.verify_message

    def test_a_certificate_for_another_host(self, make: Make) -> None:
        assert "other.example" in self.why(make(host="other.example"))
        assert "192.0.2.2" in self.why(make(host="192.0.2.2"))

    def test_a_certificate_that_nobody_signed(self, make: Make, issued: Issued) -> None:
        assert self.why(make(client=trusting(issue()))) == "self-signed certificate"
        assert self.why(make(client=ssl.create_default_context())) == "self-signed certificate"

    def test_a_certificate_of_an_unknown_authority(self, make: Make) -> None:
        own = issue(issuer=issue((), subject="root", authority=True))
        assert "unable to get local issuer" in self.why(make(own))

    @pytest.mark.parametrize(("days", "said"), [((-9, -1), "has expired"), ((1, 9), "not yet")])
    def test_a_certificate_of_another_time(
        self, make: Make, days: tuple[int, int], said: str
    ) -> None:
        now = datetime.now(UTC)
        own = issue(starts=now + days[0] * DAY, ends=now + days[1] * DAY)
        assert said in self.why(make(own, client=trusting(own)))

    def test_a_version_too_old(self, make: Make, issued: Issued) -> None:
        client = trusting(issued)
        client.minimum_version = V1_3
        scene = make(client=client)
        # The server's answer to a client that it has nothing in common with.
        scene.outer.dataReceived(b"\x15\x03\x03\x00\x02\x02\x46")
        assert scene.transport.disconnecting
        assert isinstance(scene.lose(ConnectionDone()), ssl.SSLError)


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(100), b"\x16\x03\x03\x00\x04\x01\x00\x00\x00"],
    ids=["HTTP", "zeros", "a hello of its own"],
)
def test_what_is_no_tls_is_told(scene: Scene, said: bytes) -> None:
    scene.outer.dataReceived(said)
    assert scene.transport.disconnecting
    error = scene.lose(ConnectionDone())
    assert isinstance(error, ssl.SSLError)
    assert error.reason


@pytest.mark.parametrize("reason", [ConnectionDone(), ConnectionLost()])
def test_an_end_of_the_connection_is_told_as_it_is(scene: Scene, reason: Exception) -> None:
    assert scene.lose(reason) is reason
    scene.inner.transport.write(b"to nobody")


@pytest.mark.parametrize("piece", [1, 7, 1 << 30])
def test_what_comes_in_pieces_is_put_together(scene: Scene, piece: int) -> None:
    scene.piece_bytes = piece
    scene.steps()
    scene.say(b"hello")
    scene.steps()
    assert b"".join(scene.inner.received) == b"hello"


def test_much_passes_both_ways(scene: Scene) -> None:
    scene.steps()
    scene.say(MUCH)
    scene.inner.transport.write(MUCH)
    scene.steps()
    assert b"".join(scene.inner.received) == MUCH
    assert scene.heard == MUCH


def test_a_producer_is_that_of_the_connection(scene: Scene) -> None:
    scene.steps()
    producer: Any = object()
    scene.inner.transport.registerProducer(producer, True)
    assert scene.transport.producer is producer


class TestTheEnd:
    def test_of_ours_says_goodbye_after_what_was_written(self, scene: Scene) -> None:
        scene.steps()
        scene.inner.transport.write(b"last words")
        scene.inner.transport.loseConnection()
        assert scene.transport.disconnecting
        scene.steps()
        assert (scene.heard, scene.got_goodbye) == (b"last words", True)

    def test_of_ours_is_one_once(self, scene: Scene) -> None:
        scene.steps()
        scene.inner.transport.loseConnection()
        scene.inner.transport.loseConnection()
        scene.inner.transport.write(b"too late")
        scene.inner.transport.writeSequence([b"too late"])
        scene.say(b"unheard")
        scene.steps()
        assert scene.heard == b""
        assert scene.inner.received == []

    def test_of_ours_may_come_before_the_handshake(self, scene: Scene) -> None:
        scene.inner.transport.write(b"unsaid")
        scene.inner.transport.loseConnection()
        assert scene.transport.disconnecting
        with suppress(ssl.SSLError):
            scene.steps()
        assert scene.heard in (b"", b"alert")

    def test_of_the_relay_is_answered(self, scene: Scene) -> None:
        scene.steps()
        scene.say(b"last words")
        with suppress(ssl.SSLWantReadError):
            scene.tls.unwrap()
        scene.steps()
        assert scene.inner.received == [b"last words"]
        assert scene.transport.disconnecting
        assert isinstance(scene.lose(ConnectionDone()), ConnectionDone)

    @pytest.mark.parametrize("end", ["loseConnection", "abortConnection"])
    def test_of_ours_is_the_end_of_what_we_hear(self, scene: Scene, end: str) -> None:
        """Though more has been received already."""
        scene.steps()

        def hear(data: bytes) -> None:
            scene.inner.received.append(data)
            getattr(scene.inner.transport, end)()

        scene.inner.dataReceived = hear  # type: ignore[method-assign]
        scene.say(b"first")
        scene.say(b"second")
        scene.steps()
        assert scene.inner.received == [b"first"]
        assert scene.transport.disconnecting

    def test_by_an_abort_says_nothing(self, scene: Scene) -> None:
        scene.steps()
        scene.inner.transport.abortConnection()
        scene.inner.transport.write(b"too late")
        assert scene.transport.value() == b""
        assert isinstance(scene.lose(ConnectionAborted()), ConnectionAborted)

    def test_by_bytes_that_are_no_tls_is_told(self, scene: Scene) -> None:
        scene.steps()
        scene.outer.dataReceived(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
        assert scene.transport.disconnecting
        assert isinstance(scene.lose(ConnectionDone()), ssl.SSLError)


def joining(server: ssl.SSLContext | None, client: ssl.SSLContext, said: bytes = b"") -> Exception:
    """What `connect` raises where a server refuses, or says `said` in plain text."""
    wire = InstantEndpoint()
    clock: Any = MemoryReactorClock()
    endpoint = TlsEndpoint(wire, NAME, client)
    work = connect(clock, f"wss://{NAME}", SEED, b"device-a", endpoint=endpoint)
    failed: list[Failure] = []
    ensureDeferred(work).addErrback(failed.append)
    if server is None:
        wire.protocol.dataReceived(said)
    else:
        to_us, from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
        end = server.wrap_bio(to_us, from_us, server_side=True)
        to_us.write(wire.transport.value())
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
        wire.protocol.dataReceived(from_us.read())
    assert wire.transport.disconnecting
    wire.protocol.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []
    (found,) = failed
    assert isinstance(found.value, Exception)
    return found.value


def test_connect_raises_what_is_wrong_with_a_certificate(tmp_path: Path, issued: Issued) -> None:
    error = joining(context_of(tmp_path, issued), trusting(issue()))
    assert isinstance(error, ssl.SSLCertVerificationError)
    assert error.verify_message == "self-signed certificate"


def test_connect_raises_that_there_is_no_tls(issued: Issued) -> None:
    error = joining(None, trusting(issued), b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert isinstance(error, ssl.SSLError)
    assert not isinstance(error, Refused)


@pytest.mark.parametrize(("url", "is_tls"), [("ws://relay.test", False), ("wss://a.test", True)])
def test_only_wss_is_tls(url: str, is_tls: bool) -> None:
    clock: Any = MemoryReactorClock()
    context = ssl.create_default_context()
    found: Any = endpoint_of(clock, RelayUrl.read(url), context)
    assert isinstance(found, TlsEndpoint) is is_tls
    if is_tls:
        assert found.context is context


def test_without_a_context_a_wss_url_trusts_what_the_platform_does() -> None:
    clock: Any = MemoryReactorClock()
    found: Any = endpoint_of(clock, RelayUrl.read(f"wss://{NAME}"))
    context = found.context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_renegotiation_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    issued = issue([NAME])
    certificate, key = write_pair(tmp_path, issued)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_file(certificate)
    context.use_privatekey_file(key)
    server = SSL.Connection(context)
    server.set_accept_state()
    wire, inner, factory = InstantEndpoint(), Recorder(), Factory()
    factory.buildProtocol = lambda addr: inner  # type: ignore[method-assign]
    TlsEndpoint(wire, NAME, device_context()).connect(factory)

    def both() -> None:
        """Let each end read what the other one wrote."""
        server.bio_write(wire.transport.value())
        wire.transport.clear()
        with suppress(SSL.WantReadError):
            server.do_handshake()
        with suppress(SSL.WantReadError):
            wire.protocol.dataReceived(server.bio_read(1 << 16))

    both()
    both()
    assert inner.told == ["connection", "handshake"]
    server.renegotiate()
    with suppress(SSL.WantReadError):
        server.do_handshake()
    wire.protocol.dataReceived(server.bio_read(1 << 16))
    inner.transport.write(b"still there")
    server.bio_write(wire.transport.value())
    with pytest.raises(SSL.Error, match="no renegotiation"):
        server.recv(1 << 16)
