"""The dispatcher: one request head, bounded in size and time, and the next protocol."""

import json
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import alsoProvides

from tests.recorded_log import RecordedLog
from vaultrelay.policy.budgets import BudgetBook
from vaultrelay.policy.limits.pending import (
    HEAD_BYTES,
    HEAD_SECONDS,
    PENDING_GRACE_SECONDS,
    PENDING_PER_ADDRESS,
    SILENT_GRACE_SECONDS,
)
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS
from vaultrelay.transport.client_budgets import PendingClient, PendingClients
from vaultrelay.transport.haproxy_peers import Announcer, HAProxyPeer
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.transport.route import RouteResult
from vaultrelay.wire.refusal import not_found
from vaultrelay.wire.request import Request

HEAD = b"GET /v3?x=1 HTTP/1.1\r\nHost: relay.example.org\r\n\r\n"
REWRITTEN = b"what the route made of the head; "
CLIENT = IPv4Address("TCP", "192.0.2.9", 50000)
A_MOMENT = 0.01
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class Recorder(Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: list[Failure] = []
        self.transport_at_first: Any = None

    def connectionMade(self) -> None:
        self.transport_at_first = self.transport

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason)


class HalfTransport(StringTransport):
    """A transport of which one half can be closed."""

    is_half_closed = False

    def loseWriteConnection(self) -> None:
        self.is_half_closed = True


