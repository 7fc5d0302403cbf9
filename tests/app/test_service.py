"""The relay joined together: who serves which request, what full and draining relays answer."""

import json
import socket
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent, LogLevel

from tests.authority import issue, write_pair
from tests.frames import close_frame
from tests.memory import SEED, UPGRADE, Relay, Wire
from tests.recorded_log import RecordedLog
from vaultrelay import __version__
from vaultrelay.app.service import RelayService
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.config.settings import Settings
from vaultrelay.native import code
from vaultrelay.policy.limits.logs import FEW_HANDSHAKES
from vaultrelay.policy.limits.networks import RESERVED_PER_CHANNEL
from vaultrelay.policy.limits.pending import HEAD_SECONDS, LISTEN_BACKLOG
from vaultrelay.transport.endpoint_string import BadEndpoint
from vaultrelay.transport.listening_socket import TcpAddress
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of

CHANNEL = base64url.encode(channel_of(SEED))


@pytest.fixture
def relay() -> Relay:
    return Relay(drain_seconds=20)


def refused(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON body of an HTTP answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_health_counts_joined_devices_and_whole_seconds(relay: Relay) -> None:
    relay.join(b"device-a")
    unjoined = relay.connect()
    unjoined.upgrade()
    relay.clock.advance(3.9)
    answer = relay.connect().request("/health")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    body = answer.partition(b"\r\n\r\n")[2]
    assert body == (
        b'{"status":"ok","version":"%s","connections":1,"uptime_seconds":3}' % __version__.encode()
    )


def test_a_page_is_answered_once_and_the_connection_ends(relay: Relay) -> None:
    wire = relay.connect()
    head = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    wire.send(head + head)
    assert wire.taken().count(b"HTTP/1.1 ") == 1
    assert wire.transport.disconnecting
    relay.clock.advance(HEAD_SECONDS)
    assert wire.transport.aborted


def test_old_health_checks_in_http_1_0_are_answered(relay: Relay) -> None:
    wire = relay.connect()
    wire.send(b"GET /health HTTP/1.0\r\n\r\n")
    assert wire.taken().startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_offer_of_http_2_is_answered_with_the_page(relay: Relay) -> None:
    answer = relay.connect().request(
        "/ready", Upgrade="h2c", Connection="Upgrade, HTTP2-Settings", HTTP2_Settings="AAMAAABk"
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_front_page_names_the_public_url() -> None:
    relay = Relay(public_urls=("wss://relay.example.org",))
    assert b">wss://relay.example.org<" in relay.connect().request("/")


def test_the_front_page_believes_a_proxy_about_its_visitor(relay: Relay) -> None:
    page = relay.connect().request("/", Host="relay.test:1234", X_Forwarded_Proto="https")
    assert b">wss://relay.test:1234<" in page


FORGED = {"X_Visitor": "192.0.2.66", "X_Visitor_Told": "1", "X_Forwarded_For": "192.0.2.66"}


@pytest.mark.parametrize(
    ("host", "headers", "told"),
    [
        ("203.0.113.7", {}, {"address": "203.0.113.7", "from": "connection"}),
        ("203.0.113.7", FORGED, {"address": "203.0.113.7", "from": "connection"}),
        ("::ffff:203.0.113.7", FORGED, {"address": "203.0.113.7", "from": "connection"}),
        ("10.0.0.1", {}, {"address": "10.0.0.1", "from": "connection"}),
        (
            "10.0.0.1",
            FORGED | {"X_Forwarded_For": "192.0.2.66, 2001:db8::7"},
            {"address": "2001:db8::7", "from": "proxy"},
        ),
        ("10.0.0.1", {"X_Forwarded_For": "nobody"}, {"address": "10.0.0.1", "from": "connection"}),
        ("unix", FORGED, {"address": None, "from": "connection"}),
    ],
    ids=["direct", "forged", "mapped", "silent-proxy", "proxy", "mad-proxy", "unix"],
)
def test_a_visitor_can_ask_whom_the_relay_takes_him_for(
    host: str, headers: dict[str, str], told: dict[str, object]
) -> None:
    relay = Relay(trusted_proxies=("10.0.0.1",))
    head, _, body = relay.connect(host).request("/address", **headers).partition(b"\r\n\r\n")
    assert json.loads(body) == told
    assert b"Cache-Control: no-store" in head


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"203.0.113.7", {"address": "203.0.113.7", "from": "proxy"}),
        (None, {"address": None, "from": "connection"}),
    ],
    ids=["named", "unknown"],
)
def test_the_line_of_a_proxy_names_the_visitor(
    relay: Relay, line: bytes | None, told: dict[str, object]
) -> None:
    wire = relay.connect()
    assert wire.protocol.client_known(line and IPv4Address("TCP", line.decode(), 50000))
    assert json.loads(wire.request("/address").partition(b"\r\n\r\n")[2]) == told


