"""PendingClients: by which address a connection is counted, and what becomes of one too many."""

import json
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import LogEvent
from zope.interface import alsoProvides

from tests.memory import SEED, Relay, Wire
from vaultrelay.config.settings import Settings
from vaultrelay.policy.access import Access
from vaultrelay.policy.limits.floods import RETRY_RATE_SECONDS
from vaultrelay.policy.limits.networks import IDLE_BUDGETS, MIN_PER_ADDRESS, OVERLOAD_REPORT_SECONDS
from vaultrelay.policy.limits.pending import (
    HEAD_SECONDS,
    PENDING_GRACE_SECONDS,
    PENDING_PER_ADDRESS,
    RETRY_FULL_SECONDS,
    SILENT_GRACE_SECONDS,
)
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.transport.client_budgets import ProxyEvidence

DEVICE = "198.51.100.1"
OTHER = "198.51.100.2"
BYSTANDER = "203.0.113.1"
PROXY = "10.0.0.1"
LAST_BYTE = 8


def behind_proxy(**settings: Any) -> Relay:
    return Relay(trusted_proxies=("10.0.0.0/24", "unix"), **settings)


def tag(number: int) -> bytes:
    return number.to_bytes(LAST_BYTE, "big")


def refused(relay: Relay) -> dict[str, int]:
    return dict(relay.broker.counters.refused)


def devices(relay: Relay, count: int, host: str = DEVICE, **headers: str) -> list[Wire]:
    return [relay.join(tag(number), SEED, host, **headers) for number in range(count)]


def status_of(wire: Wire, **headers: str) -> int:
    return int(wire.upgrade(**headers).split()[1])


