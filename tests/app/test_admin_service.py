"""The admin endpoint of a relay in memory: where it listens, and whom it serves."""

from queue import Queue
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from tests.cluster.servers import page, serving
from tests.cluster.statuses import status as status_of
from tests.memory import Relay, Wire
from vaultrelay.app.admin_service import AdminService
from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.config.settings import Settings
from vaultrelay.policy.limits.admin import ADMIN_CONNECTIONS, NODE_SECONDS, SAMPLE_SECONDS
from vaultrelay.policy.limits.pending import HEAD_SECONDS, SILENT_GRACE_SECONDS
from vaultrelay.transport.endpoint_string import BadEndpoint
from vaultrelay.transport.listening_socket import TcpAddress

pytestmark = pytest.mark.usefixtures("bound")

ENDPOINT = "tcp:9090"
HOST = "relay.test"
"""By which tests/memory.py asks."""


@pytest.fixture
def relay() -> Relay:
    return Relay(admin=ENDPOINT, admin_hosts=(HOST,))


def admin_of(relay: Relay) -> AdminService:
    admin = relay.service._admin
    assert admin is not None
    return admin


def connect(relay: Relay) -> Wire:
    """A connection to the admin endpoint."""
    return Wire(admin_of(relay).dispatcher.buildProtocol(None))


def scraped(relay: Relay, name: str, **labels: str) -> float:
    """A value of /metrics."""
    body = connect(relay).request("/metrics").partition(b"\r\n\r\n")[2].decode()
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            if sample.name == f"vaultrelay_{name}" and sample.labels == labels:
                return sample.value
    raise AssertionError(f"no {name}")


def test_without_the_option_there_is_no_endpoint_and_no_timer(bound: list[TcpAddress]) -> None:
    relay = Relay()
    assert relay.service._admin is None
    relay.service.startService()
    assert len(bound) == 1
    assert len(relay.clock.getDelayedCalls()) == 3, "the broker's, the diagnosis, the trim"


def test_it_listens_beside_the_relay_and_has_one_timer(
    relay: Relay, bound: list[TcpAddress]
) -> None:
    relay.service.startService()
    assert [(address.port, address.host) for address in bound] == [
        (8080, "0.0.0.0"),
        (9090, "127.0.0.1"),
    ]
    assert len(relay.service.listeners.ports) == 1
    assert len(relay.clock.getDelayedCalls()) == 4
    relay.service.stopService()
    assert relay.clock.getDelayedCalls() == []


def test_a_line_says_where_it_is(relay: Relay) -> None:
    relay.service.startService()
    assert relay.log.lines[1].startswith(f"Status page and metrics: {ENDPOINT} (port 9090 of ")
    relay.service.stopService()


def test_a_bad_endpoint_raises_before_anything_listens() -> None:
    with pytest.raises(BadEndpoint):
        Relay(admin="tcp:80:bogus=1")


def test_it_may_be_behind_a_proxy() -> None:
    for before, is_plain in (("", True), ("haproxy:", False)):
        assert admin_of(Relay(admin=before + ENDPOINT)).listener.endpoint.is_plain is is_plain


def test_the_public_port_has_neither_page(relay: Relay) -> None:
    assert relay.connect().request("/metrics").startswith(b"HTTP/1.1 404 ")
    relay.service.startService()
    assert b"The last 4 minutes" not in relay.connect().request("/")
    assert b"The last 4 minutes" in connect(relay).request("/")
    relay.service.devices.abort_all()


def test_what_happens_to_devices_is_scraped(relay: Relay) -> None:
    relay.join().data(b"to nobody", to=99)
    bad = relay.connect()
    bad.upgrade()
    bad.hello(proof="A" * 86)
    relay.connect().send(b"\x16\x03\x01")
    assert scraped(relay, "connections", stage="joined") == 1
    assert scraped(relay, "messages_total") == 1
    assert scraped(relay, "undelivered_total", reason="gone") == 1
    assert scraped(relay, "handshakes_total", outcome="joined") == 1
    assert scraped(relay, "handshakes_total", outcome="proof") == 1
    assert scraped(relay, "handshakes_total", outcome="no_http") == 1
    assert scraped(relay, "closes_total", code="4503", slug="proof") == 1


