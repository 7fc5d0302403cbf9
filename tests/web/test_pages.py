"""The pages, as a real site answers them."""

import html
import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any, cast
from urllib.parse import urljoin

import pytest
import segno
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.test.requesthelper import DummyRequest
from zope.interface import alsoProvides

from tests.web.made import made as made_page
from vaultrelay.config.settings import Settings
from vaultrelay.observe.privacy import privacy_notice
from vaultrelay.web.page_resource import QuietSite
from vaultrelay.web.pages import Pages
from vaultrelay.web.privacy_page import privacy_page

HEALTH = b'{"status":"ok","version":"1.0.0","connections":3,"uptime_seconds":86400}'
PRIVACY: dict[str, Any] = privacy_notice(Settings())
PATHS = ["/", "/privacy", "/privacy.json", "/health", "/ready", "/address", "/nothing"]


@dataclass
class FakeStatus:
    """A relay's state."""

    draining: bool = False
    joined: int = 3
    uptime_seconds: int = 86400


class TcpTransport(StringTransport):
    """A transport with the one knob that a site turns."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = enabled


@dataclass
class Answer:
    """What a client reads of an answer."""

    status: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The value of a header that comes once; None where it is missing."""
        values = [value for each, value in self.headers if each.lower() == name]
        assert len(values) < 2
        return values[0] if values else None

    @property
    def url(self) -> str:
        """The URL that the front page tells one to enter."""
        return self.body.decode().partition('<code id="url">')[2].partition("</code>")[0]


Ask = Callable[..., Answer]


@pytest.fixture
def status() -> FakeStatus:
    return FakeStatus()


@pytest.fixture
def ask(status: FakeStatus) -> Ask:
    """Sends one request; with `public_urls` to a relay that has some."""

    def ask(
        path: str = "/",
        method: str = "GET",
        *,
        headers: tuple[bytes, ...] = (b"Host: relay.example.org",),
        public_urls: tuple[str, ...] = (),
        secure: bool = False,
        asks_token: bool = False,
        node_name: str = "",
    ) -> Answer:
        clock: Any = Clock()
        pages = Pages(cast("Any", status), version="1.0.0", privacy=lambda: PRIVACY)
        pages.configure(public_urls=public_urls, asks_token=asks_token, node_name=node_name)
        site = QuietSite(pages)
        site.reactor = clock
        channel: Any = site.buildProtocol(None)
        transport = TcpTransport()
        if secure:
            alsoProvides(transport, ISSLTransport)
        channel.makeConnection(transport)
        lines = [f"{method} {path} HTTP/1.1".encode(), b"Connection: close", *headers]
        channel.dataReceived(b"\r\n".join([*lines, b"", b""]))
        assert transport.disconnecting
        channel.connectionLost(Failure(ConnectionDone()))
        assert clock.getDelayedCalls() == []
        head, _, body = transport.value().partition(b"\r\n\r\n")
        first, *rest = head.split(b"\r\n")
        fields = [line.partition(b": ")[::2] for line in rest]
        return Answer(first, fields, body)

    return ask


def test_health_is_answered_byte_for_byte(ask: Ask) -> None:
    answer = ask("/health")
    assert answer.status == b"HTTP/1.1 200 OK"
    assert answer.body == HEALTH
    assert answer.header(b"content-type") == b"application/json"
    assert answer.header(b"content-length") == b"%d" % len(HEALTH)


def test_health_names_the_node_if_it_has_a_name(ask: Ask) -> None:
    assert ask("/health", node_name="relay-2").body == HEALTH[:-1] + b',"node":"relay-2"}'


def test_health_while_draining_is_still_200(ask: Ask, status: FakeStatus) -> None:
    status.draining = True
    answer = ask("/health")
    assert answer.status == b"HTTP/1.1 200 OK"
    assert answer.body == HEALTH.replace(b'"ok"', b'"draining"')


def test_health_is_of_the_moment(ask: Ask, status: FakeStatus) -> None:
    status.joined, status.uptime_seconds = 0, 0
    told = json.loads(ask("/health").body)
    assert (told["connections"], told["uptime_seconds"]) == (0, 0)


