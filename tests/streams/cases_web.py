"""Protocols of Twisted's and Autobahn's on top."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

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
    factory.protocol = Echo
    return factory


def _talk(wire: Wire) -> None:
    """Send messages in fragments, and check the echoes; the server closes at the end."""
    with connect("ws://localhost/", sock=wire.socket, max_size=None, compression=None) as client:
        for pieces in (
            [b"whole"],
            [b"in ", b"three", b" fragments"],
            [MUCH[at : at + 70_000] for at in range(0, len(MUCH), 70_000)],
            [MUCH],
            [b""],
        ):
            client.send(iter(pieces) if len(pieces) > 1 else pieces[0])
            assert client.recv() == b"".join(pieces)
        for number in range(200):
            client.send(b"%d" % number)
        assert [client.recv() for _ in range(200)] == [b"%d" % number for number in range(200)]
        assert client.ping().wait(5)
        client.send(b"close")
        assert client.recv() == b"close"
        with suppress(ConnectionClosedOK):
            client.recv()


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
