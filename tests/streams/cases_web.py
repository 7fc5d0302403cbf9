"""Protocols of Twisted's and Autobahn's on top."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event
from websockets.uri import parse_uri

from tests.streams.case import case
from tests.streams.cases_bytes import ANSWER, MUCH
from tests.streams.wire import Wire
from tests.streams.world import SMALL_WINDOW, World
from vaultrelay.transport.tls_stream import TlsStream


def _request(path: str, body: bytes = b"", *headers: str) -> bytes:
    method = "POST" if body else "GET"
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _response(wire: Wire) -> tuple[int, bytes]:
    """Receives one response with a length; returns its status and body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = wire.receive(1)
        assert byte, f"the head ends with {head!r}"
        head += byte
    status, *lines = head.decode("latin-1").lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    return int(status.split()[1]), wire.receive(int(headers["content-length"]))


def _site(folder: Path) -> Any:
    from twisted.web.resource import Resource
    from twisted.web.server import Site
    from twisted.web.static import File

    class Echo(Resource):
        isLeaf = True

        def render_POST(self, request: Any) -> bytes:
            read: bytes = request.content.read()
            return read

    (folder / "file").write_bytes(ANSWER)
    root = Resource()
    root.putChild(b"file", File(str(folder / "file")))
    root.putChild(b"echo", Echo())
    return Site(root)


@case()
async def twisted_web_serves_files_and_posts_on_one_connection(world: World) -> None:
    site = _site(world.place.folder)
    site.doStart()
    try:
        wire = await world.dial(site.buildProtocol, window=SMALL_WINDOW)
        for _ in range(2):
            await world.thread(wire.send, _request("/file"))
            assert await world.thread(_response, wire) == (200, ANSWER)
            await world.thread(wire.send, _request("/echo", MUCH))
            assert await world.thread(_response, wire) == (200, MUCH)
        part = "Range: bytes=1000000-2999999"
        await world.thread(wire.send, _request("/file", b"", part))
        assert await world.thread(_response, wire) == (206, ANSWER[1_000_000:3_000_000])
        # No second file behind the first: where both writes of its beginning find the transport
        # full, twisted.web pauses its producer twice and resumes it once.
        requests = _request("/file") + _request("/echo", b"one") + _request("/missing")
        requests += _request("/echo", b"last", "Connection: close")
        await world.thread(wire.send, requests)
        responses = [await world.thread(_response, wire) for _ in range(4)]
        assert [status for status, _ in responses] == [200, 200, 404, 200]
        assert responses[0][1] == ANSWER
        assert [responses[1][1], responses[3][1]] == [b"one", b"last"]
        assert await world.thread(wire.receive_all) == b""
        assert wire.ending == ("goodbye" if world.is_tls else "end")
    finally:
        site.doStop()


@case()
async def twisted_web_outlives_clients_that_leave_in_the_middle(world: World) -> None:
    site = _site(world.place.folder)
    site.doStart()
    try:
        for number in range(6):
            wire = await world.dial(site.buildProtocol, window=SMALL_WINDOW)
            await world.thread(wire.send, _request("/file") * 3)
            await world.thread(wire.receive, 200_000 * number)
            await world.thread(wire.close if number % 2 else wire.reset)
        wire = await world.dial(site.buildProtocol)
        await world.thread(wire.send, _request("/echo", b"still here"))
        assert await world.thread(_response, wire) == (200, b"still here")
    finally:
        site.doStop()


def _echo_factory() -> Any:
    from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
    from autobahn.wamp.types import TransportDetails

    class Echo(WebSocketServerProtocol):
        def connectionMade(self) -> None:
            if not isinstance(self.transport, TlsStream):
                super().connectionMade()
                return
            # With pyOpenSSL installed Autobahn insists on Twisted's own TLS, for a channel binding
            # that WAMP alone uses.
            self._transport_details = TransportDetails()
            self.peer = "tls"
            self._connectionMade()

        def onMessage(self, payload: bytes, isBinary: bool) -> None:
            self.sendMessage(payload, isBinary, fragmentSize=100_000)
            if payload == b"close":
                self.sendClose(1000)

    factory = WebSocketServerFactory()
    # Its timers are rounded to whole seconds: with the default of 1 it may reset the connection
    # before the kernel has sent the close frame.
    factory.setProtocolOptions(closeHandshakeTimeout=10)
    factory.protocol = Echo
    return factory


class _Client:
    """A WebSocket client in one thread: an SSLSocket may not be read and written in two."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._events: deque[Event] = deque()
        self._protocol = ClientProtocol(parse_uri("ws://localhost/"), max_size=None)
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        assert isinstance(self._next(), Response)

    def send(self, *pieces: bytes) -> None:
        """Send a message, in a fragment for each piece."""
        first, *others = pieces
        self._protocol.send_binary(first, fin=not others)
        for piece in others:
            self._protocol.send_continuation(piece, fin=piece is others[-1])
        self._flush()

    def ping(self) -> None:
        """Send a ping, and wait for its pong."""
        self._protocol.send_ping(b"are you there")
        self._flush()
        found = self._next()
        assert isinstance(found, Frame)
        assert (found.opcode, found.data) == (Opcode.PONG, b"are you there")

    def receive(self) -> bytes:
        """Receive a message, whole."""
        message = bytearray()
        while True:
            found = self._next()
            assert isinstance(found, Frame)
            message += found.data
            if found.fin:
                return bytes(message)

    def receive_close(self) -> int:
        """Receive a close frame, answer it, and wait for the end; returns its code."""
        found = self._next()
        assert isinstance(found, Frame)
        assert found.opcode is Opcode.CLOSE
        self._flush()
        assert self._wire.receive_all() == b""
        return int.from_bytes(found.data[:2], "big")

    def _next(self) -> Event:
        while not self._events:
            data = self._wire.socket.recv(1 << 16)
            assert data, "the server ended the connection"
            self._protocol.receive_data(data)
            self._events.extend(self._protocol.events_received())
        return self._events.popleft()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._wire.send(data)


def _talk(wire: Wire) -> None:
    """Send messages in fragments, and check the echoes; the server closes at the end."""
    client = _Client(wire)
    for pieces in (
        [b"whole"],
        [b"in ", b"three", b" fragments"],
        [MUCH[at : at + 70_000] for at in range(0, len(MUCH), 70_000)],
        [MUCH],
        [b""],
    ):
        client.send(*pieces)
        assert client.receive() == b"".join(pieces)
    for number in range(200):
        client.send(b"%d" % number)
    assert [client.receive() for _ in range(200)] == [b"%d" % number for number in range(200)]
    client.ping()
    client.send(b"close")
    assert client.receive() == b"close"
    assert client.receive_close() == 1000


@case()
async def autobahn_echoes_messages_in_fragments(world: World) -> None:
    factory = _echo_factory()
    wire = await world.dial(factory.buildProtocol)
    await world.thread(_talk, wire)


@case()
async def a_line_receiver_hears_nothing_after_its_own_close(world: World) -> None:
    lines: list[bytes] = []

    class Lines(LineReceiver):
        def lineReceived(self, line: bytes) -> None:
            lines.append(line)
            transport: Any = self.transport
            if line == b"quit":
                transport.loseConnection()

    build: Callable[[Any], Any] = Factory.forProtocol(Lines).buildProtocol
    wire = await world.dial(build)
    await world.thread(wire.send, b"one\r\ntwo\r\nquit\r\nthree\r\n")
    assert await world.thread(wire.receive_all) == b""
    assert lines == [b"one", b"two", b"quit"]
