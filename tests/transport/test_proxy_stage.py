"""The stage of the PROXY header: one header, not a byte more, and believed about the client."""

import gc
import socket
import ssl
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from tests.authority import NAME, Issued, issue, write_pair
from tests.recorded_log import RecordedLog
from tests.transport.hubs import running_hub
from tests.transport.tls_client import Client
from tests.transport.turns import Recorder, Turns, is_closed, pair_of_sockets
from tests.wire.proxy_headers import BAD, CLIENT_4, CLIENT_6, GOOD, SIGNATURE
from vaultrelay.certificates.server_certificate import load_certificate
from vaultrelay.policy.ledger import Ledger
from vaultrelay.transport import inherited_sockets
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.hub import ReactorHub
from vaultrelay.transport.listening_service import ListeningService
from vaultrelay.transport.listening_socket import TcpAddress
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.preamble import PreambleListener
from vaultrelay.transport.proxy_stage import ProxyStage
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.stream import Stream
from vaultrelay.transport.tls_stream import TlsStream

OWN = UNIXAddress(b"/run/proxy.sock")
"""What the kernel says of the other end: the proxy."""
WHERE = TcpAddress("127.0.0.1", 0, 5)
SECONDS = 10
LOOPBACK = "127.0.0.1"


class Scene:
    """A connection that comes from a proxy: a stream of one kind, with its stages."""

    def __init__(
        self,
        protocol: Recorder | None = None,
        kind: type[Any] = PlainStream,
        tls: ServerTls | None = None,
    ) -> None:
        self.proxy, ours = pair_of_sockets()
        self.descriptor = ours.fileno()
        self.reactor = Turns()
        self.protocol: Any = protocol or Recorder()
        stages = [ProxyStage(is_before_tls=tls is not None)]
        hub = ReactorHub(self.reactor, Ledger(1 << 20), log=RecordedLog())
        address = OWN.name.decode() if OWN.name else ""
        self.transport: Any = kind(
            hub, ours, address, self.protocol, *([tls] if tls else []), stages
        )
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        self.proxy.send(data)
        self.reactor.settle()

    @property
    def peer(self) -> object:
        return self.transport.getPeer()

    def assert_gone(self) -> None:
        assert self.protocol.received == []
        assert len(self.protocol.lost) == 1
        assert self.protocol.lost[0] in (ConnectionDone, ConnectionLost)
        assert self.reactor.readers == self.reactor.writers == set()
        assert is_closed(self.descriptor)

    def close(self) -> None:
        self.proxy.close()
        self.transport.abortConnection()
        self.reactor.turn()


Make = Callable[..., Scene]


def tls_of(folder: Path, issued: Issued | None = None) -> ServerTls:
    return ServerTls([load_certificate(*write_pair(folder, issued or issue()))])


@pytest.fixture
def make() -> Iterator[Make]:
    scenes: list[Scene] = []

    def build(*arguments: Any) -> Scene:
        scenes.append(Scene(*arguments))
        return scenes[-1]

    yield build
    for scene in scenes:
        scene.close()


@pytest.fixture
def scene(make: Make) -> Scene:
    return make()


@pytest.fixture(params=GOOD)
def line(request: pytest.FixtureRequest) -> tuple[bytes, Any]:
    return GOOD[request.param]


def test_a_line_names_the_client(scene: Scene, line: tuple[bytes, Any]) -> None:
    text, client = line
    assert scene.peer == OWN
    scene.send(text)
    assert scene.peer == (client or OWN)
    assert scene.protocol.received == []
    scene.send(b"hello")
    assert scene.protocol.received == [b"hello"]
    assert scene.protocol.lost == []


def test_a_line_may_come_byte_by_byte(scene: Scene, line: tuple[bytes, Any]) -> None:
    text, client = line
    for place in range(len(text)):
        assert scene.peer == OWN
        scene.send(text[place : place + 1])
    assert scene.peer == (client or OWN)
    scene.send(b"hello")
    assert scene.protocol.received == [b"hello"]


FOLLOWING = (
    b"G",
    b"\n",
    b"\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    SIGNATURE,
    bytes(60_000),
)


