"""Own addresses: which ports are open to the Internet."""

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from vaultrelay.transport import public_addresses as addresses
from vaultrelay.transport.public_addresses import public_addresses


class Port:
    def __init__(self, host: str) -> None:
        self._address = (
            UNIXAddress(host)
            if host.startswith("/")
            else (IPv6Address if ":" in host else IPv4Address)("TCP", host, 8080)
        )

    def getHost(self) -> Any:
        return self._address


def found(*hosts: str) -> tuple[str, ...]:
    ports: list[Any] = [Port(host) for host in hosts]
    return public_addresses([*ports, None])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "fe80::1%eth0", "100.64.0.1", "/run/relay"]
)
def test_an_address_of_a_private_network_is_none(host: str) -> None:
    assert found(host) == ()


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111"])
def test_an_address_of_the_internet_is_one(host: str) -> None:
    assert found("127.0.0.1", host, host) == (host,)


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])
@pytest.mark.parametrize(
    ("outward", "public"), [("8.8.8.8", ("8.8.8.8",)), ("192.168.1.2", ()), ("", ())]
)
def test_on_every_interface_that_to_the_internet_counts(
    monkeypatch: pytest.MonkeyPatch, everywhere: str, outward: str, public: tuple[str, ...]
) -> None:
    monkeypatch.setattr(addresses, "_outward_address", lambda: outward)
    assert found(everywhere) == public


def test_a_machine_without_a_network_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(addresses._outward_address(), str)

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("socket.socket", fail)
    assert addresses._outward_address() == ""