def test_the_last_hour_is_on_the_page(relay: Relay) -> None:
    relay.service.startService()
    device, _ = relay.join(b"device-a"), relay.join(b"device-b")
    for _ in range(50):
        device.data(b"x")
    for _ in range(4 * SAMPLE_SECONDS):
        relay.clock.advance(0.25)
    page = connect(relay).request("/").decode()
    assert "<dd>5/s</dd>" in page
    assert "Messages in the last 4 minutes: 5/s now, 5/s at most" in page
    assert "<dt>listens on</dt><dd>port 8080 of 0.0.0.0 without TLS</dd>" in page
    assert f"<dt>admin</dt><dd>{ENDPOINT}</dd>" in page
    relay.service.devices.abort_all()


def test_the_page_shows_the_other_relays_when_there_are_some() -> None:
    with serving(page(status_of(node="relay-2"))) as (text, got), serving(None) as (silent, _):
        nodes = (NodeUrl.read(text), NodeUrl.read(silent))
        relay = Relay(admin=ENDPOINT, admin_hosts=(HOST,), admin_nodes=nodes, node_name="relay-1")
        calls: Queue[tuple[Any, ...]] = Queue()
        relay.clock.callFromThread = lambda *call: calls.put(call)
        assert scraped(relay, "channels") == 0
        assert got == [], "it is the page that asks, and nothing else"
        wire = connect(relay)
        assert wire.request("/") == b""
        call, answer = calls.get(timeout=10)
        call(answer)
        assert wire.taken() == b""
        relay.clock.advance(NODE_SECONDS)
    shown = wire.taken().decode()
    assert "<title>0 devices, VaultMesh relay relay-1</title>" in shown
    assert ">relay-2</a>" in shown
    assert "no answer within 1 s" in shown
    assert "2 of 3 relays" in shown
    relay.clock.advance(HEAD_SECONDS)


def test_the_others_change_while_it_runs(relay: Relay) -> None:
    admin = admin_of(relay)
    relay.clock.callFromThread = lambda *_: None
    assert admin.others().result == []
    with serving(None) as (text, _):
        relay.service.change(Settings(admin=ENDPOINT, admin_nodes=(NodeUrl.read(text),)))
        asked = admin.others()
        relay.clock.advance(NODE_SECONDS)
        assert [answer.url.text for answer in cast("list[NodeAnswer]", asked.result)] == [text]
    relay.service.change(Settings(admin=ENDPOINT))
    assert admin.others().result == []


def test_its_own_visitors_count_nowhere(relay: Relay) -> None:
    for said in (b"no http at all \x00", b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n"):
        connect(relay).send(said)
    connect(relay).send(b"GET / HTTP/1.1\r\nHo")
    assert not relay.broker.counters.refused
    assert len(relay.dispatcher.pending) == 0
    assert scraped(relay, "connections", stage="waiting") == 0
    relay.clock.advance(HEAD_SECONDS)


def test_requests_are_read_as_strictly_as_at_the_public_door(relay: Relay) -> None:
    for head, status in (
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\nHost: a\n\n", b"400"),
        (b"PROXY UNKNOWN\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET http://localhost/metrics HTTP/1.1\r\nHost: a\r\n\r\n", b"200"),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n", b"405"),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n", b"431"),
        (b"GET /metrics?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", b"400"),
        (b"GET /metrics?a=b HTTP/1.0\r\n\r\n", b"200"),
    ):
        wire = connect(relay)
        wire.send(head)
        assert wire.taken()[9:12] == status
        wire.hang_up()


def test_a_name_in_an_absolute_target_is_no_way_around_the_check_of_the_host(relay: Relay) -> None:
    for target, host, status in (
        ("http://evil.example/metrics", "localhost", b"421"),
        ("http://localhost:9090/metrics", "evil.example", b"200"),
        ("http://127.0.0.1/metrics", "evil.example", b"200"),
    ):
        here = IPv4Address("TCP", "127.0.0.1", 50000)
        wire = Wire(admin_of(relay).dispatcher.buildProtocol(here))
        assert wire.request(target, Host=host)[9:12] == status
        wire.hang_up()


def test_one_request_and_the_connection_ends(relay: Relay) -> None:
    wire = connect(relay)
    head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    wire.send(head + head)
    assert wire.taken().count(b"HTTP/1.1 ") == 1
    assert wire.transport.disconnecting
    relay.clock.advance(HEAD_SECONDS)
    assert wire.transport.aborted