def test_the_privacy_notice_is_what_the_site_was_given(ask: Ask) -> None:
    answer = ask("/privacy.json")
    assert answer.status == b"HTTP/1.1 200 OK"
    assert answer.header(b"content-type") == b"application/json"
    assert json.loads(answer.body) == PRIVACY


def test_the_privacy_page_has_every_sentence_of_the_notice(ask: Ask) -> None:
    answer = ask("/privacy")
    assert answer.header(b"content-type") == b"text/html; charset=utf-8"
    shown = html.unescape(answer.body.decode())
    parts = [
        part for each in PRIVACY.values() for part in (each if isinstance(each, list) else [each])
    ]
    sentences = [part["says"] for part in parts if isinstance(part, dict)]
    assert len(sentences) > 10
    assert [each for each in [PRIVACY["says"], *sentences] if each not in shown] == []
    seconds = PRIVACY["sees"][0]["seconds_kept_after_disconnect"]
    assert f"Kept while the device is connected and up to {seconds:g} seconds longer." in shown
    assert re.findall(r'<a href="(.*?)"', shown) == ["./", "privacy.json"]


@pytest.mark.parametrize("path", ["/", "/v3", "/privacy"])
def test_the_policy_allows_what_stands_in_a_page_alone(ask: Ask, path: str) -> None:
    answer = ask(path, public_urls=("wss://relay.example.org",))
    found = dict(re.findall(rb"<(style|script)>(.*?)</", answer.body, re.DOTALL))
    assert set(found) == ({b"style"} if path == "/privacy" else {b"style", b"script"})
    allowed = {
        b"%s-src 'sha256-%s'" % (tag, b64encode(sha256(text).digest()))
        for tag, text in found.items()
    }
    policy = (answer.header(b"content-security-policy") or b"").split(b"; ")
    sources = {each for each in policy if b"-src" in each}
    assert sources == {b"default-src 'none'", b"img-src data:", *allowed}
    assert b'<link rel="icon" href="data:image/svg+xml,' in answer.body
    assert re.findall(rb"<[^>]* (?:style|on[a-z]+)=", answer.body) == []
    assert re.findall(rb'(?:src|href)="(?:https?:)?//', answer.body) == []


def test_the_front_page_has_the_qr_code_of_the_public_url_alone(ask: Ask) -> None:
    url = "wss://relay.example.org/<v3>"
    drawing = segno.make_qr(url, error="m").svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True
    )
    shown = ask(public_urls=(url,)).body.decode()
    dots = re.findall(r' d="(.*?)"', drawing)
    assert dots == re.findall(r' d="(.*?)"', shown)
    assert f'aria-label="QR code of {html.escape(url)}"' in shown
    assert "<svg" not in ask().body.decode()
    assert "<svg" not in ask(public_urls=(f"{url}/{'a' * 3000}",)).body.decode()


def test_the_qr_code_is_made_once_for_each_url(status: FakeStatus, monkeypatch: Any) -> None:
    made: list[str] = []

    def make(url: str, error: str) -> segno.QRCode:
        made.append(url)
        return make_qr(url, error=error)

    make_qr = segno.make_qr
    monkeypatch.setattr("segno.make_qr", make)
    pages: Any = Pages(cast("Any", status), version="1.0.0")
    for url in ("wss://a.example", "wss://b.example"):
        pages.configure(public_urls=(url,))
        for _ in range(2):
            request = DummyRequest([b""])
            assert url in made_page(pages._front_page(request))
    assert made == ["wss://a.example", "wss://b.example"]


@pytest.mark.parametrize(
    ("dialled", "path"),
    [
        ("http://relay.test/", "/"),
        ("http://relay.test/v3", "/v3"),
        ("https://home.test/relay/", "/"),
        ("https://home.test/relay/v3", "/v3"),
        ("https://home.test/a/b/?x=/", "/"),
    ],
)
def test_the_front_page_links_to_it_below_whatever_path_a_proxy_takes_off(
    ask: Ask, dialled: str, path: str
) -> None:
    links = re.findall(r'<a href="(.*?)"', ask(path).body.decode())
    below = dialled.partition("?")[0].removesuffix("v3")
    assert [urljoin(dialled, link) for link in links] == [f"{below}privacy"]