class TestAtTheDoor:
    def test_connections_without_a_request_are_cut_off_beyond_a_number(self) -> None:
        relay = Relay()
        waiting = [relay.connect(DEVICE) for _ in range(PENDING_PER_ADDRESS)]
        assert relay.accept(DEVICE) is None
        assert relay.accept(f"::ffff:{DEVICE}") is None
        assert relay.accept(OTHER) is not None
        assert refused(relay) == {"address_waiting": 2}
        waiting.pop().hang_up()
        assert relay.accept(DEVICE) is not None

    def test_a_network_of_ipv6_is_one_address(self) -> None:
        relay = Relay()
        for number in range(PENDING_PER_ADDRESS):
            relay.connect(f"2001:db8::{number + 1:x}:1")
        assert relay.accept("2001:db8::ffff:2") is None
        assert relay.accept("2001:db8:0:1::1") is not None

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "unix", None])
    def test_this_machine_is_not_counted(self, host: str | None) -> None:
        relay = Relay(max_per_address=1)
        for _ in range(PENDING_PER_ADDRESS * 2):
            relay.connect(host)
        assert len(devices(relay, 3, "127.0.0.1")) == 3
        assert relay.broker.budgets.count == 0

    @pytest.mark.parametrize(
        ("hosts", "new"),
        [
            ([DEVICE], DEVICE),
            ([DEVICE, OTHER], "198.51.100.3"),
            (["2001:db8:0:101::1", "2001:db8:0:102::1"], "2001:db8:0:103::1"),
            (["2001:db8:0:101::1", "2001:db8:0:201::1"], "2001:db8:0:301::1"),
        ],
    )
    def test_silent_ones_of_a_network_give_way_to_another_client_of_it(
        self, hosts: list[str], new: str
    ) -> None:
        relay = Relay()
        bystander = relay.connect(BYSTANDER)
        silent: list[Wire] = []
        while (wire := relay.accept(hosts[len(silent) % len(hosts)])) is not None:
            silent.append(wire)
        assert relay.accept(new) is None
        relay.advance(SILENT_GRACE_SECONDS, tick=SILENT_GRACE_SECONDS)
        for number in range(1, 10):
            assert relay.accept(new) is not None
            assert [wire.transport.aborted for wire in silent] == [
                index < number for index in range(len(silent))
            ]
        assert not bystander.transport.aborted
        assert relay.broker.counters.refused["crowded_out"] == number

    def test_those_that_dripped_give_way_later(self) -> None:
        relay = Relay()
        wires = [relay.connect(DEVICE) for _ in range(PENDING_PER_ADDRESS)]
        for wire in wires:
            wire.send(b"G")
        relay.advance(PENDING_GRACE_SECONDS - 1)
        assert relay.accept(DEVICE) is None
        relay.advance(1)
        assert relay.accept(DEVICE) is not None
        assert [wire.transport.aborted for wire in wires].count(True) == 1

    def test_those_that_never_speak_go_at_their_deadline(self) -> None:
        relay = Relay()
        wires = [relay.connect(DEVICE) for _ in range(PENDING_PER_ADDRESS)]
        relay.advance(HEAD_SECONDS)
        assert all(wire.transport.aborted for wire in wires)
        for wire in wires:
            wire.hang_up()
        assert relay.accept(DEVICE) is not None

    def test_a_refused_one_counts_until_it_is_gone(self) -> None:
        relay = Relay()
        wires = [relay.connect(DEVICE) for _ in range(PENDING_PER_ADDRESS)]
        for wire in wires:
            wire.request("/nowhere", upgrade="websocket", connection="upgrade")
        assert relay.accept(DEVICE) is None
        for wire in wires:
            wire.hang_up()
        assert relay.accept(DEVICE) is not None

    def test_pages_count_until_they_are_done(self) -> None:
        relay = Relay()
        wires = [relay.connect(DEVICE) for _ in range(PENDING_PER_ADDRESS)]
        assert all(b"200 OK" in wire.request("/health") for wire in wires)
        assert relay.accept(DEVICE) is None
        wires[0].hang_up()
        assert relay.accept(DEVICE) is not None

    def test_a_connection_that_fails_on_its_way_to_its_session_is_given_back(
        self, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
    ) -> None:
        relay = Relay()

        def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(relay.service.devices, "opened", fail)
        wire = relay.connect(DEVICE)
        wire.upgrade()
        wire.hang_up()
        logged_errors.clear()
        relay.advance(5)
        assert relay.broker.budgets.count == 0

    def test_arrivals_have_a_rate(self) -> None:
        relay = Relay(max_per_address=MIN_PER_ADDRESS)
        count = 0
        while (wire := relay.accept(DEVICE)) is not None:
            wire.hang_up()
            count += 1
        assert count == MIN_PER_ADDRESS * 4
        assert refused(relay) == {"address_rate": 1}
        relay.advance(1)
        assert relay.accept(DEVICE) is not None

    def test_a_million_addresses_are_not_remembered(self) -> None:
        relay = Relay()
        for number in range(3 * IDLE_BUDGETS):
            relay.connect(f"2001:db8:{number >> 8:x}:{number & 255:x}::1").hang_up()
        assert relay.broker.budgets.count == IDLE_BUDGETS
        # Each /56 had 256 of them.
        relay.advance(21)
        assert relay.broker.budgets.count == 0


