"""What HAProxy does with devices by the configuration that ``vault-relay haproxy`` prints."""

import http.client
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.obstacles.device import Device, Gone, Refused
from tests.process.processes import WAIT_SECONDS, run, running_relay
from tests.system.cluster import (
    ON_A_PORT,
    RELAYS,
    Cluster,
    cluster,
    haproxy,
    name_of,
    seed_of,
    two_haproxies,
    written,
)
from tests.system.test_proxies import UPGRADE, own_addresses
from vaultrelay.wire.haproxy_peers import channel_digest
from vaultrelay.wire.proof import channel_of

DEPLOYED = sorted((Path(__file__).parents[2] / "deploy" / "haproxy").glob("*.cfg"))
CHANNELS = range(12)
GOOD = name_of(1)
UNCANONICAL = GOOD[:-1] + chr(ord(GOOD[-1]) + 1)
"""The same 32 bytes, with one of the two bits set that mean nothing."""
MAXCONN = 400
EACH = 60
"""Silent connections of one address, of which there are twenty."""
_TRIES, _TRY_SECONDS = 200, 0.05


@pytest.fixture(scope="module")
def behind() -> Iterator[Cluster]:
    with cluster() as there:
        yield there


def ask(
    there: Cluster, path: str, headers: dict[str, str], source: str = "127.0.0.1"
) -> tuple[http.client.HTTPResponse, bytes]:
    """An answer and its body."""
    connection = http.client.HTTPSConnection(
        "localhost", there.port, context=there.tls(), source_address=(source, 0)
    )
    with closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it."""
    for _ in range(_TRIES):
        if is_so():
            return
        time.sleep(_TRY_SECONDS)
    pytest.fail("it does not become so")


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)
def test_haproxy_has_nothing_to_say_about_a_deployed_file(path: Path, tmp_path: Path) -> None:
    program = haproxy()
    certificate, key = write_pair(tmp_path, issue(["localhost"]))
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    made_by = path.read_text().splitlines()[1].split()[3:]
    file = written(tmp_path / "haproxy.cfg", *made_by)
    text, count = re.subn(r"/etc/haproxy/\S+[.]pem", str(both), file.read_text())
    assert count
    file.write_text(text)
    checked = subprocess.run(
        [program, "-c", "-q", "-f", file], capture_output=True, text=True, timeout=20, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_devices_of_a_channel_meet_however_they_name_it(behind: Cluster) -> None:
    with ExitStack() as stack:
        for channel in CHANNELS:
            app = stack.enter_context(closing(behind.join(channel, b"device-a")))
            page = stack.enter_context(closing(behind.join(channel, b"device-b", browser=True)))
            app.data(b"ciphertext")
            assert page.payload() == b"ciphertext"
        places = behind.places()
        assert {name_of(channel) for channel in CHANNELS} <= set(places)
        assert len(set(places.values())) == RELAYS


def digest_of(channel: int) -> str:
    """The key of a channel in what the relays announce."""
    return channel_digest(channel_of(seed_of(channel))).hex().upper()


def test_relays_announce_the_channels_that_have_devices(behind: Cluster) -> None:
    with ExitStack() as stack:
        for channel in CHANNELS:
            stack.enter_context(closing(behind.join(channel, b"device-a")))
        digests = {digest_of(channel): name_of(channel) for channel in CHANNELS}
        until(lambda: set(digests) <= set(behind.announced()))
        places = behind.places()
        for digest, relay in behind.announced().items():
            assert relay == places[digests[digest]]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-VaultMesh-Channel": ""},
        {"X-VaultMesh-Channel": GOOD[:-1]},
        {"X-VaultMesh-Channel": f"{GOOD}A"},
        {"X-VaultMesh-Channel": f"{GOOD}, {GOOD}"},
        {"X-VaultMesh-Channel": UNCANONICAL},
        {"X-VaultMesh-Channel": GOOD[:-1] + "'"},
        {"Sec-WebSocket-Protocol": "vaultmesh.3"},
        {"Sec-WebSocket-Protocol": f"vaultmesh.3, xvaultmesh.channel.{GOOD}"},
        {"Sec-WebSocket-Protocol": f"vaultmesh.channel.{GOOD}, vaultmesh.channel.{name_of(2)}"},
        {
            "Sec-WebSocket-Protocol": f"vaultmesh.channel.{GOOD}",
            "X-VaultMesh-Channel": name_of(2),
        },
        # The relay takes this for a WebSocket.
        {"Upgrade": '"a, websocket, b"'},
    ],
    ids=str,
)
def test_an_upgrade_without_one_right_channel_is_refused_and_leaves_no_trace(
    behind: Cluster, headers: dict[str, str]
) -> None:
    before = behind.places()
    answer, body = ask(behind, "/", UPGRADE | headers)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    told = json.loads(body)
    assert (told["error"], set(told)) == ("bad_request", {"error", "detail"})
    assert behind.places() == before


def said_to(there: Cluster, request: str) -> bytes:
    """What the first bytes of a connection are answered with."""
    plain = socket.create_connection(("127.0.0.1", there.port), 20)
    with there.tls().wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(request.encode())
        return connection.recv(1 << 16)


def test_two_lines_of_one_header_are_refused(behind: Cluster) -> None:
    line = f"X-VaultMesh-Channel: {GOOD}\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\n{lines}{line}{line}\r\n"
    assert said_to(behind, request).startswith(b"HTTP/1.1 400 ")


def test_http2_is_not_begun_unasked(behind: Cluster) -> None:
    # A hundred devices of one connection would count as one.
    answer = said_to(behind, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    # HAProxy 3.4 says that it does not allow the method.
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 "))


def test_an_absolute_url_leaves_no_token_in_the_log(behind: Cluster) -> None:
    url = "http://any:a-token@localhost/a?b"
    assert ask(behind, url, {"Host": "localhost"})[0].status == 400
    until(lambda: "GET /a 400" in behind.log)
    assert "a-token" not in behind.log


def test_an_outsider_cannot_part_a_channel_of_a_full_relay() -> None:
    odd = {"Sec-WebSocket-Protocol": f"vaultmesh.3, x vaultmesh.channel.{GOOD}"}
    with cluster("--max-connections", "1") as there, closing(there.join(1, b"device-a")):
        before = there.places()
        assert set(before) == {GOOD}
        # HAProxy finds a channel here, and the relay by itself would find none, and say 503.
        assert ask(there, "/", UPGRADE | odd)[0].status == 101
        assert there.places() == before


def test_the_check_of_the_relay_passes(behind: Cluster) -> None:
    checked = run(
        "vault-relay",
        "check",
        f"wss://localhost:{behind.port}",
        SSL_CERT_FILE=str(behind.certificate),
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout


def test_pages_come_from_any_relay_and_know_the_visitor(behind: Cluster) -> None:
    for path in ("/health", "/ready", "/", "/privacy.json"):
        assert ask(behind, path, {})[0].status == 200
    assert b"wss://localhost" in ask(behind, "/", {})[1]
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    _, body = ask(behind, "/address", forged, source="127.0.0.2")
    assert json.loads(body) == {"address": "127.0.0.2", "from": "proxy"}


def test_each_address_is_counted_as_itself() -> None:
    addresses = own_addresses()
    if not addresses:
        pytest.skip("needs an address other than that of the loopback")
    with cluster("--max-per-address", "1") as there, ExitStack() as stack:
        # Nobody from the loopback is counted. If all were taken for HAProxy, nobody would be.
        for channel in CHANNELS:
            stack.enter_context(closing(there.join(channel, b"device-a")))
        places = there.places()
        first, second, *_ = [each for each in CHANNELS if places[name_of(each)] == "w1"]
        for at, address in enumerate(addresses):
            stack.enter_context(closing(there.join(first, b"device-%d" % at, address)))
        with pytest.raises(Refused, match=" 429 "):
            there.join(second, b"device-z", addresses[0])


def test_one_address_has_so_many_connections_and_no_more() -> None:
    addresses = own_addresses()
    if not addresses:
        pytest.skip("needs an address other than that of the loopback")
    with cluster(shape=("--max-per-address", "2")) as there, ExitStack() as stack:
        for address in [addresses[0], "127.0.0.1"]:
            for _ in range(2):
                stack.enter_context(socket.create_connection((address, there.port), 20))
        there.join(1, b"device-a", "127.0.0.1").close()
        with suppress(ConnectionError):
            one_more = stack.enter_context(socket.create_connection((addresses[0], there.port), 20))
            assert not one_more.recv(1)


def test_silent_connections_of_many_addresses_keep_nobody_waiting() -> None:
    honest = next(iter(own_addresses()), "127.0.0.1")
    # Three times as many as HAProxy takes, if it took them.
    with cluster(shape=("--maxconn", str(MAXCONN))) as there, ExitStack() as stack:
        silent = {
            f"127.{each}.1.1": silent_connections(stack, there, f"127.{each}.1.1", EACH)
            for each in range(1, 11)
        }
        one_network = [f"127.20.1.{each}" for each in range(1, 11)]
        for address in one_network:
            silent[address] = silent_connections(stack, there, address, EACH)
        left = {address: sum(map(is_open, mine)) for address, mine in silent.items()}
        taken = re.search(r"^CurrConns: (\d+)$", there.say("show info"), re.MULTILINE)
        stack.enter_context(closing(there.join(1, b"device-a", honest)))
        # 16 and 128. HAProxy forgets some of them bit by bit before their time is over.
        assert max(left[address] for address in silent if address not in one_network) < EACH / 2
        assert sum(left[address] for address in one_network) < len(one_network) * EACH / 2
        assert taken
        assert int(taken[1]) < MAXCONN


def silent_connections(
    stack: ExitStack, there: Cluster, address: str, count: int
) -> list[socket.socket]:
    """Connections of an address that say nothing; some may be refused."""
    connected = []
    for _ in range(count):
        with suppress(ConnectionError):
            connected.append(socket.create_connection(("127.0.0.1", there.port), 20, (address, 0)))
            stack.enter_context(connected[-1])
    return connected


def is_open(connection: socket.socket) -> bool:
    """Whether the other end has not closed it."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_a_channel_leaves_a_relay_that_drains_and_a_dead_one() -> None:
    with cluster("--drain-seconds", "2") as there, ExitStack() as stack:

        def pair(channel: int) -> list[Device]:
            return [again(channel, tag) for tag in (b"device-a", b"device-b")]

        def again(channel: int, tag: bytes) -> Device:
            """As devices do it: one that is refused comes again."""
            for _ in range(_TRIES):
                with suppress(Refused):
                    return stack.enter_context(closing(there.join(channel, tag)))
                time.sleep(_TRY_SECONDS)
            pytest.fail("it stays outside")

        pairs = {channel: pair(channel) for channel in CHANNELS}
        until(lambda: len(there.places()) == len(CHANNELS))
        for number, sent in ((1, signal.SIGTERM), (2, signal.SIGKILL)):
            name = f"w{number}"
            here = [each for each in CHANNELS if there.places()[name_of(each)] == name]
            assert here
            leaving = there.relays[number - 1].process
            leaving.send_signal(sent)
            for channel in here:
                for device in pairs[channel]:
                    with pytest.raises(Gone):
                        device.control("nothing of this kind")
                pairs[channel] = pair(channel)
                _, second = pairs[channel]
                assert len(second.welcome["peers"]) == 1
            leaving.communicate(timeout=WAIT_SECONDS)
            assert name not in {there.places()[name_of(each)] for each in here}
        there.relays[2].stop(signal.SIGKILL)
        answer, body = ask(there, "/", UPGRADE | {"X-VaultMesh-Channel": GOOD})
        assert (answer.status, json.loads(body)["error"]) == (503, "no_relay")
        assert answer.headers["Retry-After"] == "5"
        secrets = ["127.0.0.1", *(name_of(channel) for channel in CHANNELS)]
        assert not any(secret in there.log for secret in secrets)
        assert re.search(
            r"^127[.]0[.]0[.]0 \[.*\] GET / \d+ \d+ \d+ .* w1$", there.log, re.MULTILINE
        )


