"""Devices that meet behind each proxy of docs/proxies, and what it makes of everything else."""

import http.client
import ipaddress
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.obstacles.device import SEED, Device, Gone, Refused
from tests.process.processes import run
from tests.system.fronts import (
    CADDY,
    HAPROXY,
    HAPROXY_PROXY_PROTOCOL,
    NGINX,
    ON_PORTS,
    ON_SOCKETS,
    TRAEFIK,
    Front,
    Kind,
    front,
)
from tests.system.upstream import upstream
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import channel_of

LARGEST = (bytes(range(256)) * 4096)[:-16]
"""With its header it is as much as a message may be."""
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "X-VaultMesh-Protocol": "3",
}
REFUSALS = [
    ("401 Unauthorized", "WWW-Authenticate", 'Bearer realm="relay"'),
    ("403 Forbidden", "Cache-Control", "no-store"),
    ("404 Not Found", "Cache-Control", "no-store"),
    ("426 Upgrade Required", "X-VaultMesh-Protocol", "3"),
    ("429 Too Many Requests", "Retry-After", "30"),
    ("503 Service Unavailable", "Retry-After", "5"),
]
LOGGED = {
    NGINX: " GET / 502 ",
    HAPROXY: " GET / 503 ",
    HAPROXY_PROXY_PROTOCOL: "127.0.0.1 [",
    CADDY: "connection refused",
    TRAEFIK: "",
}
"""What the log must have in it to be the right one."""
FORGED = {"X-Forwarded-For": "203.0.113.9, 127.0.0.1", "X-Forwarded-Proto": "http"}


def each(kinds: Sequence[Kind]) -> list[Any]:
    """A test for each kind; those of one kind run on one worker and share its processes."""
    return [
        pytest.param(kind, id=str(kind), marks=pytest.mark.xdist_group(str(kind))) for kind in kinds
    ]


def alone(*kinds: Kind) -> list[Any]:
    """A test for each kind, on any worker."""
    return [pytest.param(kind, id=str(kind)) for kind in kinds]


@pytest.fixture(scope="module", params=each(ON_PORTS + ON_SOCKETS))
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    with front(request.param, tmp_path_factory.mktemp("front")) as there:
        yield there


def join(proxy: Front, tag: bytes, host: str = "127.0.0.1") -> Device:
    """A device of a channel of its own address."""
    return Device(proxy.port, tag, host, proxy.tls(), host.encode().ljust(32))


def ask(
    proxy: Front, path: str, headers: dict[str, str], source: str = "127.0.0.1"
) -> tuple[http.client.HTTPResponse, bytes]:
    """An answer and its body."""
    connection = http.client.HTTPSConnection(
        "localhost", proxy.port, context=proxy.tls(), source_address=(source, 0)
    )
    with closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()


def own_addresses() -> list[str]:
    """Under which others know this machine: one of each family, where it has it."""
    found = []
    for family, far in ((socket.AF_INET, "192.0.2.99"), (socket.AF_INET6, "2001:db8::99")):
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            try:
                unsent.connect((far, 9))
            except OSError:
                continue
            found.append(unsent.getsockname()[0])
    return [address for address in found if not ipaddress.ip_address(address).is_loopback]


def test_devices_meet_and_pass_the_largest_message_both_ways(proxy: Front) -> None:
    first, second = join(proxy, b"device-a"), join(proxy, b"device-b")
    first.data(LARGEST)
    assert second.payload() == LARGEST
    second.data(LARGEST)
    assert first.payload() == LARGEST
    second.close()
    assert first.control("left")["reason"] in {"lost", "closed"}
    first.close()


