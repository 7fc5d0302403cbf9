"""The admin pages, as a real site answers them."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.web.figures import figures
from tests.web.test_pages import TcpTransport
from vaultrelay.web.admin_pages import make_admin_site
from vaultrelay.web.figures import CURVES, Figures


class FakeSource:
    """A quiet relay."""

    def figures(self) -> Figures:
        return figures()

    def curves(self) -> dict[str, list[float]]:
        return {name: [1.0, 2.0] for name in CURVES}

    def options(self) -> dict[str, object]:
        return {"port": 8080}


def ask(path: str, method: str = "GET") -> tuple[bytes, bytes]:
    """Head and body of the answer."""
    clock: Any = Clock()
    site = make_admin_site(FakeSource())
    site.reactor = clock
    channel: Any = site.buildProtocol(None)
    transport = TcpTransport()
    channel.makeConnection(transport)
    channel.dataReceived(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    assert transport.disconnecting
    channel.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []
    head, _, body = transport.value().partition(b"\r\n\r\n")
    return head, body


def test_metrics_say_their_format() -> None:
    head, body = ask("/metrics")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in head + b"\r\n"
    assert body.startswith(b"# HELP vaultrelay_connections ")


def test_the_policy_allows_the_style_of_the_page_and_no_other() -> None:
    head, body = ask("/")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    style = body.partition(b"<style>")[2].partition(b"</style>")[0]
    assert b"style-src 'sha256-%s';" % b64encode(sha256(style).digest()) in head
    assert b"default-src 'none'" in head
    assert b"unsafe-inline" not in head
    assert head.count(b"Content-Security-Policy") == 1
    assert b"Cache-Control: no-store" in head


def test_head_is_answered_without_a_body() -> None:
    for path in ("/", "/metrics"):
        head, body = ask(path, "HEAD")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body == b""


def test_all_else_is_refused_in_json() -> None:
    for path in ("/health", "/v3", "/metrics/", "//"):
        head, body = ask(path)
        assert head.startswith(b"HTTP/1.1 404 ")
        assert body.startswith(b'{"error":"not_found","detail":"There is nothing at this path. The')