def test_a_relay_is_added_to_a_spare_place() -> None:
    with two_haproxies("--spare", "1") as (left, _), running_relay(*ON_A_PORT) as added:
        for number in range(1, RELAYS + 1):
            left.say(f"set server relay/node{number} state maint")
        left.say(f"set server relay/spare1 addr 127.0.0.1 port {added.port}")
        left.say("set server relay/spare1 state ready")
        left.say(f"set server to-spare1/spare1 addr 127.0.0.1 port {added.port}")
        left.say("set server to-spare1/spare1 state ready")
        with closing(left.join(1, b"device-a")):
            assert left.places()[name_of(1)] == "spare1"
            until(lambda: left.announced() == {digest_of(1): "spare1"})


def test_one_haproxy_tells_the_other_over_tls_where_channels_are() -> None:
    with two_haproxies() as (left, right), ExitStack() as stack:
        # So that it takes more than the hash, which is the same on both, to find a channel.
        left.say("set server relay/node1 state drain")
        for channel in CHANNELS:
            stack.enter_context(closing(left.join(channel, b"device-a")))
        until(lambda: len(right.places()) == len(CHANNELS))
        assert right.places() == left.places()
        for channel in CHANNELS:
            second = stack.enter_context(closing(right.join(channel, b"device-b")))
            assert len(second.welcome["peers"]) == 1