def test_not_a_byte_of_what_follows_is_taken(make: Make, line: tuple[bytes, Any]) -> None:
    for following in FOLLOWING:
        scene = make()
        scene.send(line[0] + following)
        assert scene.protocol.heard == following


def test_a_line_may_come_in_two_parts_the_second_with_what_follows(
    make: Make, line: tuple[bytes, Any]
) -> None:
    text = line[0]
    for place in (1, 5, 11, 12, 13, 15, 16, 17, 40):
        scene = make()
        scene.send(text[:place])
        scene.send(text[place:] + b"GET / HTTP/1.1\r\n")
        assert scene.protocol.heard == (text[max(place, len(text)) :] + b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_bad_line_ends_the_connection(
    scene: Scene, text: bytes, in_pieces: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    size = 1 if in_pieces else len(text)
    for place in range(0, len(text), size):
        if not scene.protocol.lost:
            scene.send(text[place : place + size])
    scene.assert_gone()
    assert capfd.readouterr() == ("", "")


class Telling(Recorder, PreambleListener):
    """A protocol that is told of headers that do not come, and of broken ones."""

    stays = True

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def proxy_header_missing(self, address: object) -> bool:
        self.told.append(address)
        return self.stays

    def preamble_failed(self, slug: str) -> None:
        self.told.append(slug)


class TestWithoutAHeader:
    @pytest.fixture
    def scene(self, make: Make) -> Scene:
        return make(Telling())

    @pytest.mark.parametrize("size", [1, 3, 12, 100])
    @pytest.mark.parametrize(
        "said",
        [
            b"GET / HTTP/1.1\r\n\r\n",
            b"PUT / HTTP/1.1\r\n\r\n",
            b"PROXIMITY / HTTP/1.1\r\n\r\n",
            b"\r\nGET / HTTP/1.1\r\n\r\n",
            b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"\n",
        ],
    )
    def test_the_protocol_is_told_once_and_gets_every_byte(
        self, scene: Scene, said: bytes, size: int
    ) -> None:
        for place in range(0, len(said), size):
            scene.send(said[place : place + size])
        assert scene.protocol.told == [OWN]
        assert scene.protocol.heard == said
        assert scene.protocol.lost == []

    def test_a_connection_that_may_not_stay_is_cut_off(self, scene: Scene) -> None:
        scene.protocol.stays = False
        scene.send(b"GET / HTTP/1.1\r\n\r\n")
        scene.assert_gone()

    @pytest.mark.parametrize(
        "name",
        ["1 of another network", "1 with names", "1 too long", "2 of version 1", "2 too long"],
    )
    def test_a_broken_header_is_told_as_one_that_is_missing(self, scene: Scene, name: str) -> None:
        scene.send(BAD[name])
        assert scene.protocol.told == ["proxy_missing"]
        scene.assert_gone()

    @pytest.mark.parametrize("said", [b"", b"PRO", SIGNATURE])
    def test_an_end_before_its_end_is_told_as_nothing(self, scene: Scene, said: bytes) -> None:
        if said:
            scene.send(said)
        scene.proxy.shutdown(socket.SHUT_WR)
        scene.reactor.settle()
        assert scene.protocol.told == []
        scene.assert_gone()

    def test_tls_goes_on_so_that_the_answer_is_understood(self, make: Make, tmp_path: Path) -> None:
        issued = issue()
        scene = make(Telling(), TlsStream, tls_of(tmp_path, issued))
        device = Client(scene.proxy, ssl.create_default_context(cadata=issued.pem.decode()))
        device.say(b"hello")
        scene.reactor.turn_until(lambda: scene.protocol.heard == b"hello", device.step)
        assert scene.protocol.told == [OWN]

    def test_what_was_taken_of_something_else_is_no_tls(self, make: Make, tmp_path: Path) -> None:
        scene = make(Telling(), TlsStream, tls_of(tmp_path))
        scene.send(b"P")
        scene.send(b"OST / HTTP/1.1\r\n")
        scene.assert_gone()


class Greeter(Recorder, PreambleListener):
    """Takes HAProxy as a peer, or not."""

    def __init__(self, takes_it: bool) -> None:
        super().__init__()
        self.begun: list[bytes] = []
        self._takes_it = takes_it

    def haproxy_connected(self, begun: bytes) -> bool:
        self.begun.append(begun)
        return self._takes_it


PEER = b"HAProxyS 2.1\nw1\nhere 528 1\n"


@pytest.mark.parametrize("kind", [PlainStream, Stream])
@pytest.mark.parametrize("size", [1, 5, 9, 12, 13, len(PEER)])
def test_haproxy_may_come_as_a_peer(make: Make, kind: type[Any], size: int) -> None:
    greeter = Greeter(takes_it=True)
    scene = make(greeter, kind)
    for place in range(0, len(PEER), size):
        scene.send(PEER[place : place + size])
    assert len(greeter.begun) == 1
    assert greeter.begun[0] + greeter.heard == PEER
    assert greeter.lost == []


@pytest.mark.parametrize("protocol", [Recorder(), Greeter(takes_it=False)], ids=["none", "no"])
def test_where_no_peer_is_taken_it_is_the_end(make: Make, protocol: Recorder) -> None:
    scene = make(protocol)
    scene.send(PEER)
    scene.assert_gone()


def test_where_tls_is_expected_no_peer_is_taken(make: Make, tmp_path: Path) -> None:
    greeter = Greeter(takes_it=True)
    scene = make(greeter, TlsStream, tls_of(tmp_path))
    scene.send(PEER)
    scene.assert_gone()
    assert greeter.begun == []


def test_what_begins_like_neither_version_is_not_waited_for(scene: Scene) -> None:
    scene.send(b"\x16")
    scene.assert_gone()


def test_an_end_of_the_stream_is_the_end_wherever_it_comes(make: Make) -> None:
    for text in (GOOD["1 TCP4"][0], GOOD["2 TCP4"][0]):
        for place in range(len(text)):
            scene = make()
            if place:
                scene.send(text[:place])
            scene.proxy.shutdown(socket.SHUT_WR)
            scene.reactor.settle()
            scene.assert_gone()


@pytest.mark.parametrize("text", [b"", b"PROXY TCP4 198", SIGNATURE])
def test_a_read_with_nothing_there_changes_nothing(scene: Scene, text: bytes) -> None:
    if text:
        scene.send(text)
    scene.transport.can_read()
    assert scene.protocol.lost == []


def test_a_broken_connection_is_lost(scene: Scene) -> None:
    scene.transport.write(b"never read")
    scene.proxy.close()
    scene.reactor.settle()
    scene.assert_gone()


class Counting(PreambleListener, Recorder):
    """Remembers why its preamble failed."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[str] = []

    def preamble_failed(self, slug: str) -> None:
        self.failed.append(slug)


@pytest.mark.parametrize(
    ("text", "slugs"), [(b"", []), (b"PROX", []), (b"PROXY TCP4 198", ["proxy_missing"])]
)
@pytest.mark.parametrize("is_orderly", [True, False])
def test_half_a_line_that_is_closed_counts_as_a_missing_header(
    text: bytes, slugs: list[str], is_orderly: bool
) -> None:
    stream: Any = SimpleNamespace(protocol=Counting())
    stage = ProxyStage(is_before_tls=False)
    if text:
        assert stage.feed(stream, text) is None
    stage.lost(stream, is_orderly)
    assert stream.protocol.failed == (slugs if is_orderly else [])


def test_an_end_after_the_line_is_one_too(scene: Scene, line: tuple[bytes, Any]) -> None:
    scene.send(line[0])
    scene.proxy.close()
    scene.reactor.settle()
    assert scene.protocol.lost == [ConnectionDone]


@pytest.mark.parametrize("text", [b"", b"PROXY TCP4 ", GOOD["1 TCP4"][0]])
@pytest.mark.parametrize("end", ["abortConnection", "loseConnection"])
def test_we_may_end_it_at_any_time(scene: Scene, text: bytes, end: str) -> None:
    if text:
        scene.send(text)
    getattr(scene.transport, end)()
    scene.reactor.settle()
    assert len(scene.protocol.lost) == 1
    assert scene.reactor.readers == scene.reactor.writers == set()


@pytest.mark.parametrize("kind", [PlainStream, TlsStream])
@pytest.mark.parametrize("text", [b"", b"PROXY TCP4 ", b"garbage", GOOD["1 TCP4"][0]])
@pytest.mark.parametrize("end", ["abortConnection", "loseConnection", "hang up"])
def test_nothing_is_left_for_the_collector(
    make: Make, tmp_path: Path, kind: type[Any], text: bytes, end: str
) -> None:
    scene = make(None, kind, tls_of(tmp_path) if kind is TlsStream else None)
    gc.disable()
    try:
        if text:
            scene.send(text)
        if end == "hang up":
            scene.proxy.close()
        else:
            getattr(scene.transport, end)()
        scene.reactor.settle()
        stream, scene.transport = scene.transport, None
        scene.protocol.transport = None
        # Ours, and that of the call.
        assert sys.getrefcount(stream) == 2
    finally:
        gc.enable()
        scene.transport = make().transport


def test_a_unix_socket_has_a_client_too(make: Make) -> None:
    scene = make(None, Stream)
    scene.send(GOOD["2 TCP6"][0] + b"hello")
    assert scene.peer == CLIENT_6
    assert scene.protocol.heard == b"hello"
    scene.transport.write(b"answer")
    assert scene.proxy.recv(100) == b"answer"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_tls_follows_the_line_in_the_same_segment(
    make: Make,
    tmp_path: Path,
    line: tuple[bytes, Any],
    version: ssl.TLSVersion,
    piece: int,
) -> None:
    text, client = line
    if piece == 1 and len(text) > 1000:
        pytest.skip("the same as the shorter ones")
    issued = issue()
    scene = make(None, TlsStream, tls_of(tmp_path, issued))
    context = ssl.create_default_context(cadata=issued.pem.decode())
    context.minimum_version = context.maximum_version = version
    device = Client(scene.proxy, context)
    device.piece_bytes = piece
    device.send_raw(text)
    device.say(b"hello")
    scene.reactor.turn_until(lambda: scene.protocol.heard == b"hello", device.step)
    scene.transport.write(b"answer")
    scene.reactor.turn_until(lambda: device.heard == b"answer", device.step)
    assert scene.peer == (client or OWN)


def test_nothing_is_written_before_tls_that_waits_for_the_line(make: Make, tmp_path: Path) -> None:
    scene = make(None, TlsStream, tls_of(tmp_path))
    scene.transport.write(b"secret")
    scene.send(GOOD["1 TCP4"][0])
    scene.transport.write(b"secret")
    scene.transport.loseConnection()
    scene.reactor.settle()
    assert scene.proxy.recv(100) == b""
    scene.assert_gone()


class TellsItsPeer(Protocol):
    """Says who it thinks that the client is."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data + b" from " + str(self.transport.getPeer()).encode())
        self.transport.loseConnection()


async def answer(text: str, ask: Callable[[Any], bytes]) -> bytes:
    """What somebody hears who asks in a thread, while the real reactor listens."""
    from twisted.internet import reactor

    factory = Factory.forProtocol(TellsItsPeer)
    factory.noisy = False
    with running_hub() as hub:
        pending = PendingConnections(hub.reactor)
        service = ListeningService(text, read_endpoint(reactor, text), factory, pending, hub)
        service.startService()
        asking: Any = deferToThread(ask, service.port)
        try:
            return bytes(await asking)
        finally:
            stopping: Any = service.stopService()
            await stopping


def check(text: str, ask: Callable[[Any], bytes], expected: bytes) -> "Deferred[None]":
    """What a test returns that waits for the answer."""

    def compare(found: bytes) -> None:
        assert found == expected

    return ensureDeferred(answer(text, ask)).addCallback(compare)


def exchange(
    family: int, address: Any, said: bytes, context: ssl.SSLContext | None = None
) -> bytes:
    """What a client hears behind a proxy that says `said`; `context` for one with TLS."""
    with socket.socket(family) as proxy:
        proxy.settimeout(SECONDS)
        proxy.connect(address)
        proxy.sendall(said)
        if context is None:
            return read_all(proxy)
        with context.wrap_socket(proxy, server_hostname=NAME) as client:
            client.sendall(b"hello")
            return read_all(client)


def read_all(end: socket.socket) -> bytes:
    heard = b""
    while data := end.recv(1000):
        heard += data
    return heard


FROM_CLIENT = b"hello from " + str(CLIENT_4).encode()


NAMES = ["1 TCP4", "2 TCP4", "2 TCP4 and more"]


@pytest.mark.parametrize("name", NAMES)
def test_a_tcp_port_behind_a_proxy(name: str) -> "Deferred[None]":
    def ask(port: Any) -> bytes:
        return exchange(socket.AF_INET, (LOOPBACK, port.getHost().port), GOOD[name][0] + b"hello")

    return check(f"haproxy:tcp:0:interface={LOOPBACK}", ask, FROM_CLIENT)


def test_a_tcp_port_behind_a_proxy_hangs_up_on_all_others() -> "Deferred[None]":
    def ask(port: Any) -> bytes:
        try:
            return exchange(socket.AF_INET, (LOOPBACK, port.getHost().port), BAD["HTTP"])
        except ConnectionResetError:
            # Some of what was said was never read.
            return b""

    return check(f"haproxy:tcp:0:interface={LOOPBACK}", ask, b"")


@pytest.mark.parametrize("name", NAMES)
def test_a_unix_socket_behind_a_proxy(tmp_path: Path, name: str) -> "Deferred[None]":
    path = str(tmp_path / "relay.sock")

    def ask(port: object) -> bytes:
        return exchange(socket.AF_UNIX, path, GOOD[name][0] + b"hello")

    return check(f"haproxy:unix:{path}", ask, FROM_CLIENT)


@pytest.mark.parametrize("name", NAMES)
def test_a_tls_port_behind_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> "Deferred[None]":
    monkeypatch.chdir(tmp_path)
    issued = issue()
    write_pair(tmp_path, issued)
    context = ssl.create_default_context(cadata=issued.pem.decode())

    def ask(port: Any) -> bytes:
        where = (LOOPBACK, port.getHost().port)
        return exchange(socket.AF_INET, where, GOOD[name][0], context)

    files = "privateKey=privkey.pem:certKey=fullchain.pem"
    return check(f"haproxy:ssl:0:interface={LOOPBACK}:{files}", ask, FROM_CLIENT)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
@inlineCallbacks
def test_a_socket_of_systemd_behind_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: socket.AddressFamily
) -> Generator[Any, Any, None]:
    address: Any = (LOOPBACK, 0) if family is socket.AF_INET else str(tmp_path / "relay.sock")
    with socket.socket(family) as passed:
        passed.bind(address)
        passed.listen()
        address = passed.getsockname()
        monkeypatch.setattr(
            inherited_sockets, "passed_sockets", lambda: ((passed.fileno(), "relay"),)
        )

        def ask(port: object) -> bytes:
            return exchange(family, address, GOOD["2 TCP4"][0] + b"hello")

        # The domain is not believed.
        yield check("haproxy:systemd:domain=INET6:name=relay", ask, FROM_CLIENT)


class Choosy(Recorder, PreambleListener):
    """Asks for each client, and keeps some away."""

    def __init__(self, welcome: bool = True) -> None:
        super().__init__()
        self.asked: list[object] = []
        self._welcome = welcome

    def client_known(self, address: object) -> bool:
        self.asked.append(address)
        return self._welcome


def test_the_protocol_is_told_who_comes(make: Make, line: tuple[bytes, Any]) -> None:
    choosy = Choosy()
    scene = make(choosy)
    scene.send(line[0] + b"hello")
    assert choosy.asked == [line[1]]
    assert choosy.heard == b"hello"


@pytest.mark.parametrize("kind", [PlainStream, Stream, TlsStream])
def test_who_is_not_welcome_goes_before_anything_else(
    make: Make, kind: type[Any], tmp_path: Path
) -> None:
    tls = tls_of(tmp_path) if kind is TlsStream else None
    scene = make(Choosy(welcome=False), kind, tls)
    scene.send(GOOD["2 TCP4"][0] + b"\x16\x03\x01")
    scene.assert_gone()


def test_a_listener_lets_clients_pass_by_default_and_nothing_else() -> None:
    everything = PreambleListener()
    assert everything.client_known(CLIENT_4)
    assert not everything.proxy_header_missing(CLIENT_4)
    assert not everything.haproxy_connected(b"")
    everything.handshake_began()
    everything.preamble_failed("tls_other")