class TestDevices:
    def test_an_address_without_a_place_gets_429_and_a_time(self) -> None:
        relay = Relay(max_per_address=2)
        first, _ = devices(relay, 2)
        wire = relay.connect(DEVICE)
        answer = wire.upgrade().decode()
        assert answer.startswith("HTTP/1.1 429 Too Many Requests\r\n")
        assert f"\r\nRetry-After: {RETRY_FULL_SECONDS}" in answer
        assert json.loads(wire.taken())["error"] == "rate_limited"
        assert status_of(relay.connect(OTHER)) == 101
        assert refused(relay) == {"address_full": 1}
        first.hang_up()
        assert status_of(relay.connect(DEVICE)) == 101

    def test_a_device_is_never_kept_out_by_its_own_dead_connection(self) -> None:
        relay = Relay(max_per_address=2)
        channel = {"X_VaultMesh_Channel": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}
        dead, peer = devices(relay, 2, **channel)
        again = relay.join(tag(0), SEED, DEVICE, **channel)
        assert again.session == 3
        assert dead.closed_with()[0] == 4509
        assert not peer.transport.disconnecting
        dead.hang_up()
        assert status_of(relay.connect(DEVICE)) == 429

    def test_joins_beyond_the_rate_close_with_4005(self) -> None:
        relay = Relay(max_per_address=MIN_PER_ADDRESS)
        wire = None
        for _ in range(MIN_PER_ADDRESS * 2 + 1):
            wire = relay.join(tag(1), SEED, DEVICE)
            if wire.welcome:
                wire.hang_up()
        assert wire is not None
        assert wire.closed_with() == (4005, f"rate;retry={RETRY_RATE_SECONDS}")
        assert refused(relay) == {"address_joins": 1}

    def test_the_operator_may_switch_it_off(self) -> None:
        relay = Relay(max_per_address=0)
        for _ in range(2 * PENDING_PER_ADDRESS):
            relay.connect(DEVICE)
        assert relay.broker.budgets.count == 0


class TestBehindProxies:
    def test_devices_are_counted_by_their_own_addresses(self) -> None:
        relay = behind_proxy(max_per_address=1)
        for host in (PROXY, "unix"):
            for last in range(20):
                where = f"203.0.113.{last}" if host == PROXY else f"198.51.100.{last}"
                (wire,) = devices(relay, 1, host, X_Forwarded_For=where)
                assert wire.session
                second = relay.connect(host)
                assert status_of(second, X_Forwarded_For=where) == 429
        assert refused(relay) == {"address_full": 40}

    def test_the_proxy_itself_is_not_limited(self) -> None:
        relay = behind_proxy(max_per_address=1)
        for _ in range(PENDING_PER_ADDRESS * 5):
            relay.connect(PROXY)
        assert len(devices(relay, 3, PROXY)) == 3
        assert len(devices(relay, 3, PROXY, X_Forwarded_For="10.0.0.9, 10.0.0.8")) == 3
        assert relay.broker.budgets.count == 0

    @pytest.mark.parametrize(
        "forged",
        ["203.0.113.{}, ", "unknown{}, ", "127.0.0.1, {}, ", "10.0.0.{}, " * 300],
    )
    def test_what_a_device_sends_itself_does_not_count(self, forged: str) -> None:
        relay = behind_proxy(max_per_address=2)
        forms = [forged.replace("{}", str(number)) + DEVICE for number in range(3)]
        answers = [status_of(relay.connect(PROXY), X_Forwarded_For=form) for form in forms]
        assert answers == [101, 101, 429]
        assert list(relay.broker.counters.ignored) == []

    @pytest.mark.parametrize("forged", ["", "203.0.113.1, ", "10.0.0.8, "])
    def test_who_is_denied_does_not_come_in_as_another(self, forged: str) -> None:
        denied = Networks.read(["10.0.0.9"])
        relay = behind_proxy(max_per_address=0, access=Access(denied=denied))
        assert status_of(relay.connect(PROXY), X_Forwarded_For=f"{forged}10.0.0.9") == 403
        assert status_of(relay.connect(PROXY), X_Forwarded_For=f"{forged}10.0.0.8") == 101
        relay.service.change(Settings(trusted_proxies=relay.service.settings.trusted_proxies))
        assert status_of(relay.connect(PROXY), X_Forwarded_For=f"{forged}10.0.0.9") == 101

    def test_the_header_of_a_stranger_is_not_believed(self) -> None:
        relay = behind_proxy(max_per_address=2)
        forms = [f"203.0.113.{number}" for number in range(3)]
        answers = [status_of(relay.connect("8.8.8.8"), X_Forwarded_For=form) for form in forms]
        assert answers == [101, 101, 429]
        # Nor does it count against those whom it names.
        assert status_of(relay.connect(PROXY), X_Forwarded_For=forms[0]) == 101

    def test_arrivals_through_a_proxy_have_a_rate_too(self) -> None:
        relay = behind_proxy(max_per_address=MIN_PER_ADDRESS)
        for _ in range(MIN_PER_ADDRESS * 4):
            wire = relay.connect(PROXY)
            assert b"200 OK" in wire.request("/health", X_Forwarded_For=DEVICE)
            wire.hang_up()
        answer = relay.connect(PROXY).request("/health", X_Forwarded_For=DEVICE)
        assert b"HTTP/1.1 429 " in answer
        assert f"Retry-After: {RETRY_RATE_SECONDS}\r\n".encode() in answer
        assert b"200 OK" in relay.connect(PROXY).request("/health", X_Forwarded_For=OTHER)

    @pytest.mark.parametrize("value", ["rubbish", "1.2.3", f"{DEVICE}, _hidden", "x" * 7000])
    def test_a_proxy_that_writes_no_address_is_noticed(self, value: str) -> None:
        relay = behind_proxy(max_per_address=1)
        for _ in range(3):
            assert status_of(relay.connect(PROXY), X_Forwarded_For=value) == 101
        assert relay.broker.counters.ignored == {"forwarded_for": 3}
        assert relay.service.clients.evidence == ProxyEvidence(has_invalid_forwarded_for=True)

    def test_several_lines_of_the_header_are_one_list(self) -> None:
        relay = behind_proxy(max_per_address=1)
        for expected in (101, 429):
            wire = relay.connect(PROXY)
            fields = {"X_Forwarded_For": f"203.0.113.{expected}\r\nX-Forwarded-For: {DEVICE}"}
            assert status_of(wire, **fields) == expected