def test_ready_is_200_until_the_relay_drains(ask: Ask, status: FakeStatus) -> None:
    answer = ask("/ready")
    assert (answer.status, answer.body) == (b"HTTP/1.1 200 OK", b'{"status":"ok"}')
    status.draining = True
    answer = ask("/ready")
    assert answer.status == b"HTTP/1.1 503 Service Unavailable"
    assert answer.body == b'{"status":"draining"}'
    assert answer.header(b"content-type") == b"application/json"


@pytest.mark.parametrize("draining", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_head_gets_the_same_head_and_no_body(
    ask: Ask, status: FakeStatus, path: str, draining: bool
) -> None:
    status.draining = draining
    full, bare = ask(path), ask(path, "HEAD")
    assert bare.body == b""
    assert bare.status == full.status
    dated = {b"Date"}
    assert [field for field in bare.headers if field[0] not in dated] == [
        field for field in full.headers if field[0] not in dated
    ]
    assert bare.header(b"content-length") == b"%d" % len(full.body)


@pytest.mark.parametrize(
    "path", ["/nothing", "/health/", "/Health", "/healthz", "//", "/..", "/%68ealth", "/index.html"]
)
def test_there_is_nothing_at_other_paths(ask: Ask, path: str) -> None:
    answer = ask(path)
    assert answer.status == b"HTTP/1.1 404 Not Found"
    assert json.loads(answer.body)["error"] == "not_found"
    assert answer.header(b"content-type") == b"application/json"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((b"X-Client-Address: 203.0.113.7",), b'{"address":"203.0.113.7","from":"connection"}'),
        (
            (b"X-Client-Address: 2001:db8::7", b"X-Client-Forwarded: 1"),
            b'{"address":"2001:db8::7","from":"proxy"}',
        ),
        ((), b'{"address":null,"from":"connection"}'),
    ],
    ids=["connection", "proxy", "unknown"],
)
def test_a_visitor_is_told_who_he_is(ask: Ask, headers: tuple[bytes, ...], body: bytes) -> None:
    answer = ask("/address", headers=headers)
    assert answer.status == b"HTTP/1.1 200 OK"
    assert answer.body == body
    assert answer.header(b"content-type") == b"application/json"


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_time(ask: Ask, path: str) -> None:
    """By it, `vault-relay check` sees a clock that is wrong."""
    assert parsedate_to_datetime((ask(path).header(b"date") or b"").decode())


def test_a_query_changes_nothing(ask: Ask) -> None:
    assert ask("/health?status=draining&x=%00").body == HEALTH


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_security_headers_and_names_no_server(ask: Ask, path: str) -> None:
    answer = ask(path)
    assert answer.header(b"server") is None
    assert answer.header(b"cache-control") == b"no-store"
    assert answer.header(b"x-content-type-options") == b"nosniff"
    assert answer.header(b"referrer-policy") == b"no-referrer"
    policy = (answer.header(b"content-security-policy") or b"").split(b"; ")
    assert {b"default-src 'none'", b"frame-ancestors 'none'", b"form-action 'none'"} <= set(policy)
    assert answer.header(b"connection") == b"close"


def test_the_front_page_shows_the_public_url(ask: Ask) -> None:
    urls = ("wss://relay.example.org:8443/v3", "wss://second.example.org")
    answer = ask("/", headers=(b"Host: evil.example",), public_urls=urls)
    assert answer.status == b"HTTP/1.1 200 OK"
    assert answer.header(b"content-type") == b"text/html; charset=utf-8"
    assert answer.url == urls[0]
    assert b"evil" not in answer.body
    assert b"Devices must use this name to reach the relay." in answer.body


def test_a_public_url_with_markup_is_escaped(ask: Ask) -> None:
    answer = ask("/", public_urls=("wss://a.example/?a=1&b=<{url}>",))
    assert answer.url == "wss://a.example/?a=1&amp;b=&lt;{url}&gt;"