@pytest.mark.parametrize("target", ["/", "/v3"])
def test_devices_connect_to_either_path(relay: Relay, target: str) -> None:
    assert relay.connect().upgrade(target).startswith(b"HTTP/1.1 101 ")


def test_an_upgrade_that_a_proxy_took_apart_is_told_so(relay: Relay) -> None:
    status, told = refused(relay.connect().request("/", X_VaultMesh_Protocol="3"))
    assert (status, told["error"]) == (400, "bad_request")
    assert "proxy" in told["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"X_VaultMesh_Protocol": ""}, 426, "protocol_unsupported"),
        ({"X_VaultMesh_Protocol": "4"}, 426, "protocol_unsupported"),
        ({"X_VaultMesh_Channel": "short"}, 400, "bad_request"),
        ({"Sec_WebSocket_Key": "short"}, 400, "bad_request"),
        ({"Sec_WebSocket_Version": "8"}, 400, "bad_request"),
    ],
)
def test_bad_upgrades_are_refused_in_json(
    relay: Relay, changes: dict[str, str], status: int, error: str
) -> None:
    named = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
    given = {name: value for name, value in (named | changes).items() if value}
    assert refused(relay.connect().request("/", **given)) == (
        status,
        {"error": error, **refused(relay.connect().request("/", **given))[1]},
    )


def test_an_unknown_path_is_refused_for_pages_and_upgrades(relay: Relay) -> None:
    assert refused(relay.connect().request("/metrics"))[1]["error"] == "not_found"
    wire = relay.connect()
    assert wire.upgrade("/health").startswith(b"HTTP/1.1 404 ")


def test_a_full_relay_refuses_politely_and_recovers() -> None:
    relay = Relay(max_connections=1)
    member = relay.join()
    status, told = refused(_named_upgrade(relay))
    assert (status, told["error"]) == (503, "relay_full")
    assert b"Retry-After: 60" in _named_upgrade(relay)
    member.data(b"still here")
    member.send(close_frame(1000))
    assert _named_upgrade(relay).startswith(b"HTTP/1.1 101 ")


def test_a_full_relay_takes_back_a_device_that_it_holds() -> None:
    relay = Relay(max_connections=1)
    older = relay.join(b"device-a")
    newer = relay.connect()
    assert newer.upgrade(X_VaultMesh_Channel=CHANNEL).startswith(b"HTTP/1.1 101 ")
    newer.hello(b"device-a")
    assert newer.welcome["peers"] == []
    assert older.closed_with() == (4509, "replaced")
    assert relay.broker.joined == 1


def test_a_full_relay_closes_a_device_that_replaces_nobody() -> None:
    relay = Relay(max_connections=1)
    relay.join(b"device-a")
    wire = relay.connect()
    wire.upgrade(X_VaultMesh_Channel=CHANNEL)
    wire.hello(b"device-b")
    assert wire.closed_with() == (4006, "relay_full;retry=60")


def test_a_full_relay_admits_only_a_few_at_a_time() -> None:
    relay = Relay(max_connections=1)
    relay.join(b"device-a")
    maximum = RESERVED_PER_CHANNEL
    heads = [relay.connect().upgrade(X_VaultMesh_Channel=CHANNEL) for _ in range(maximum + 1)]
    assert [head.split()[1] for head in heads] == [b"101"] * maximum + [b"429"]