class TestNoticed:
    @pytest.mark.parametrize(
        ("host", "proxy"),
        [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("::ffff:172.17.0.1", "172.17.0.1"),
            ("unix", "unix"),
        ],
    )
    def test_a_proxy_nearby_is_noticed_until_it_is_trusted(self, host: str, proxy: str) -> None:
        relay = Relay()
        clients = relay.service.clients
        relay.connect(host).upgrade(X_Forwarded_For="evil")
        assert clients.evidence == ProxyEvidence(untrusted_peer=proxy)
        clients.configure(TrustedProxies.read([proxy]))
        relay.connect(host).upgrade(X_Forwarded_For=DEVICE)
        assert clients.evidence == ProxyEvidence()

    def test_of_a_public_address_it_is_noticed_when_it_is_full(self) -> None:
        relay = Relay(max_per_address=1)
        forwarded = {"X_Forwarded_For": DEVICE}
        assert status_of(relay.connect("8.8.8.8"), **forwarded) == 101
        assert relay.service.clients.evidence == ProxyEvidence()
        assert status_of(relay.connect("8.8.8.8"), **forwarded) == 429
        assert relay.service.clients.evidence == ProxyEvidence(has_untrusted_shared_address=True)

    @pytest.mark.parametrize("settings", [{"max_per_address": 0}, {"trusted_proxies": ("::1",)}])
    def test_nothing_is_noticed_where_it_does_not_matter(self, settings: dict[str, Any]) -> None:
        relay = Relay(**settings)
        relay.connect("::1").upgrade(X_Forwarded_For=DEVICE)
        relay.connect("::1").upgrade()
        relay.connect(None).upgrade(X_Forwarded_For=DEVICE)
        assert relay.service.clients.evidence == ProxyEvidence()

    @pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860::1"])
    def test_devices_from_the_internet_without_tls_are_noticed(self, host: str) -> None:
        relay = Relay()
        relay.connect(host).request("/health")
        assert relay.service.clients.evidence == ProxyEvidence()
        relay.connect(host).upgrade()
        assert relay.service.clients.evidence == ProxyEvidence(has_public_plaintext=True)

    def test_devices_from_near_may_come_without_tls(self) -> None:
        relay = Relay(trusted_proxies=("8.8.8.8",))
        for host in ("127.0.0.1", "10.0.0.1", "100.64.1.1", "fd00::1", "unix", None):
            relay.connect(host).upgrade()
        # Behind a proxy TLS has ended there.
        relay.connect("8.8.8.8").upgrade(X_Forwarded_For="9.9.9.9")
        wire = relay.connect(None)
        assert wire.protocol.client_known(IPv4Address("TCP", "9.9.9.9", 1))
        wire.upgrade()
        assert relay.service.clients.evidence == ProxyEvidence()