@pytest.mark.parametrize(
    ("secure", "headers", "scheme"),
    [
        (True, (), "wss"),
        (False, (b"X-Forwarded-Proto: https",), "wss"),
        (True, (b"X-Forwarded-Proto: http",), "wss"),
        (False, (b"X-Forwarded-Proto: http",), "ws"),
        (False, (), "ws"),
    ],
)
@pytest.mark.parametrize("host", ["relay.example.org", "relay.local:8080", "[2001:db8::1]:8080"])
def test_without_a_public_url_the_front_page_guesses(
    ask: Ask, host: str, secure: bool, headers: tuple[bytes, ...], scheme: str
) -> None:
    answer = ask("/", headers=(f"Host: {host}".encode(), *headers), secure=secure)
    assert answer.url == f"{scheme}://{host}"
    assert b"This is the address that your browser used" in answer.body
    assert (b"without TLS" in answer.body) is (scheme == "ws")


def test_the_front_page_says_whether_the_relay_is_about_to_restart(
    ask: Ask, status: FakeStatus
) -> None:
    assert b"This relay is running." in ask("/").body
    status.draining = True
    answer = ask("/")
    assert answer.status == b"HTTP/1.1 200 OK"
    assert b"This relay is about to restart." in answer.body


@pytest.mark.parametrize("headers", [(), (b"Host:",), (b"Host: ",)])
def test_without_a_host_the_front_page_names_none(ask: Ask, headers: tuple[bytes, ...]) -> None:
    assert ask("/", headers=headers).url == "ws://this-host"


def test_a_host_with_markup_is_escaped(ask: Ask) -> None:
    host = "\"'><script>alert(1)</script>&{url}{0}%s"
    answer = ask("/", headers=(f"Host: {host}".encode(),))
    assert answer.status == b"HTTP/1.1 200 OK"
    assert b"<script>alert" not in answer.body
    assert answer.body.count(b"<script") == 1
    assert html.unescape(answer.url) == f"ws://{host}"


@pytest.mark.parametrize("host", ["bücher.example".encode(), b"\xff\xfe", b"b\xfccher.example"])
@pytest.mark.parametrize("name", [b"Host: ", b"Host: a.example\r\nX-Forwarded-Proto: "])
def test_a_host_that_is_not_ascii_is_shown_without_harm(ask: Ask, name: bytes, host: bytes) -> None:
    """Any client may send it, so that it must neither fail nor be logged."""
    answer = ask("/", headers=(name + host,))
    assert answer.status == b"HTTP/1.1 200 OK"
    assert answer.url.startswith("ws://")
    assert answer.url.isascii()


def test_other_headers_of_the_request_are_not_shown(ask: Ask) -> None:
    shown = b"Host: a.example", b"User-Agent: sekrit", b"Referer: http://sekrit/", b"Cookie: sekrit"
    assert b"sekrit" not in ask("/", headers=shown).body


def test_requests_are_not_logged(ask: Ask) -> None:
    events: list[LogEvent] = []
    observer: Any = events.append
    globalLogPublisher.addObserver(observer)
    try:
        for path in PATHS:
            ask(path)
    finally:
        globalLogPublisher.removeObserver(observer)
    assert events == []


def test_the_site_starts_without_a_word(status: FakeStatus) -> None:
    assert not QuietSite(Pages(cast("Any", status), version="1.0.0")).noisy


def test_a_private_relay_says_where_the_token_goes(ask: Ask) -> None:
    urls = ("wss://relay.example.org",)
    assert b"TOKEN" not in ask(public_urls=urls).body
    shown = ask(public_urls=urls, asks_token=True).body
    assert b"<code>wss://any:TOKEN@relay.example.org</code>" in shown
    assert b'<code id="url">wss://relay.example.org</code>' in shown


def test_the_privacy_page_says_how_long_a_mailbox_keeps_what_it_keeps() -> None:
    notice = privacy_notice(Settings(mailbox="folder", mailbox_open=True, retention=7200))
    shown = made_page(privacy_page(notice))
    assert "Kept for at most 2 hours." in shown
    assert "writes nothing to disk" not in shown
    without = made_page(privacy_page(PRIVACY))
    assert "Kept for at most" not in without
    assert "<h2>What it writes to disk</h2>\n<p>Nothing.</p>" in without