def test_a_device_that_dialled_another_name_is_refused() -> None:
    relay = Relay(public_urls=("wss://relay.example.org",))
    wire = relay.connect()
    wire.upgrade()
    wire.hello()
    assert wire.closed_with() == (4504, "audience;rule=other_audience")


def test_the_names_of_the_certificate_are_good_too(tmp_path: Path) -> None:
    pair = _pair(tmp_path, names=["relay.test"])
    relay = Relay(pairs=((pair,),))
    assert relay.join().session


@pytest.mark.usefixtures("bound")
def test_a_deadline_that_raises_does_not_stop_the_others(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    relay.service.startService()
    calls: list[None] = []

    def fail() -> None:
        calls.append(None)
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(relay.broker, "tick", fail)
    relay.clock.pump([1, 1])
    assert len(calls) == len(logged_errors) == 2
    logged_errors.clear()


def test_a_bad_endpoint_string_raises_before_anything_listens(relay: Relay) -> None:
    with pytest.raises(BadEndpoint):
        RelayService(Settings(listen=("tcp:80:bogus=1",)), relay.clock, log=relay.log)


@pytest.mark.parametrize(("bind", "tls"), [("0.0.0.0", False), ("::", False), ("127.0.0.1", True)])
def test_it_listens_where_the_settings_say(
    tmp_path: Path, relay: Relay, bound: list[TcpAddress], bind: str, tls: bool
) -> None:
    pairs = (_pair(tmp_path),) if tls else ()
    service = RelayService(
        Settings(bind=bind, port=8443, pairs=(pairs,)), relay.clock, log=relay.log
    )
    service.privilegedStartService()
    assert bound == [TcpAddress(bind, 8443, LISTEN_BACKLOG)]
    (listener,) = service.listeners.all
    if not tls:
        assert listener.endpoint.tls is None
    else:
        assert listener.endpoint.tls is not None
        assert listener.endpoint.tls.certificates == pairs


@pytest.mark.usefixtures("bound")
class TestTheLog:
    def test_one_line_at_the_start_names_version_and_options(self) -> None:
        relay = Relay(public_urls=("relay.example.org",), session_ttl=7)
        relay.service.startService()
        (line,) = relay.log.lines
        assert line == (
            f"VaultMesh relay {__version__} ({code()}) listens on port 8080 of 0.0.0.0 without "
            "TLS, with up to 4.19 MB for queued messages; "
            "public-url=relay.example.org session-ttl=7"
        )
        (event,) = relay.log.events
        assert (event["version"], event["code"], event["session-ttl"]) == (__version__, code(), 7)

    def test_the_line_at_the_start_is_short_if_nothing_is_set(self) -> None:
        relay = Relay()
        relay.service.startService()
        assert relay.log.lines[0].endswith(" with up to 4.19 MB for queued messages")

    def test_a_relay_that_does_not_know_its_names_says_so(self) -> None:
        relay = Relay()
        relay.service.startService()
        assert "--public-url" in relay.log.lines[1]

    def test_an_expired_certificate_cannot_be_missed(
        self, tmp_path: Path, logged_errors: list[LogEvent]
    ) -> None:
        long_ago = datetime.now(UTC) - timedelta(days=90)
        pair = _pair(tmp_path, starts=long_ago, ends=long_ago + timedelta(days=30))
        relay = Relay(pairs=((pair,),))
        relay.service.startService()
        assert len(logged_errors) == 1
        logged_errors.clear()
        assert "DEVICES WILL REFUSE TO CONNECT: the certificate expired on" in relay.log.lines[1]

    def test_a_variable_that_is_no_option_is_named(self) -> None:
        relay = Relay(unknown_variables=("RELAY_PROT",))
        relay.service.startService()
        assert relay.log.lines[2] == (
            "RELAY_PROT is not an option of the relay; did you mean RELAY_PORT? See vault-relay "
            "--help."
        )

    def test_refused_joins_are_told_once_a_minute(self) -> None:
        relay = Relay(public_urls=("relay.example.org",), max_connections=2)
        relay.service.startService()
        for _ in range(3):
            wire = relay.connect()
            wire.upgrade()
            wire.hello()
            wire.hang_up()
        relay.advance(130)
        assert relay.log.lines[1:] == ["Refused connections since the last summary: audience 3"]

    @pytest.mark.parametrize(
        ("refused", "level"),
        [
            ({"tls_left": 3, "tls_version": 1}, LogLevel.info),
            ({"tls_version": FEW_HANDSHAKES}, LogLevel.info),
            ({"tls_left": FEW_HANDSHAKES, "tls_version": 1}, LogLevel.warn),
            ({"tls_left": 1, "tls_distrust": 1}, LogLevel.warn),
            ({"tls_no_tls": 1}, LogLevel.warn),
            ({"proof": 1}, LogLevel.warn),
        ],
    )
    def test_few_unfinished_handshakes_are_no_warning(
        self, refused: dict[str, int], level: LogLevel
    ) -> None:
        relay = Relay(public_urls=("relay.example.org",))
        relay.service.startService()
        relay.broker.counters.refused.update(refused)
        relay.log.events.clear()
        relay.advance(130)
        (event,) = relay.log.events
        assert event["log_format"].startswith("Refused")
        assert event["log_level"] is level

    def test_a_session_is_one_line_at_its_end(self, relay: Relay) -> None:
        first, second = relay.join(b"device-a"), relay.join(b"device-b")
        first.data(b"secret payload")
        relay.clock.advance(5)
        first.send(close_frame(1000))
        second.hang_up()
        first_line, second_line = relay.log.lines
        assert first_line.startswith("Session ended: closed; 5 s, 1 messages, 30 bytes; ")
        assert second_line.startswith("Session ended: lost; 5 s, 0 messages, 0 bytes; ")


def _pair(folder: Path, **changes: Any) -> ServerCertificate:
    return load_certificate(*write_pair(folder, issue(**changes)))


def _named_upgrade(relay: Relay) -> bytes:
    """What an upgrade gets; its connection is hung up again."""
    wire: Wire = relay.connect()
    named = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
    answer = wire.request("/", **named)
    wire.hang_up()
    return answer


@inlineCallbacks
def test_the_pages_are_on_a_socket_too_whose_visitors_are_not_counted(
    tmp_path: Path,
) -> Generator[Deferred[Any], Any, None]:
    from twisted.internet import reactor

    folder = tmp_path / "run"
    settings = Settings(
        port=0,
        bind="127.0.0.1",
        runtime_folder=str(folder),
        public_urls=("wss://relay.example.org",),
        drain_seconds=0,
    )
    service: Any = RelayService(settings, reactor, log=RecordedLog())
    service.startService()
    number = service.listeners.ports[0].getHost().port

    def ask() -> bytes:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(str(folder / f"{number}.sock"))
            # A device would be upgraded; here there are pages alone.
            lines = ["GET /ready HTTP/1.1", *(f"{name}: {it}" for name, it in UPGRADE.items())]
            peer.sendall("\r\n".join([*lines, "", ""]).encode())
            return b"".join(iter(lambda: peer.recv(4096), b""))

    answer = yield deferToThread(ask)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert not service.broker.counters.refused
    assert len(service.dispatcher.pending) == 0
    yield service.stopService()
    assert list(folder.iterdir()) == []


def test_a_reload_shares_the_open_files_out_anew() -> None:
    """More devices than before leave less for those that wait, and the other way round."""
    relay = Relay(max_connections=400, open_files=1024)
    service = relay.service
    for devices, waiting in ((2000, 256), (450, 474), (400, 512)):
        service.change(Settings(max_connections=devices, open_files=1024))
        assert service.dispatcher.pending.maximum == waiting
        assert service.broker.admission.max_connections + waiting + 100 <= 1024
