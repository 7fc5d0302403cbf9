"""Diagnosis: what is noticed, what is said of it, and when it is over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address

from tests.authority import chain, ed25519_key, issue, write_pair
from tests.memory import Relay
from vaultrelay.certificates.server_certificate import load_certificate, utc_now
from vaultrelay.observe.certificate_warnings import expiring
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.observe.warnings import CHECKS, diagnose
from vaultrelay.policy.limits.diagnosis import (
    CERTIFICATE_WARNING_DAYS,
    MIN_EQUAL_SILENCES,
    PROXY_FAULT_SECONDS,
    PUBLIC_PROXY_FAULTS,
    SHARED_ADDRESS_CHANNELS,
    SHARED_ADDRESS_DEVICES,
)
from vaultrelay.policy.mailbox_health import MailboxHealth
from vaultrelay.policy.operator_warning import SUMMARIES
from vaultrelay.policy.proxy_faults import PROXY_FAULTS
from vaultrelay.transport.client_budgets import ProxyEvidence
from vaultrelay.transport.listening_service import OpenSocket

NAMED = {"public_urls": ("wss://relay.test",)}
"""Settings with which there is nothing to say."""


def found(relay: Relay) -> dict[str, str]:
    """Findings by slug."""
    return {warning.slug: warning.text for warning in relay.service.warnings()}


def crowd(relay: Relay, hosts: Sequence[str | None], devices: int = SHARED_ADDRESS_DEVICES) -> None:
    for number in range(devices):
        seed = bytes([number % SHARED_ADDRESS_CHANNELS]) * 32
        host = hosts[number % len(hosts)]
        relay.join(number.to_bytes(8, "big"), seed, host)


def test_a_relay_in_order_has_nothing_to_say() -> None:
    assert found(Relay(**NAMED)) == {}


def test_one_that_knows_no_name_says_so() -> None:
    assert "--public-url" in found(Relay())["no_name"]


def test_every_symptom_finds_what_is_named_after_it(tmp_path: Path) -> None:
    """Each slug of the table is the one that its findings have: metrics count by it."""
    certificate, key = write_pair(tmp_path, issue([], key=ed25519_key()))
    pair = replace(load_certificate(certificate, key), open_key=key)
    relay = Relay(
        pairs=((pair,),),
        unknown_variables=("RELAY_X",),
        open_files=256,
        bind="127.0.0.1",
        listen=("haproxy:tcp:0",),
    )
    crowd(relay, ["127.0.0.1"])
    for _ in range(MIN_EQUAL_SILENCES):
        relay.broker.idle_disconnects.add(30)
    proxy_evidence = ProxyEvidence(
        "127.0.0.1", has_invalid_forwarded_for=True, has_public_plaintext=True
    )
    evidence = RelayState(
        settings=replace(relay.service.settings, channels=frozenset()),
        broker=relay.broker,
        now=pair.ends + timedelta(1),
        proxy_evidence=proxy_evidence,
        read_errors=("error",),
        open_sockets=(OpenSocket("/run/devices", 0o666, False),),
        origin_refused=True,
        admin_host_refused=True,
        proxy_faults=PROXY_FAULTS,
        native_faults=("it was built for another Python",),
        mailbox=MailboxHealth("off", "quick_check: row 7", is_old_sqlite=True),
    )
    found = [(each.slug, each.is_urgent) for each in diagnose(evidence)]
    assert found == [(each.slug, each.is_urgent) for each in CHECKS if each.texts is not expiring]
    assert list(dict(found)) == list(SUMMARIES)
    assert [slug for slug, is_urgent in found if is_urgent] == [
        *("certificate", "not_read", "nobody", "certificate_name", "mailbox")
    ]


class TestPlainInPublic:
    @pytest.mark.parametrize(
        "url", ["ws://relay.example.org", "http://8.8.8.8:8080", "ws://[2606:4700::1]/relay"]
    )
    def test_a_public_url_without_tls(self, url: str) -> None:
        shown = url.replace("http", "ws")
        assert found(Relay(public_urls=(url,)))["plain_in_public"].startswith(
            f"--public-url {shown} does not use TLS: anyone on the network path sees"
        )

    @pytest.mark.parametrize(
        "url",
        [
            "wss://relay.example.org",
            "ws://127.0.0.1",
            "ws://nas",
            "ws://nas.home.arpa",
            "ws://a.lan",
            "ws://relay.local",
            "ws://192.168.1.2:8080",
            "ws://abcdef.onion",
            "ws://[fd00::1]",
        ],
    )
    def test_is_not_said_of_others(self, url: str) -> None:
        assert found(Relay(public_urls=(url,))) == {}

    def test_an_address_of_the_internet_that_is_listened_on(self) -> None:
        relay = Relay(**NAMED)
        relay.service._plain_addresses = ("8.8.8.8",)
        assert found(relay)["plain_in_public"].startswith(
            "The relay listens without TLS on the public address 8.8.8.8: anyone on the network"
        )
        behind = Relay(trusted_proxies=("10.0.0.1",), **NAMED)
        behind.service._plain_addresses = ("8.8.8.8",)
        assert found(behind) == {}


@pytest.mark.parametrize(
    ("days", "said", "is_urgent"),
    [
        (-30, "DEVICES WILL REFUSE TO CONNECT: the certificate is not valid before", True),
        (100 - CERTIFICATE_WARNING_DAYS - 2, None, False),
        (85, "The certificate expires in 14 days, on", False),
        (98, "The certificate expires in a day, on", False),
        (99, "The certificate expires within a day, on", False),
        (101, "DEVICES WILL REFUSE TO CONNECT: the certificate expired on", True),
    ],
)
def test_a_certificate_is_spoken_of_in_time(
    tmp_path: Path, days: int, said: str | None, is_urgent: bool
) -> None:
    now = utc_now()
    issued = chain(["relay.test"], starts=now, ends=now + timedelta(100))
    pair = load_certificate(*write_pair(tmp_path, *issued))
    relay = Relay(pairs=((pair,),))
    then = now + timedelta(days)
    evidence = RelayState(settings=relay.service.settings, broker=relay.broker, now=then)
    warnings = diagnose(evidence)
    assert [warning.is_urgent for warning in warnings] == ([] if said is None else [is_urgent])
    for warning in warnings:
        assert said is not None
        assert warning.text.startswith(said)


class TestOneAddress:
    def test_a_crowd_behind_one_address_looks_like_a_proxy(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["127.0.0.1"])
        said = found(relay)["one_address"]
        assert "come from 127.0.0.1," in said
        assert "--trusted-proxy" in said

    def test_a_network_of_ipv6_is_one_address(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["fd00::1", "fd00::ffff:1"])
        assert "come from fd00::/64," in found(relay)["one_address"]

    @pytest.mark.parametrize(
        "hosts",
        [["2001:db8:1:101::1", "2001:db8:1:102::1"], ["8.8.8.8", "8.8.8.9"], ["10.0.0.1", None]],
    )
    def test_an_office_with_several_addresses_is_nothing_unusual(
        self, hosts: list[str | None]
    ) -> None:
        relay = Relay(**NAMED)
        crowd(relay, hosts)
        assert "one_address" not in found(relay)

    def test_a_public_address_is_not_named(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["8.8.8.8"])
        assert "come from one address," in found(relay)["one_address"]

    def test_a_trusted_proxy_that_names_nobody(self) -> None:
        relay = Relay(trusted_proxies=("10.0.0.1",), **NAMED)
        crowd(relay, ["10.0.0.1"])
        assert "is trusted, but sends no client addresses" in found(relay)["one_address"]

    def test_on_a_unix_socket_too(self) -> None:
        relay = Relay(trusted_proxies=("unix",), **NAMED)
        crowd(relay, ["unix"])
        assert "come from a unix socket," in found(relay)["one_address"]

    def test_a_proxy_that_does_not_know_whom_it_speaks_for(self) -> None:
        relay = Relay(trusted_proxies=("unix",), **NAMED)
        crowd(relay, [None])
        assert "(UNKNOWN or LOCAL), so its devices are not limited" in found(relay)["one_address"]

    def test_where_no_line_names_an_address_neither_does_this_one(self) -> None:
        relay = Relay(log_addresses="none", **NAMED)
        crowd(relay, ["127.0.0.1"])
        relay.connect("127.0.0.1").upgrade(X_Forwarded_For="192.0.2.1")
        said = found(relay)
        assert "come from a private address," in said["one_address"]
        assert "X-Forwarded-For from a private address is ignored" in said["untrusted_proxy"]
        assert "127.0.0.1" not in "".join(said.values())

    def test_a_family_is_none(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["127.0.0.1"], SHARED_ADDRESS_DEVICES - 1)
        assert found(relay) == {}

    def test_one_vault_is_none(self) -> None:
        relay = Relay(**NAMED)
        for number in range(SHARED_ADDRESS_DEVICES):
            relay.join(number.to_bytes(8, "big"), host="127.0.0.1")
        assert found(relay) == {}

    def test_two_addresses_are_none(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["127.0.0.1", "10.0.0.1"])
        assert found(relay) == {}


def test_the_address_of_a_session_is_that_of_its_device() -> None:
    relay = Relay(trusted_proxies=("10.0.0.1",))
    relay.join(host="10.0.0.1", X_Forwarded_For="192.0.2.9")
    (session,) = relay.broker.sessions
    assert session.address == ip_address("192.0.2.9")


class TestProxyFaults:
    """What a proxy does to connections leaves a finding with its cure, and is counted."""

    LOST = (
        {"Upgrade": "", "Connection": ""},
        {"Upgrade": "", "Connection": "close"},
        {"Connection": "keep-alive"},
        {"Upgrade": ""},
        {"Sec_WebSocket_Key": ""},
        {"Upgrade": "", "Connection": "", "Sec_WebSocket_Key": ""},
    )

    @pytest.mark.parametrize("headers", LOST)
    def test_an_upgrade_that_lost_a_header(self, headers: dict[str, str]) -> None:
        relay = Relay(**NAMED)
        assert relay.connect("172.17.0.2").upgrade(**headers).startswith(b"HTTP/1.1 400 ")
        (said,) = found(relay).values()
        assert "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection" in said
        assert relay.broker.counters.refused == {"upgrade_lost": 1}
        relay.clock.advance(PROXY_FAULT_SECONDS + 1)
        assert found(relay) == {}

    @pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "fd00::1", "unix"])
    @pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n"])
    def test_a_proxy_header_that_is_not_expected(self, host: str, header: bytes) -> None:
        relay = Relay(**NAMED)
        wire = relay.connect(host)
        wire.send(header)
        assert b"--listen haproxy:" in wire.taken()
        wire.send(b"GET / HTTP/1.1\r\n")
        assert "put haproxy: before" in found(relay)["proxy_unexpected"]
        assert relay.broker.counters.refused == {"proxy_unexpected": 1}

    def test_a_proxy_header_that_does_not_come(self) -> None:
        relay = Relay(**NAMED)
        wire = relay.connect(None)
        assert wire.protocol.proxy_header_missing(IPv4Address("TCP", "10.0.0.1", 1))
        assert b"send-proxy-v2" in wire.request("/health")
        assert "remove haproxy: from" in found(relay)["proxy_missing"]
        assert relay.broker.counters.refused == {"proxy_missing": 1}

    def test_from_afar_it_may_be_anybody_unless_there_are_many(self) -> None:
        relay = Relay(trusted_proxies=("9.9.9.9",), **NAMED)
        for _ in range(PUBLIC_PROXY_FAULTS):
            assert found(relay) == {}
            relay.connect("8.8.8.8").upgrade(Upgrade="")
        assert list(found(relay)) == ["upgrade_lost"]
        relay.connect("9.9.9.9").send(b"PROXY UNKNOWN\r\n")
        assert list(found(relay)) == ["upgrade_lost", "proxy_unexpected"]

    def test_a_page_that_is_asked_for_with_connection_upgrade_is_none(self) -> None:
        relay = Relay(**NAMED)
        assert relay.connect("127.0.0.1").request(Connection="upgrade").startswith(b"HTTP/1.1 200 ")
        assert found(relay) == {}


@pytest.mark.parametrize(
    ("seconds", "ping"), [(30, " --ping-seconds below 30"), (60, " below 60"), (15, "")]
)
def test_a_timeout_in_the_way_is_told_with_its_seconds(seconds: int, ping: str) -> None:
    relay = Relay(**NAMED)
    for _ in range(MIN_EQUAL_SILENCES):
        relay.broker.idle_disconnects.add(seconds)
    said = found(relay)["fixed_silence"]
    assert f"cut off after {seconds} s without traffic" in said
    assert ping in said
    assert ("--ping-seconds" in said) == bool(ping)
