"""Addresses: how they are read, and which networks stand for them."""

from ipaddress import ip_network

import pytest

from vaultrelay.policy.addresses import network_of, networks_of, read_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%" + "x" * 15, "fe80::1"),
    ],
)
def test_an_address_is_read_in_all_its_spellings(text: str, address: str) -> None:
    assert str(read_address(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "192.0.2.1 ",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1/32",
        "1" * 65,
        "fe80::1%" + "x" * 1000,
        ":::",
        "٣.1.1.1",
        "1\n",
        "%eth0",
    ],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("192.0.2.1", ["192.0.2.1/32", "192.0.2.0/24"]),
        ("::ffff:192.0.2.1", ["192.0.2.1/32", "192.0.2.0/24"]),
        ("64:ff9b::192.0.2.1", ["192.0.2.1/32", "192.0.2.0/24"]),
        ("2001:db8:a:bcd::1", ["2001:db8:a:bcd::/64", "2001:db8:a:b00::/56", "2001:db8:a::/48"]),
        ("fe80::1%eth0", ["fe80::/64", "fe80::/56", "fe80::/48"]),
        # 6to4: the gateway has an address of IPv4, and 65 536 networks.
        ("2002:c000:201::1", ["192.0.2.1/32", "192.0.2.0/24"]),
        ("2002:c000:201:ffff:1:2:3:4", ["192.0.2.1/32", "192.0.2.0/24"]),
        # Teredo: server, flags, port of the NAT, and the client's address with all bits turned.
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", ["192.0.2.45/32", "192.0.2.0/24"]),
        ("2001:0:1:2:0:1:3fff:fdd2", ["192.0.2.45/32", "192.0.2.0/24"]),
        # Near these, and none of them.
        ("2001:1::1", ["2001:1::/64", "2001:1::/56", "2001:1::/48"]),
        ("2003:c000:201::1", ["2003:c000:201::/64", "2003:c000:201::/56", "2003:c000:201::/48"]),
        ("64:ff9b:1::1", ["64:ff9b:1::/64", "64:ff9b:1::/56", "64:ff9b:1::/48"]),
    ],
)
def test_an_address_has_networks_from_narrow_to_wide(text: str, networks: list[str]) -> None:
    address = read_address(text)
    assert address is not None
    expected = [ip_network(network) for network in networks]
    assert networks_of(address) == tuple(
        network.network_address.packed[: network.prefixlen // 8] for network in expected
    )


@pytest.mark.parametrize(
    ("text", "network"),
    [("192.0.2.1", "c0000201"), ("2001:db8:a:bcd:1:2:3:4", "20010db8000a0bcd")],
)
def test_the_narrowest_network_stands_for_a_client(text: str, network: str) -> None:
    address = read_address(text)
    assert address is not None
    assert network_of(address).hex() == network
