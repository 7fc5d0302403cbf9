"""Networks: what an operator writes, and who is in it."""

from ipaddress import ip_address

import pytest

from vaultrelay.policy.addresses import UnixPeer, read_address
from vaultrelay.policy.networks import Networks

OURS = Networks.read(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "unix"])


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.0.2.7", "2001:db8:1::1"])
def test_who_is_in_them(peer: str) -> None:
    assert ip_address(peer) in OURS
    assert UnixPeer.UNIX in OURS


@pytest.mark.parametrize("peer", ["11.0.0.1", "192.0.2.8", "2001:db9::1", "127.0.0.1", "::1"])
def test_who_is_not(peer: str) -> None:
    assert ip_address(peer) not in OURS
    assert UnixPeer.UNIX not in Networks.read([peer])
    assert None not in OURS


def test_everybody_is_a_network() -> None:
    assert ip_address("192.0.2.1") in Networks.read(["0.0.0.0/0"])
    assert ip_address("2001:db8::1") not in Networks.read(["0.0.0.0/0"])


def test_they_are_shown_as_they_are_written() -> None:
    assert str(OURS) == "10.0.0.0/8 2001:db8::/32 192.0.2.7/32 unix"
    assert (bool(OURS), bool(Networks()), str(Networks())) == (True, False, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "relay.example",
            "'relay.example' is not an address, a network such as 10.0.0.0/8, or unix",
        ),
        ("10.1.2.3/8", "an address and a network in one; write 10.0.0.0/8, or just the address"),
    ],
)
def test_what_is_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Networks.read([text])


@pytest.mark.parametrize(
    "text", ["::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "64:ff9b::c000:200/120"]
)
def test_ipv4_in_ipv6_is_ipv4_as_addresses_are_read(text: str) -> None:
    assert read_address("64:ff9b::192.0.2.1") in Networks.read([text])