def test_the_check_of_the_relay_passes(proxy: Front) -> None:
    checked = run(
        "vault-relay",
        "check",
        f"wss://localhost:{proxy.port}",
        SSL_CERT_FILE=str(proxy.certificate),
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout


def test_a_client_that_offers_http_2_gets_its_websocket(proxy: Front) -> None:
    context = proxy.tls("h2", "http/1.1")
    plain = socket.create_connection(("127.0.0.1", proxy.port))
    with context.wrap_socket(plain, server_hostname="localhost") as greeted:
        assert greeted.selected_alpn_protocol() == "http/1.1"
    Device(proxy.port, b"device-a", tls=context).close()


def test_pages_and_the_relays_own_refusals_come_through(proxy: Front) -> None:
    assert json.loads(ask(proxy, "/health", {})[1])["status"] == "ok"
    answer, body = ask(proxy, "/", {})
    assert (answer.status, "wss://localhost</code>" in body.decode()) == (200, True)
    for path, headers, status, error in (
        ("/nothing-here", {}, 404, "not_found"),
        ("/nothing-here", UPGRADE, 404, "not_found"),
        ("/", UPGRADE | {"X-VaultMesh-Protocol": "2"}, 426, "protocol_unsupported"),
        ("/", {"X-VaultMesh-Protocol": "3"}, 400, "bad_request"),
    ):
        answer, body = ask(proxy, path, headers)
        assert (answer.status, json.loads(body)["error"]) == (status, error)


@pytest.mark.parametrize("kind", alone(*ON_PORTS))
def test_answers_pass_unchanged_and_what_outsiders_say_of_addresses_does_not(
    kind: Kind, tmp_path: Path
) -> None:
    with upstream() as relay, front(kind, tmp_path, upstream=relay.port) as proxy:
        for status, name, value in REFUSALS:
            body = json.dumps({"error": status}).encode()
            relay.answer = (
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{name}: {value}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            ).encode() + body
            answer, got = ask(proxy, "/", UPGRADE | FORGED, source="127.0.0.2")
            assert (f"{answer.status} {answer.reason}", got) == (status, body)
            assert answer.headers.get_all(name) == [value]
            assert answer.headers.get_all("Content-Type") == ["application/json"]
        assert len(relay.heads) == len(REFUSALS)
        for head in relay.heads:
            if kind.is_proxy_protocol:
                assert head[16:20] == bytes([127, 0, 0, 2])
            else:
                assert forwarded(head, b"for") == [b"127.0.0.2"]
                assert forwarded(head, b"proto") == [b"https"]


def forwarded(head: bytes, what: bytes) -> list[bytes]:
    """The values of every X-Forwarded- header of a name, in however many lines."""
    lines = [line.partition(b":") for line in head.split(b"\r\n")]
    return [value.strip() for name, _, value in lines if name.lower() == b"x-forwarded-" + what]


@pytest.mark.parametrize("kind", alone(*ON_PORTS, *ON_SOCKETS))
def test_each_address_is_counted_as_itself_and_a_forged_one_as_nothing(
    kind: Kind, tmp_path: Path
) -> None:
    addresses = own_addresses()
    if not addresses:
        pytest.skip("needs an address other than that of the loopback")
    with front(kind, tmp_path, "--max-per-address", "1") as proxy:
        here = [join(proxy, b"device-a", host=address) for address in addresses]
        # Nobody from the loopback is counted. If all were taken for the proxy, nobody would be.
        here += [join(proxy, tag) for tag in (b"device-a", b"device-b")]
        for address in addresses:
            for headers in ({}, FORGED):
                with pytest.raises(Refused, match=" 429 "):
                    Device(proxy.port, b"device-b", address, proxy.tls(), bytes(32), headers)
        for device in here:
            device.close()


@pytest.mark.parametrize("kind", alone(*ON_PORTS))
def test_draining_reaches_devices_and_no_log_has_a_secret(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path, "--drain-seconds", "1") as proxy:
        channel = base64url.encode(channel_of(SEED))
        secrets = {"X-VaultMesh-Channel": channel, "Authorization": "Bearer secret-token"}
        device = Device(proxy.port, b"device-a", tls=proxy.tls(), headers=secrets)
        assert proxy.relay is not None
        status, _ = proxy.relay.stop()
        assert status == 0
        assert device.control("draining")
        with pytest.raises(Gone) as gone:
            device.event()
        assert gone.value.code == 4000
        device.close()
        if kind.is_proxy_protocol:
            with pytest.raises((OSError, http.client.HTTPException)):
                ask(proxy, "/", UPGRADE | secrets)
        else:
            assert ask(proxy, "/", UPGRADE | secrets)[0].status in {502, 503}
        told = proxy.logged(LOGGED[kind])
    for secret in (channel, "secret-token"):
        assert secret not in told