class Scene:
    """A dispatcher, the connection before it and the protocol after it."""

    def __init__(self, lasting: bool = True) -> None:
        self.clock: Any = Clock()
        self.behind: Any = Recorder()
        self.lasting = lasting
        self.asked: list[tuple[Request, Any]] = []
        self.trouble: Exception | None = None
        self.head = REWRITTEN
        self.factory = DispatcherFactory(self.clock, self.route, log=RecordedLog())
        self.connect()

    def connect(self) -> None:
        self.transport: Any = HalfTransport(peerAddress=CLIENT)
        door: Any = self.factory.buildProtocol(CLIENT)
        self.dispatcher = door
        self.dispatcher.makeConnection(self.transport)

    def route(self, request: Request, client: PendingClient) -> RouteResult:
        self.asked.append((request, client.address))
        if self.trouble is not None:
            raise self.trouble
        return RouteResult(self.behind, self.head, self.lasting)

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.dispatcher.dataReceived(piece)

    def lose(self, reason: Failure | None = None) -> None:
        self.dispatcher.connectionLost(reason or Failure(ConnectionDone()))

    @property
    def answer(self) -> tuple[bytes, dict[str, str]]:
        """Status line and JSON body of what was answered."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        assert b"Content-Length: %d\r\n" % len(body) in head
        assert b"Connection: close" in head.split(b"\r\n")
        answered: dict[str, str] = json.loads(body)
        return head.partition(b"\r\n")[0], answered

    @property
    def raw_answer(self) -> bytes:
        value: bytes = self.transport.value()
        return value

    @property
    def timers(self) -> int:
        return len(self.clock.getDelayedCalls())


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("size", [1, 2, 3, 5, len(HEAD) - 1, len(HEAD)])
def test_a_head_is_read_whole_in_whatever_pieces_it_comes(scene: Scene, size: int) -> None:
    pieces = [HEAD[start : start + size] for start in range(0, len(HEAD), size)]
    scene.say(*pieces[:-1])
    assert scene.behind.received == b""
    scene.say(pieces[-1])
    ((request, address),) = scene.asked
    assert (request.method, request.path) == ("GET", "/v3")
    assert request.header("host") == "relay.example.org"
    assert address == CLIENT
    assert scene.behind.received == REWRITTEN
    assert scene.transport is scene.behind.transport_at_first
    assert scene.transport.value() == b""


def test_bytes_after_the_head_reach_a_lasting_connection_in_order(scene: Scene) -> None:
    scene.say(HEAD + b"1\r\n\r\n2", b"3", b"\r\n\r\n4")
    assert scene.behind.received == REWRITTEN + b"1\r\n\r\n23\r\n\r\n4"
    assert len(scene.asked) == 1


def test_bytes_that_come_while_the_head_is_handed_over_are_not_lost(scene: Scene) -> None:
    """As when a transport delivers what it held as soon as its new reader asks for it."""
    read = scene.dispatcher.dataReceived

    class Eager(Recorder):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            if data.startswith(REWRITTEN):
                read(b", more")

    scene.behind = Eager()
    scene.say(HEAD + b"rest")
    assert scene.behind.received == REWRITTEN + b"rest, more"


def test_bytes_after_the_head_are_dropped_for_a_page() -> None:
    scene = Scene(lasting=False)
    scene.say(HEAD + b"GET /v3 HTTP/1.1\r\n\r\n")
    assert scene.behind.received == REWRITTEN
    assert len(scene.asked) == 1


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_page_is_served_once_on_a_connection(pieces: int) -> None:
    scene = Scene(lasting=False)
    site = Site(Page())
    site.reactor = scene.clock
    channel: Any = site.buildProtocol(CLIENT)
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    result = RouteResult(channel, head, lasting=False)
    door: Any = DispatcherFactory(scene.clock, lambda *_: result, log=RecordedLog()).buildProtocol(
        CLIENT
    )
    door.makeConnection(scene.transport)
    for piece in [HEAD, HEAD] if pieces > 1 else [HEAD + HEAD]:
        door.dataReceived(piece)
    assert scene.transport.value().count(b"HTTP/1.1 200 OK") == 1
    assert scene.transport.disconnecting
    door.connectionLost(Failure(ConnectionDone()))
    scene.lose()
    assert scene.timers == 0


class Page(Resource):
    """A page."""

    isLeaf = True

    def render_GET(self, request: object) -> bytes:
        return b"page"


def head_of(size: int) -> bytes:
    """A good request head of that many bytes."""
    start, end = b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"\r\n\r\n"
    return start + b"a" * (size - len(start) - len(end)) + end


@pytest.mark.parametrize("step", [1, 1024, 2 * HEAD_BYTES])
def test_a_head_of_the_largest_size_is_served(scene: Scene, step: int) -> None:
    head = head_of(HEAD_BYTES)
    scene.say(*(head[start : start + step] for start in range(0, len(head), step)))
    assert len(scene.asked) == 1


@pytest.mark.parametrize(
    "data",
    [
        head_of(HEAD_BYTES + 1),
        head_of(HEAD_BYTES + 1)[:-1] + b"aaaa",
        head_of(HEAD_BYTES + 4) + b"and more",
        b"a" * (HEAD_BYTES + 1),
        b"a" * 100_000,
    ],
    ids=["with an end", "end cut", "with more behind", "without end", "endless"],
)
@pytest.mark.parametrize("step", [1000, 200_000])
def test_a_larger_head_is_refused(scene: Scene, data: bytes, step: int) -> None:
    scene.say(*(data[start : start + step] for start in range(0, len(data), step)))
    status, body = scene.answer
    assert status == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert body["error"] == "head_too_large"
    assert not scene.asked
    assert scene.transport.disconnecting
    assert not scene.transport.disconnected


@pytest.mark.parametrize(
    "said", [b"\x16\x03\x01\x02\x00\x01", b"\x00", b" GET / HTTP/1.1\r\n\r\n", b"\x80\x9e\x01"]
)
def test_what_is_not_http_is_refused_at_its_first_byte(scene: Scene, said: bytes) -> None:
    scene.say(said)
    status, body = scene.answer
    assert status == b"HTTP/1.1 400 Bad Request"
    assert "without TLS" in body["detail"]
    assert scene.transport.disconnecting


def test_a_bad_request_is_refused(scene: Scene) -> None:
    scene.say(b"GET / HTTP/1.1\r\nno colon\r\n\r\n")
    status, body = scene.answer
    assert status == b"HTTP/1.1 400 Bad Request"
    assert body["error"] == "bad_request"
    assert not scene.asked


def test_what_the_route_refuses_is_refused(scene: Scene) -> None:
    scene.trouble = not_found()
    scene.say(HEAD + b"more")
    assert scene.answer[1]["error"] == "not_found"
    assert scene.transport.disconnecting
    assert scene.behind.received == b""


def test_a_refused_client_is_not_read_further(scene: Scene) -> None:
    scene.trouble = not_found()
    scene.say(HEAD)
    answered = scene.transport.value()
    scene.say(HEAD, b"\x00", b"a" * 10_000)
    assert scene.transport.value() == answered
    assert len(scene.asked) == 1


def test_a_refused_client_that_lingers_is_cut_off(scene: Scene) -> None:
    scene.trouble = not_found()
    scene.clock.advance(HEAD_SECONDS - A_MOMENT)
    scene.say(HEAD)
    scene.clock.advance(CLOSE_SECONDS - A_MOMENT)
    assert not scene.transport.disconnected
    scene.say(b"still here")
    scene.clock.advance(A_MOMENT)
    assert scene.transport.disconnected
    scene.lose()
    assert scene.timers == 0


def test_a_refused_client_that_leaves_costs_no_timer(scene: Scene) -> None:
    scene.trouble = not_found()
    scene.say(HEAD)
    assert scene.timers == 1
    scene.lose()
    assert scene.timers == 0


def test_a_silent_client_is_cut_off_at_the_deadline(scene: Scene) -> None:
    scene.clock.advance(HEAD_SECONDS - A_MOMENT)
    assert not scene.transport.disconnecting
    scene.clock.advance(A_MOMENT)
    assert scene.transport.disconnected
    assert scene.transport.value() == b""
    scene.lose()
    assert scene.timers == 0


def test_a_dripping_client_is_answered_at_the_deadline_and_cut_off_after_it(scene: Scene) -> None:
    drip = HEAD_SECONDS / 20
    for number in range(19):
        scene.say(HEAD[number : number + 1])
        scene.clock.advance(drip)
    assert not scene.transport.disconnecting
    scene.clock.advance(drip)
    status, body = scene.answer
    assert status == b"HTTP/1.1 408 Request Timeout"
    assert body["error"] == "request_timeout"
    assert not scene.transport.disconnected
    for _ in range(20):
        scene.say(b"a")
        scene.clock.advance(CLOSE_SECONDS / 20)
    assert scene.transport.disconnected
    assert not scene.asked
    scene.lose()
    assert scene.timers == 0


def test_a_lasting_connection_outlives_the_deadline(scene: Scene) -> None:
    scene.say(HEAD)
    assert scene.timers == 0
    scene.clock.advance(10 * HEAD_SECONDS)
    assert not scene.transport.disconnecting


def test_a_page_that_is_not_taken_in_time_is_cut_off() -> None:
    scene = Scene(lasting=False)
    scene.clock.advance(HEAD_SECONDS - A_MOMENT)
    scene.say(HEAD)
    assert not scene.transport.disconnected
    scene.clock.advance(A_MOMENT)
    assert scene.transport.disconnected
    assert scene.transport.value() == b""
    scene.lose()
    assert scene.timers == 0


def test_an_error_of_the_route_is_logged_and_ends_the_connection(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    scene.trouble = RuntimeError("nobody thought of it")
    scene.say(HEAD)
    (event,) = logged_errors
    assert event["log_failure"].value is scene.trouble
    assert event["log_namespace"] == "vaultrelay"
    assert "relay.example.org" not in str(event["log_format"])
    logged_errors.clear()
    assert scene.transport.disconnected
    assert scene.transport.value() == b""
    scene.lose()
    assert scene.timers == 0


@pytest.mark.parametrize("lasting", [False, True])
def test_an_error_of_the_one_behind_is_logged_and_ends_the_connection(
    lasting: bool, logged_errors: list[LogEvent]
) -> None:
    scene = Scene(lasting)

    class Broken(Recorder):
        def dataReceived(self, data: bytes) -> None:
            raise RuntimeError("nobody thought of it")

    scene.behind = Broken()
    scene.say(HEAD)
    assert len(logged_errors) == 1
    logged_errors.clear()
    assert scene.transport.disconnected
    reason = Failure(ConnectionLost())
    scene.lose(reason)
    assert scene.behind.lost == [reason]
    assert scene.timers == 0


@pytest.mark.parametrize("said", [b"", HEAD[:10]])
def test_a_client_that_leaves_before_its_request_costs_no_timer(scene: Scene, said: bytes) -> None:
    scene.say(*([said] if said else []))
    assert scene.timers == 1
    scene.lose()
    assert scene.timers == 0
    assert scene.behind.lost == []


@pytest.mark.parametrize("lasting", [False, True])
def test_the_one_behind_learns_that_its_connection_is_lost(lasting: bool) -> None:
    scene = Scene(lasting)
    scene.say(HEAD)
    reason = Failure(ConnectionLost())
    scene.lose(reason)
    assert scene.behind.lost == [reason]
    assert scene.timers == 0


def test_a_lasting_connection_takes_the_place_of_the_door() -> None:
    scene = Scene()
    scene.transport.protocol = scene.dispatcher
    scene.say(HEAD)
    assert scene.transport.protocol is scene.behind


def test_a_page_leaves_the_door_where_it_is_with_its_deadline() -> None:
    scene = Scene(lasting=False)
    scene.transport.protocol = scene.dispatcher
    scene.say(HEAD)
    assert scene.transport.protocol is scene.dispatcher


def test_a_door_behind_something_else_stays_and_passes_on() -> None:
    scene = Scene()
    scene.transport.protocol = wrapper = object()
    scene.say(HEAD, b"more")
    assert scene.transport.protocol is wrapper
    assert scene.behind.received == REWRITTEN + b"more"


def test_a_connection_that_needs_no_head_is_given_none(scene: Scene) -> None:
    calls: list[bytes] = []

    class Picky(Recorder):
        def dataReceived(self, data: bytes) -> None:
            calls.append(data)

    scene.behind = Picky()
    scene.head = b""
    scene.say(HEAD)
    assert calls == []
    scene.say(b"first")
    assert calls == [b"first"]


def test_doors_of_one_factory_share_nothing(scene: Scene) -> None:
    scene.say(HEAD[:10])
    first = scene.dispatcher
    scene.connect()
    scene.say(HEAD)
    assert len(scene.asked) == 1
    first.connectionLost(Failure(ConnectionDone()))
    assert scene.behind.lost == []


def test_accepting_connections_logs_nothing() -> None:
    assert not DispatcherFactory.noisy


def test_a_refused_head_request_gets_no_body() -> None:
    scene = Scene()
    scene.say(b"HEAD /v3 HTTP/1.1\r\n\r\n")
    assert scene.raw_answer.startswith(b"HTTP/1.1 400 ")
    assert scene.raw_answer.endswith(b"\r\n\r\n")


def test_tls_spoken_to_a_plain_port_is_told_so_at_once() -> None:
    scene = Scene()
    scene.say(b"\x16\x03\x01\x02\x00")
    status, told = scene.answer
    assert status == b"HTTP/1.1 400 Bad Request"
    assert "without TLS" in told["detail"]


def test_inside_tls_nobody_is_told_to_leave_tls_out(scene: Scene) -> None:
    alsoProvides(scene.transport, ISSLTransport)
    scene.say(b"\x00")
    assert scene.answer[1]["detail"].startswith("This is not HTTP. This port speaks wss")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_empty_lines_before_the_request_are_left_out(scene: Scene, size: int) -> None:
    said = b"\r\n\r\n" + HEAD + b"rest"
    scene.say(*(said[start : start + size] for start in range(0, len(said), size)))
    assert scene.behind.received == REWRITTEN + b"rest"
    assert scene.asked[0][0].path == "/v3"


def test_empty_lines_alone_are_no_request(scene: Scene) -> None:
    scene.say(b"\r\n", b"\r\n")
    scene.clock.advance(HEAD_SECONDS)
    assert scene.answer[0] == b"HTTP/1.1 408 Request Timeout"


@pytest.mark.parametrize("lines", [1, 2])
def test_an_answer_to_head_has_no_body_behind_empty_lines_either(scene: Scene, lines: int) -> None:
    scene.say(b"\r\n" * lines + b"HEAD / HTTP/1.1\r\nno colon\r\n\r\n")
    assert scene.raw_answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET / HTTP/1.1\nHost: a\n\n"],
        [b"GET / HTTP/1.1\r\nHost: a\n\n"],
        [b"GET / HTTP/1.1\n", b"Host: a\r\n"],
        [b"GET / HTTP/1.1\r", b"\nHost: a", b"\n"],
        [b"GET / HTTP/1.1\r", b"Host: a\r\n"],
        [b"GET / HTTP/1.1\r\n", b"\n"],
        [b"\nGET / HTTP/1.1\r\n"],
    ],
)
def test_bare_line_ends_are_refused_at_once(scene: Scene, pieces: list[bytes]) -> None:
    scene.say(*pieces)
    assert scene.answer[0] == b"HTTP/1.1 400 Bad Request"
    assert "CRLF" in scene.answer[1]["detail"]
    assert scene.factory.refused == {"bad_request": 1}


@pytest.mark.parametrize("piece", [1, 5, 1000])
@pytest.mark.parametrize("header", [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", SIGNATURE + bytes(4)])
def test_a_proxy_header_is_answered_before_the_request_comes(
    scene: Scene, header: bytes, piece: int
) -> None:
    said = header + HEAD
    for start in range(0, len(said), piece):
        scene.say(said[start : start + piece])
    status, body = scene.answer
    assert status == b"HTTP/1.1 400 Bad Request"
    assert body["detail"].startswith("A PROXY header arrived")
    assert scene.factory.refused == {"proxy_unexpected": 1}
    assert not scene.asked
    # A close with the request unread would cut the answer off, so the client closes.
    assert not scene.transport.disconnecting
    assert scene.transport.is_half_closed
    scene.clock.advance(CLOSE_SECONDS)
    assert scene.transport.disconnected


def test_behind_a_proxy_header_another_one_is_the_second(scene: Scene) -> None:
    assert scene.dispatcher.client_known(CLIENT)
    scene.say(SIGNATURE)
    assert scene.answer[1]["detail"].startswith("A second PROXY header follows the first")


class TestWithoutTheProxyHeader:
    @pytest.fixture(autouse=True)
    def missing(self, scene: Scene) -> None:
        assert scene.dispatcher.proxy_header_missing(CLIENT)

    @pytest.mark.parametrize(
        "said",
        [HEAD, HEAD[:20] + b"\n", b"\x16\x03\x01", b"PUT / HTTP/1.1\r\n\r\n", b"a" * 9000],
        ids=["good", "LF", "TLS", "PUT", "long"],
    )
    def test_every_request_is_told_so(self, scene: Scene, said: bytes) -> None:
        scene.say(said)
        assert "expects the PROXY protocol" in scene.answer[1]["detail"]
        assert scene.factory.refused == {"proxy_missing": 1}
        assert not scene.asked

    def test_a_head_request_gets_no_body(self, scene: Scene) -> None:
        scene.say(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert scene.raw_answer.endswith(b"\r\n\r\n")

    def test_a_handshake_that_fails_is_counted_as_that(self, scene: Scene) -> None:
        scene.dispatcher.preamble_failed("tls_no_tls")
        assert scene.factory.refused == {"proxy_missing": 1}

    def test_silence_is_what_it_is(self, scene: Scene) -> None:
        scene.clock.advance(HEAD_SECONDS)
        assert scene.factory.refused == {"silent": 1}


def test_without_the_header_the_address_of_the_connection_pays() -> None:
    clock: Any = Clock()
    factory = DispatcherFactory(
        clock, Scene().route, clients=PendingClients(clock, book=BudgetBook(10)), log=RecordedLog()
    )
    doors = [factory.buildProtocol(None) for _ in range(PENDING_PER_ADDRESS + 1)]
    stay = [door is not None and door.proxy_header_missing(CLIENT) for door in doors]
    assert stay == [True] * PENDING_PER_ADDRESS + [False]


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        (b"PROXY UNKNOWN\r\n", "proxy_unexpected"),
        (b"", "silent"),
        (b"GET / HT", "request_timeout"),
        (b"\x16\x03\x01", "no_http"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "bad_request"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "method_not_allowed"),
        (b"a" * 10_000, "head_too_large"),
    ],
)
def test_whoever_comes_to_nothing_is_counted_once_by_a_word_of_ours(
    scene: Scene, said: bytes, slug: str
) -> None:
    if said:
        scene.say(said)
    scene.clock.advance(HEAD_SECONDS)
    scene.clock.advance(CLOSE_SECONDS)
    assert scene.factory.refused == {slug: 1}
    scene.lose()


def test_a_served_request_counts_as_no_refusal(scene: Scene) -> None:
    scene.say(HEAD)
    scene.lose()
    assert not scene.factory.refused


@pytest.mark.parametrize("lasting", [False, True])
def test_a_place_is_held_until_the_request_is_served_or_the_connection_gone(lasting: bool) -> None:
    scene = Scene(lasting)
    waiting = scene.factory.pending
    assert len(waiting) == 1
    scene.say(HEAD)
    assert len(waiting) == (not lasting)
    scene.lose()
    assert len(waiting) == 0


def test_who_is_refused_holds_a_place_until_it_is_gone(scene: Scene) -> None:
    scene.say(b"\x00")
    assert len(scene.factory.pending) == 1
    scene.lose()
    assert len(scene.factory.pending) == 0


def test_a_crowded_door_cuts_the_oldest_off(scene: Scene) -> None:
    scene.clock.advance(PENDING_GRACE_SECONDS)
    assert scene.factory.pending.evict_oldest()
    assert scene.transport.disconnected
    assert scene.factory.refused == {"crowded_out": 1}
    scene.lose()
    assert scene.timers == 0


@pytest.mark.parametrize("how", ["handshake", "head"])
def test_who_has_said_something_keeps_its_place_for_longer_than_the_silent(
    scene: Scene, how: str
) -> None:
    if how == "handshake":
        scene.dispatcher.handshake_began()
    else:
        scene.say(HEAD[:1])
    scene.clock.advance(SILENT_GRACE_SECONDS)
    assert not scene.factory.pending.evict_oldest()
    scene.connect()
    scene.clock.advance(SILENT_GRACE_SECONDS)
    assert scene.factory.pending.evict_oldest()
    assert scene.transport.disconnected


def test_a_handshake_that_failed_is_counted(scene: Scene) -> None:
    scene.dispatcher.preamble_failed("tls_distrust")
    assert scene.factory.refused == {"tls_distrust": 1}


def test_haproxy_as_a_peer_leaves_the_door(scene: Scene) -> None:
    assert not scene.dispatcher.haproxy_connected(b"HAProxyS 2.1")
    scene.factory.announcer = Announcer(scene.clock, lambda: (), log=RecordedLog())
    assert scene.dispatcher.haproxy_connected(b"HAProxyS 2.1")
    assert isinstance(scene.transport.protocol, HAProxyPeer)
    assert len(scene.factory.pending) == 1
    scene.transport.protocol.dataReceived(b"\nw1\nhere 1 1\n")
    assert len(scene.factory.pending) == 0
    assert scene.transport.value().startswith(b"200\n")
    scene.clock.advance(HEAD_SECONDS)
    assert not scene.transport.disconnected