class TestProxyProtocol:
    def test_the_line_of_a_proxy_brings_the_address(self) -> None:
        relay = Relay()
        for _ in range(PENDING_PER_ADDRESS):
            assert relay.connect(None).protocol.client_known(IPv4Address("TCP", DEVICE, 1))
        last = relay.connect(None)
        alsoProvides(last.transport, ISSLTransport)
        assert not last.protocol.client_known(IPv4Address("TCP", DEVICE, 1))
        last.hang_up()
        assert relay.connect(None).protocol.client_known(IPv4Address("TCP", OTHER, 1))
        assert relay.connect(None).protocol.client_known(None)
        assert refused(relay) == {"address_waiting": 1}

    def test_one_too_many_hears_so_as_a_proxy_would_try_another_relay(self) -> None:
        relay = Relay()
        for _ in range(PENDING_PER_ADDRESS):
            assert relay.connect(None).protocol.client_known(IPv4Address("TCP", DEVICE, 1))
        for path in ("/", "/health"):
            wire = relay.connect(None)
            assert wire.protocol.client_known(IPv4Address("TCP", DEVICE, 1))
            assert wire.request(path).startswith(b"HTTP/1.1 429 ")
        assert refused(relay) == {"address_waiting": 2}

    @pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n"])
    def test_one_too_many_is_not_waited_for(self, said: bytes) -> None:
        relay = Relay()
        for _ in range(PENDING_PER_ADDRESS):
            assert relay.connect(None).protocol.client_known(IPv4Address("TCP", DEVICE, 1))
        wire = relay.connect(None)
        assert wire.protocol.client_known(IPv4Address("TCP", DEVICE, 1))
        if said:
            wire.send(said)
        relay.clock.advance(OVERLOAD_REPORT_SECONDS)
        assert (wire.transport.aborted, wire.taken()) == (True, b"")
        assert refused(relay) == {"address_waiting": 1}

    @pytest.mark.parametrize(
        ("allowed", "peer", "status"),
        [
            ("unix", None, 403),
            ("unix", UNIXAddress(None), 101),
            ("0.0.0.0/0", None, 403),
            ("0.0.0.0/0", IPv4Address("TCP", DEVICE, 1), 101),
        ],
        ids=["unknown", "unix", "unknown among all", "one of all"],
    )
    def test_an_unknown_address_is_none_that_is_allowed(
        self, allowed: str, peer: Any, status: int
    ) -> None:
        relay = Relay(access=Access(allowed=Networks.read([allowed])))
        wire = relay.connect(None)
        assert wire.protocol.client_known(peer)
        assert status_of(wire) == status

    def test_the_health_check_of_a_proxy_is_answered_whoever_is_allowed(self) -> None:
        """It says LOCAL, and no address."""
        relay = Relay(access=Access(allowed=Networks.read(["192.0.2.1"])), max_per_address=1)
        for _ in range(PENDING_PER_ADDRESS * 2):
            wire = relay.connect(None)
            assert wire.protocol.client_known(None)
            assert wire.request("/health").startswith(b"HTTP/1.1 200 ")
        assert refused(relay) == {}

    def test_a_proxy_behind_a_proxy_is_believed_where_it_is_trusted(self) -> None:
        relay = behind_proxy(max_per_address=1)
        for expected in (101, 429):
            wire = relay.connect(None)
            assert wire.protocol.client_known(IPv4Address("TCP", PROXY, 1))
            assert status_of(wire, X_Forwarded_For=DEVICE) == expected
