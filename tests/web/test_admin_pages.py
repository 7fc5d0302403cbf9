"""The admin pages, as a real site answers them."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import LogEvent
from twisted.python.failure import Failure

from tests.cluster.statuses import status
from tests.web.sample_metrics import metrics
from tests.web.test_pages import TcpTransport
from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.observe.relay_snapshot import CURVES, RelaySnapshot
from vaultrelay.web.admin_pages import AdminPages, Source
from vaultrelay.web.page_resource import QuietSite


class FakeSource:
    """A quiet relay."""

    def metrics(self) -> RelaySnapshot:
        return metrics(messages_per_second=2)

    def curves(self) -> dict[str, list[float]]:
        return {name: [1.0, 2.0] for name in CURVES}

    def options(self) -> dict[str, object]:
        return {"port": 8080}

    def others(self) -> "Deferred[list[NodeAnswer]]":
        return succeed([])


class OneOfSeveral(FakeSource):
    """A relay whose others answer when the test says so."""

    def __init__(self) -> None:
        self.asked: Deferred[list[NodeAnswer]] = Deferred()

    def others(self) -> "Deferred[list[NodeAnswer]]":
        return self.asked


class Visit:
    """One request to a site."""

    def __init__(self, source: Source, path: str, method: str = "GET") -> None:
        self.clock: Any = Clock()
        site = QuietSite(AdminPages(source))
        site.reactor = self.clock
        self.channel: Any = site.buildProtocol(None)
        self.transport = TcpTransport()
        self.channel.makeConnection(self.transport)
        request = f"{method} {path} HTTP/1.1\r\nConnection: close\r\n\r\n"
        self.channel.dataReceived(request.encode())

    def leave(self) -> None:
        self.channel.connectionLost(Failure(ConnectionDone()))
        assert self.clock.getDelayedCalls() == []

    def answer(self) -> tuple[bytes, bytes]:
        """Head and body."""
        assert self.transport.disconnecting
        self.leave()
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        return head, body


def ask(path: str, method: str = "GET") -> tuple[bytes, bytes]:
    """Head and body of the answer."""
    return Visit(FakeSource(), path, method).answer()


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


def test_the_status_is_told_to_programs_too() -> None:
    head, body = ask("/status.json")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: application/json\r\n" in head + b"\r\n"
    assert (NodeStatus.read(body).devices, NodeStatus.read(body).messages_per_second) == (3, 2)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_page_waits_for_the_other_relays(method: str) -> None:
    source = OneOfSeveral()
    visit = Visit(source, "/", method)
    assert visit.transport.value() == b""
    source.asked.callback([NodeAnswer(NodeUrl.read("http://two"), status(node="relay-2"))])
    head, body = visit.answer()
    assert b"style-src 'sha256-" in head
    assert (b'<a href="http://two">relay-2</a>' in body) == (method == "GET")
    size = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    assert size == len(body) if method == "GET" else size > 1000


def test_only_the_page_asks_other_relays() -> None:
    for path in ("/options", "/status.json", "/metrics", "/nothing"):
        assert Visit(OneOfSeveral(), path).answer()[1]


def test_who_leaves_is_not_answered() -> None:
    source = OneOfSeveral()
    cancelled: list[object] = []
    source.asked = Deferred(cancelled.append)
    visit = Visit(source, "/")
    visit.leave()
    assert cancelled == [source.asked]
    assert visit.transport.value() == b""


def test_a_page_that_fails_is_logged_and_ends(logged_errors: list[LogEvent]) -> None:
    source = OneOfSeveral()
    visit = Visit(source, "/")
    source.asked.errback(RuntimeError("odd"))
    assert visit.transport.disconnecting
    visit.leave()
    assert visit.transport.value().startswith(b"HTTP/1.1 500 ")
    assert [event["log_failure"].type for event in logged_errors] == [RuntimeError]
    logged_errors.clear()


def test_head_is_answered_without_a_body() -> None:
    for path in ("/", "/options", "/status.json", "/metrics"):
        head, body = ask(path, "HEAD")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body == b""


def test_all_else_is_refused_in_json() -> None:
    for path in ("/health", "/v3", "/metrics/", "//"):
        head, body = ask(path)
        assert head.startswith(b"HTTP/1.1 404 ")
        assert body.startswith(b'{"error":"not_found","detail":"There is nothing at this path. The')
