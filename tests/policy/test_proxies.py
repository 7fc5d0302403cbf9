"""Trusted proxies: whose word counts, and which word of it."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultrelay.policy.addresses import UnixPeer
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.proxies import TrustedProxies

OURS = TrustedProxies.read(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "unix"])


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.0.2.7", "2001:db8:1::1"])
def test_who_is_a_proxy(peer: str) -> None:
    assert OURS.trusts(ip_address(peer))


@pytest.mark.parametrize("peer", ["11.0.0.1", "192.0.2.8", "2001:db9::1", "127.0.0.1", "::1"])
def test_who_is_not(peer: str) -> None:
    assert not OURS.trusts(ip_address(peer))


def test_unix_sockets_are_trusted_by_name_alone() -> None:
    assert OURS.trusts(UnixPeer.UNIX)
    assert not TrustedProxies.read(["127.0.0.1"]).trusts(UnixPeer.UNIX)
    assert not TrustedProxies().trusts(UnixPeer.UNIX)


def test_who_is_not_known_is_no_proxy() -> None:
    assert not OURS.trusts(None)


@pytest.mark.parametrize("text", ["::ffff:10.0.0.0/104", "::ffff:10.0.0.0/128", "10.0.0.0"])
def test_a_network_of_wrapped_addresses_is_one_of_ipv4(text: str) -> None:
    assert TrustedProxies.read([text]).trusts(ip_address("10.0.0.0"))
    assert not TrustedProxies.read([text]).trusts(ip_address("11.0.0.0"))


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1:50000"], "198.51.100.1"),
        (["2001:db9::1"], "2001:db9::1"),
        (["[2001:db9::1]"], "2001:db9::1"),
        (["[2001:db9::1]:443"], "2001:db9::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["fe80::1%eth0"], "fe80::1"),
        # Before the last that is not ours, anybody may have written anything.
        (["203.0.113.1", "198.51.100.1"], "198.51.100.1"),
        (["rubbish", "198.51.100.1"], "198.51.100.1"),
        (["10.0.0.1"] * 5000 + ["198.51.100.1"], "198.51.100.1"),
        (["127.0.0.1", "198.51.100.1", "10.0.0.1", "192.0.2.7"], "198.51.100.1"),
        (["203.0.113.1"] + ["10.0.0.1"] * 15, "203.0.113.1"),
        # A device may stand in a network of proxies.
        (["::ffff:10.0.0.1"], "10.0.0.1"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.1"),
        ([], None),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(forwarded: list[str], client: str | None) -> None:
    found = OURS.client(forwarded)
    assert found == (client and ip_address(client))


@pytest.mark.parametrize(
    "forwarded",
    [
        ["unknown"],
        ["_hidden"],
        ["198.51.100.1", "rubbish"],
        ["198.51.100.1", "rubbish", "10.0.0.1"],
        ["198.51.100.1:٣"],
        ["198.51.100.1:"],
        ["198.51.100.1:x"],
        ["198.51.100.1:123456"],
        ["[198.51.100.1"],
        ["[2001:db9::1]443"],
        ["[2001:db9::1]:4:3"],
        ['"198.51.100.1"'],
        ["198.51.100.1;203.0.113.1"],
        ["9" * 8000],
        ["203.0.113.1"] + ["10.0.0.1"] * 16,
        ["10.0.0.1"] * 4000,
    ],
)
def test_what_ours_should_not_have_written_is_an_error(forwarded: list[str]) -> None:
    with pytest.raises(ValueError, match=r"this is not an address|in a row"):
        OURS.client(forwarded)


@given(st.lists(st.text(max_size=80), max_size=20))
def test_nothing_else_comes_out_of_it(forwarded: list[str]) -> None:
    try:
        found = OURS.client(forwarded)
    except ValueError:
        return
    assert (found is None) == (not forwarded)


def test_who_is_denied_is_believed_no_more() -> None:
    """Else a device in a network of proxies would come in under any other address."""
    denied = Networks.read(["10.9.0.0/16"])
    proxies = TrustedProxies.read(["10.0.0.0/8"], denied)
    liar = ip_address("10.9.0.5")
    assert not proxies.trusts(liar)
    assert proxies.client(["203.0.113.1", str(liar), "10.0.0.1"]) == liar
