"""Diagnosis: what is noticed, what is said of it, and when it is over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.certificates import issue, write_pair
from tests.memory import Relay
from vaultrelay.diagnosis.symptoms import SYMPTOMS, Evidence, diagnose
from vaultrelay.policy.access import Access
from vaultrelay.policy.finding import WHAT
from vaultrelay.policy.limits import (
    CERTIFICATE_WARNING_DAYS,
    CROWD_CHANNELS,
    CROWD_DEVICES,
    SILENCES_ALIKE,
)
from vaultrelay.transport.certificate import load_pair, utc_now
from vaultrelay.transport.listen import OpenSocket
from vaultrelay.transport.visitors import Noticed

NAMED = {"public_urls": ("wss://relay.test",)}
"""Settings with which there is nothing to say."""


def found(relay: Relay) -> dict[str, str]:
    """Findings by slug."""
    return {finding.slug: finding.text for finding in relay.service.findings()}


def crowd(relay: Relay, hosts: Sequence[str | None], devices: int = CROWD_DEVICES) -> None:
    for number in range(devices):
        seed = bytes([number % CROWD_CHANNELS]) * 32
        host = hosts[number % len(hosts)]
        relay.join(number.to_bytes(8, "big"), seed, host)


def test_a_relay_in_order_has_nothing_to_say() -> None:
    assert found(Relay(**NAMED)) == {}


def test_one_that_knows_no_name_says_so() -> None:
    assert "--public-url" in found(Relay())["no_name"]


def test_every_symptom_finds_what_is_named_after_it(tmp_path: Path) -> None:
    """Each slug of the table is the one that its findings have: metrics count by it."""
    pair = load_pair(*write_pair(tmp_path, issue(["*"])))
    relay = Relay(
        pairs=((pair,),), unknown_variables=("RELAY_X",), open_files=256, bind="127.0.0.1"
    )
    crowd(relay, ["127.0.0.1"])
    for _ in range(SILENCES_ALIKE):
        relay.broker.silences.note(30)
    noticed = Noticed("127.0.0.1", is_unreadable=True, is_plain_in_public=True)
    evidence = Evidence(
        replace(relay.service.settings, access=Access(channels=frozenset())),
        relay.broker,
        noticed,
        ("trouble",),
        pair.ends + timedelta(1),
        (OpenSocket("/run/devices", 0o666, False),),
        origin_refused=True,
        admin_host_refused=True,
    )
    assert {finding.slug for finding in diagnose(evidence)} == set(SYMPTOMS)
    assert list(SYMPTOMS) == list(WHAT)
    for slug, find in SYMPTOMS.items():
        assert {finding.slug for finding in find(evidence)} == {slug}


@pytest.mark.parametrize(
    ("days", "said", "is_urgent"),
    [
        (-30, "DEVICES WILL REFUSE TO CONNECT: the certificate is not valid before", True),
        (100 - CERTIFICATE_WARNING_DAYS - 2, None, False),
        (85, "The certificate ends in 14 days, on", False),
        (98, "The certificate ends in a day, on", False),
        (99, "The certificate ends within a day, on", False),
        (101, "DEVICES WILL REFUSE TO CONNECT: the certificate expired on", True),
    ],
)
def test_a_certificate_is_spoken_of_in_time(
    tmp_path: Path, days: int, said: str | None, is_urgent: bool
) -> None:
    now = utc_now()
    issued = issue(["relay.test"], starts=now, ends=now + timedelta(100))
    pair = load_pair(*write_pair(tmp_path, issued))
    relay = Relay(pairs=((pair,),))
    then = now + timedelta(days)
    evidence = Evidence(relay.service.settings, relay.broker, Noticed(), (), then)
    findings = diagnose(evidence)
    assert [finding.is_urgent for finding in findings] == ([] if said is None else [is_urgent])
    for finding in findings:
        assert said is not None
        assert finding.text.startswith(said)


class TestOneAddress:
    def test_a_crowd_behind_one_address_looks_like_a_proxy(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["127.0.0.1"])
        said = found(relay)["one_address"]
        assert "come from 127.0.0.1," in said
        assert "--trusted-proxy" in said

    def test_a_public_address_is_not_named(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["8.8.8.8"])
        assert "come from one address," in found(relay)["one_address"]

    def test_a_trusted_proxy_that_names_nobody(self) -> None:
        relay = Relay(trusted_proxies=("10.0.0.1",), **NAMED)
        crowd(relay, ["10.0.0.1"])
        assert "is trusted, but names nobody" in found(relay)["one_address"]

    def test_on_a_unix_socket_too(self) -> None:
        relay = Relay(trusted_proxies=("unix",), **NAMED)
        crowd(relay, ["unix"])
        assert "come from a unix socket," in found(relay)["one_address"]

    def test_a_proxy_that_does_not_know_whom_it_speaks_for(self) -> None:
        relay = Relay(trusted_proxies=("unix",), **NAMED)
        crowd(relay, [None])
        assert "(UNKNOWN or LOCAL), so no limit" in found(relay)["one_address"]

    def test_where_no_line_names_an_address_neither_does_this_one(self) -> None:
        relay = Relay(log_addresses="none", **NAMED)
        crowd(relay, ["127.0.0.1"])
        relay.connect("127.0.0.1").upgrade(X_Forwarded_For="192.0.2.1")
        said = found(relay)
        assert "come from a private address," in said["one_address"]
        assert "Requests from a private address carry" in said["untrusted_proxy"]
        assert "127.0.0.1" not in "".join(said.values())

    def test_a_family_is_none(self) -> None:
        relay = Relay(**NAMED)
        crowd(relay, ["127.0.0.1"], CROWD_DEVICES - 1)
        assert found(relay) == {}

    def test_one_vault_is_none(self) -> None:
        relay = Relay(**NAMED)
        for number in range(CROWD_DEVICES):
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


@pytest.mark.parametrize(
    ("seconds", "ping"), [(30, " --ping-seconds below 30"), (60, " below 60"), (15, "")]
)
def test_a_timeout_in_the_way_is_told_with_its_seconds(seconds: int, ping: str) -> None:
    relay = Relay(**NAMED)
    for _ in range(SILENCES_ALIKE):
        relay.broker.silences.note(seconds)
    said = found(relay)["fixed_silence"]
    assert f"cut off after {seconds} s of silence" in said
    assert ping in said
    assert ("--ping-seconds" in said) == bool(ping)