def test_a_device_is_told_that_it_is_wrong_here(relay: Relay) -> None:
    wire = connect(relay)
    assert wire.upgrade().startswith(b"HTTP/1.1 400 ")
    assert b"admin endpoint" in wire.taken()
    assert not relay.broker.sessions


def test_only_a_few_wait_at_once(relay: Relay) -> None:
    waiting: Any = admin_of(relay).dispatcher.pending
    silent = [connect(relay) for _ in range(ADMIN_CONNECTIONS)]
    assert not waiting.make_room()
    relay.clock.advance(SILENT_GRACE_SECONDS)
    assert waiting.make_room()
    assert silent[0].transport.aborted
    relay.clock.advance(HEAD_SECONDS)


@pytest.mark.parametrize(
    ("peer", "host", "status"),
    [
        ("127.0.0.1", "localhost:9090", 200),
        ("127.0.0.1", "LOCALHOST", 200),
        ("127.0.0.1", "127.0.0.1:9090", 200),
        ("::1", "[::1]:9090", 200),
        ("10.0.0.7", "10.0.0.2:9090", 200),
        ("10.0.0.7", "[2001:db8::2]:9090", 200),
        ("unix", "localhost", 200),
        ("127.0.0.1", "relay.lan:9090", 200),
        ("10.0.0.7", "RELAY.lan.:9090", 200),
        ("unix", "relay.lan", 200),
        ("127.0.0.1", "evil.example:9090", 421),
        ("::ffff:127.0.0.1", "localhost.evil.example", 421),
        ("127.0.0.1", "[evil.example]", 421),
        # A browser of the operator's own network, or behind a proxy on a unix socket.
        ("10.0.0.7", "evil.example:9090", 421),
        ("10.0.0.7", "10.0.0.2.evil.example", 421),
        ("2001:db8::7", "evil.example", 421),
        ("10.0.0.7", "[::1].evil.example", 421),
        ("10.0.0.7", "[::1]evil.example", 421),
        ("10.0.0.7", "[::1%.evil.example]", 421),
        ("10.0.0.7", "127.0.0.1%.evil.example", 421),
        ("10.0.0.7", "localhost:evil.example", 421),
        ("10.0.0.7", "10.0.0.2:80:evil.example", 421),
        ("10.0.0.7", "[fd00::2]:", 200),
        ("unix", "evil.example", 421),
        ("unix", "unix", 421),
        ("10.0.0.7", "relay.lan.evil.example", 421),
        ("10.0.0.7", "x.relay.lan", 421),
        ("10.0.0.7", "r\u00e9lay.lan", 421),
        ("10.0.0.7", "", 421),
        ("10.0.0.7", "*", 421),
    ],
)
def test_no_website_reads_it_through_a_browser(peer: str, host: str, status: int) -> None:
    relay = Relay(admin=ENDPOINT, admin_hosts=("relay.lan",))
    kind: Any = IPv6Address if ":" in peer else IPv4Address
    address = UNIXAddress(None) if peer == "unix" else kind("TCP", peer, 50000)
    for path in "/", "/metrics", "/status.json", "/none":
        wire = Wire(admin_of(relay).dispatcher.buildProtocol(address))
        answer = wire.request(path, Host=host)
        expected = 404 if status == 200 and path == "/none" else status
        assert answer.startswith(f"HTTP/1.1 {expected} ".encode())
        assert status == 200 or b"with --admin-host and the name." in answer
    said = [each.text for each in relay.service.warnings() if each.slug == "admin_host"]
    assert [("add --admin-host" in text) for text in said] == [True] * (status == 421)


def test_names_of_its_own_change_while_it_runs(relay: Relay) -> None:
    def ask() -> bytes:
        return connect(relay).request("/metrics", Host="prometheus-target:9090")[9:12]

    assert ask() == b"421"
    assert "admin_host" in [warning.slug for warning in relay.service.warnings()]
    relay.service.change(Settings(admin=ENDPOINT, admin_hosts=("prometheus-target",)))
    assert "admin_host" not in [warning.slug for warning in relay.service.warnings()]
    assert ask() == b"200"
